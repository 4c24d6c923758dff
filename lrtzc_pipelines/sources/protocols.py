"""How a source is asked for: the arguments of each connector.

A connector's `kind` is the name of its module in `connectors/`. In sources partitioned
by day, `{day:%Y-%m-%d}` in any text stands for the day that is asked for, and
`{next_day:…}` for the one after it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.reference_systems import Box, axes, is_box


class ConnectorBase(Frozen):
    """What every connector can be told."""

    max_megabytes: Annotated[int, Field(ge=1)] = 200
    """Largest single answer, decompressed."""

    def for_day(self, day: date) -> Self:
        """These arguments with the day filled in."""
        filled = _filled(self.model_dump(), day)
        return type(self).model_validate(filled)


def _filled(value: Any, day: date) -> Any:
    if isinstance(value, str):
        return value.format(day=day, next_day=day + timedelta(days=1))
    if isinstance(value, dict):
        return {name: _filled(item, day) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, day) for item in value]
    return value


class WebserviceConnector(ConnectorBase):
    """Arguments of the legacy La Rochelle web service."""

    kind: Literal["larochelle_webservice"]
    database: str
    table: str
    page_size: Annotated[int, Field(ge=1, le=5000)] = 5000


class CkanConnector(ConnectorBase):
    """Arguments of a CKAN `datastore_search` endpoint."""

    kind: Literal["ckan"]
    resource_id: str
    page_size: Annotated[int, Field(ge=1, le=32_000)] = 1000


class GbfsConnector(ConnectorBase):
    """Feeds to read from a GBFS discovery file."""

    kind: Literal["gbfs"]
    feeds: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("feeds")
    @classmethod
    def _no_vehicle_positions(cls, feeds: tuple[str, ...]) -> tuple[str, ...]:
        refused = {"vehicle_status", "free_bike_status"} & set(feeds)
        if refused:
            msg = f"{sorted(refused)} traces single vehicles and may not be collected"
            raise ValueError(msg)
        return feeds


class HttpFileConnector(ConnectorBase):
    """One file behind one address, relative to the endpoint, or several alike."""

    kind: Literal["http_file"]
    path: str
    parts: tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z][\w-]{0,63}$")], ...] = ()
    """What `{part}` in the path stands for, file after file: one file a year, say."""
    query: dict[str, str] = Field(default_factory=dict)
    key_header: str | None = None
    """Header that carries the service's key, where it wants one."""

    @property
    def files(self) -> dict[str, str]:
        """Path of each file, by the name of its page."""
        if not self.parts:
            return {"file": self.path}
        return {part: self.path.replace("{part}", part) for part in self.parts}

    @model_validator(mode="after")
    def _parts_have_a_place(self) -> Self:
        if bool(self.parts) != ("{part}" in self.path):
            msg = "path: give {part} where parts are given, and only there"
            raise ValueError(msg)
        if len(set(self.parts)) < len(self.parts):
            msg = "parts: one is there twice"
            raise ValueError(msg)
        return self


class OdsV1Connector(ConnectorBase):
    """`records/1.0/search/dataset=<id>` as the agglomeration's gateway serves it."""

    kind: Literal["ods_v1"]
    dataset: str
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000
    sort: str | None = None
    """Field the pages are ordered by, `-` before it to reverse."""


class OdsConnector(ConnectorBase):
    """An Opendatasoft Explore v2.1 dataset, exported whole."""

    kind: Literal["ods"]
    dataset: str
    export: Literal["parquet", "jsonl", "csv"] = "parquet"
    where: str | None = None
    select: str | None = None
    order_by: str | None = None


class DataFairConnector(ConnectorBase):
    """Lines of a data-fair dataset (ADEME, Enedis)."""

    kind: Literal["data_fair"]
    dataset: str
    select: tuple[str, ...] = ()
    filters: dict[Annotated[str, Field(pattern=r".+_(eq|in|starts)$")], str] = Field(
        default_factory=dict
    )
    """What a column must be, by its name and `_eq`, `_in` or `_starts`."""
    qs: str | None = None
    sort: str | None = None
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 10_000


class DataGouvConnector(ConnectorBase):
    """Resources found through data.gouv.fr: one by its id, or all that match.

    Exactly one of `resource` (stable id), `dataset` (id or slug) and `schema_name`
    (every resource that declares it, whoever its producer) is given.
    """

    kind: Literal["data_gouv"]
    resource: str | None = None
    dataset: str | None = None
    schema_name: str | None = None
    title_pattern: str | None = None
    """Regular expression that a resource's title must match."""
    latest: Annotated[int, Field(ge=1)] | None = None
    """How many of them to take, the last ones by title: files named by their month."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [v for v in (self.resource, self.dataset, self.schema_name) if v]
        if len(given) != 1:
            msg = "give exactly one of resource, dataset and schema_name"
            raise ValueError(msg)
        return self


class WfsConnector(ConnectorBase):
    """A feature type of an OGC WFS 2.0 service, as GeoJSON, page by page."""

    kind: Literal["wfs"]
    type_name: str
    sort_by: str
    """Attribute the pages are ordered by, so that none overlap."""
    cql_filter: str | None = None
    bbox: Box | None = None
    """West, south, east, north in degrees; sent in the axis order of `srs`."""
    srs: str = "urn:ogc:def:crs:EPSG::4326"
    page_size: Annotated[int, Field(ge=1, le=5000)] = 1000

    @model_validator(mode="after")
    def _one_plausible_filter(self) -> Self:
        if self.bbox and self.cql_filter:
            msg = "give bbox or cql_filter: services refuse both"
            raise ValueError(msg)
        if self.bbox and not (is_box(self.bbox) and axes(self.srs)):
            msg = "bbox: west, south, east, north in degrees, with a WGS84 srs"
            raise ValueError(msg)
        return self


class SensorThingsConnector(ConnectorBase):
    """A collection of an OGC SensorThings service."""

    kind: Literal["sensorthings"]
    path: str
    query: dict[str, str] = Field(default_factory=dict)
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000


class KuzzleConnector(ConnectorBase):
    """Documents of a Kuzzle collection, by search and scroll."""

    kind: Literal["kuzzle"]
    index: str
    collection: str
    query: dict[str, Any] = Field(default_factory=dict)
    sort: tuple[dict[str, str], ...] = ()
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 500


class AtmoConnector(ConnectorBase):
    """Atmo France's API; its secret is `user:password`, exchanged for a token."""

    kind: Literal["atmo"]
    path: str
    query: dict[str, str] = Field(default_factory=dict)


class ArcgisConnector(ConnectorBase):
    """A layer of an ArcGIS feature service, queried page by page."""

    kind: Literal["arcgis"]
    path: str
    where: str = "1=1"
    order_by: str
    page_size: Annotated[int, Field(ge=1, le=2000)] = 1000


class LinkyConnector(ConnectorBase):
    """Metering data of the Linky meters whose owners consent."""

    kind: Literal["linky"]
    measure: Literal["daily_consumption", "consumption_load_curve"]
    start: str
    end: str


class EcoCounterConnector(ConnectorBase):
    """Counts of every public counter of an Eco-Counter domain."""

    kind: Literal["eco_counter"]
    domain: str
    start: str
    end: str
    interval: Literal["hour", "day"] = "day"


class SireneConnector(ConnectorBase):
    """Establishments of INSEE's Sirene 3.11, by cursor."""

    kind: Literal["sirene"]
    query: str
    fields: tuple[str, ...] = ()
    page_size: Annotated[int, Field(ge=1, le=1000)] = 1000


class AgenceBioConnector(ConnectorBase):
    """Organic operators of a department; the service sends 20 a page."""

    kind: Literal["agence_bio"]
    department: str


class DatatourismeConnector(ConnectorBase):
    """Objects of the DATAtourisme catalogue."""

    kind: Literal["datatourisme"]
    query: dict[str, str] = Field(default_factory=dict)
    page_size: Annotated[int, Field(ge=1, le=250)] = 100


class HubeauConnector(ConnectorBase):
    """A Hub'Eau operation; HTTP 206 means that more pages follow."""

    kind: Literal["hubeau"]
    path: str
    query: dict[str, str] = Field(default_factory=dict)
    page_size: Annotated[int, Field(ge=1, le=20_000)] = 5000


class PostgrestConnector(ConnectorBase):
    """A table behind PostgREST (the BDNB), by limit and offset."""

    kind: Literal["postgrest"]
    path: str
    filters: dict[str, str] = Field(default_factory=dict)
    select: str | None = None
    order: str
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000
    version_path: str | None = None
    """Small table that changes whenever data are published anew, where there is one."""
    key_header: str | None = None
    """Header that carries the service's key, where there is one."""


class RnbConnector(ConnectorBase):
    """Buildings of the RNB, following its cursor."""

    kind: Literal["rnb"]
    query: dict[str, str] = Field(default_factory=dict)
    page_size: Annotated[int, Field(ge=1, le=100)] = 100


class SpoolConnector(ConnectorBase):
    """Messages that a collector process wrote down (MQTT, LoRaWAN)."""

    kind: Literal["spool"]
    collector: str


class DepositConnector(ConnectorBase):
    """Files that a partner left in the inbox of a deposit form."""

    kind: Literal["deposit"]
    form: str


Connector: TypeAlias = Annotated[
    WebserviceConnector
    | CkanConnector
    | GbfsConnector
    | HttpFileConnector
    | OdsV1Connector
    | OdsConnector
    | DataFairConnector
    | DataGouvConnector
    | WfsConnector
    | SensorThingsConnector
    | KuzzleConnector
    | AtmoConnector
    | ArcgisConnector
    | LinkyConnector
    | EcoCounterConnector
    | SireneConnector
    | AgenceBioConnector
    | DatatourismeConnector
    | HubeauConnector
    | PostgrestConnector
    | RnbConnector
    | SpoolConnector
    | DepositConnector,
    Field(discriminator="kind"),
]
