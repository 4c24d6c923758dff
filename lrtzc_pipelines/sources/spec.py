"""The models of a source specification, its columns and its endpoint.

They are frozen and refuse unknown keys, so a misspelt option fails when it is loaded
rather than being ignored. What belongs here: the shape of a specification and the
rules that hold inside one file. Finding the files is `registry`'s work.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LICENCES = frozenset(
    {
        "etalab-2.0",
        "ODbL-1.0",
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "Apache-2.0",
        "LicenseRef-partner-agreement",
    }
)
"""Licences a source may declare: SPDX identifiers, plus France's `etalab-2.0`."""

ID_PATTERN = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")
"""A source id: `<producer>_<dataset>` in snake_case."""


class Frozen(BaseModel):
    """Base of every specification model: immutable, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tier(StrEnum):
    """Who may read a dataset."""

    OPEN = "open"
    PARTNERS = "partners"
    RESTRICTED = "restricted"


class Cadence(StrEnum):
    """How often a source is collected; one nightly schedule serves each value."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Theme(StrEnum):
    """Catalogue group a source is shown under."""

    TERRITORY = "territory"
    ENERGY = "energy"
    MOBILITY = "mobility"
    WASTE = "waste"
    AIR = "air"
    WATER = "water"
    BIODIVERSITY = "biodiversity"
    FOOD = "food"
    TOURISM = "tourism"
    ECONOMY = "economy"
    PARTICIPATION = "participation"
    CARBON = "carbon"
    CATALOGUE = "catalogue"


class ColumnType(StrEnum):
    """Type of a validated column."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


_CONSTANTS: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.TEXT: (str,),
    ColumnType.INTEGER: (int,),
    ColumnType.NUMBER: (int, float),
    ColumnType.BOOLEAN: (int,),
}


class GeneralizeTime(Frozen):
    """Truncate a date or datetime to the start of a period (Polars duration)."""

    time: Annotated[str, Field(pattern=r"^[1-9]\d*(m|h|d|w|mo|y)$")]


class GeneralizeNumber(Frozen):
    """Round a number down to a multiple of `step`."""

    step: Annotated[float, Field(gt=0)]


class GeneralizeText(Frozen):
    """Keep only the first `prefix` characters of a text."""

    prefix: Annotated[int, Field(ge=1)]


class Generalize(Frozen):
    """Privacy rule that keeps a coarser value."""

    generalize: GeneralizeTime | GeneralizeNumber | GeneralizeText


PrivacyRule = Literal["keep", "drop"] | Generalize
"""What happens to a column between validated and anonymized data."""


class Column(Frozen):
    """One column: what the producer calls it and what the platform makes of it.

    Exactly one of `source` (the producer's name) and `constant` is given.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    source: str | None = None
    constant: int | float | str | None = None
    type: ColumnType
    description: Annotated[str, Field(min_length=3)]
    privacy: PrivacyRule
    unit: str | None = None
    required: bool = False
    timezone: str | None = None
    datetime_format: str | None = None

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            msg = f"unknown time zone {value!r}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.source is None) == (self.constant is None):
            msg = f"column {self.name}: give either source or constant"
            raise ValueError(msg)
        suited = _CONSTANTS.get(self.type, ())
        if self.constant is not None and not isinstance(self.constant, suited):
            msg = f"column {self.name}: no constant {self.constant!r} in {self.type}"
            raise ValueError(msg)
        if self.type is ColumnType.DATETIME and self.source and not self.timezone:
            msg = f"column {self.name}: a datetime needs its timezone"
            raise ValueError(msg)
        if isinstance(self.privacy, Generalize):
            self._check_generalization(self.privacy)
        return self

    def _check_generalization(self, rule: Generalize) -> None:
        suits: dict[type, set[ColumnType]] = {
            GeneralizeTime: {ColumnType.DATE, ColumnType.DATETIME},
            GeneralizeNumber: {ColumnType.INTEGER, ColumnType.NUMBER},
            GeneralizeText: {ColumnType.TEXT},
        }
        if self.type not in suits[type(rule.generalize)]:
            msg = f"column {self.name}: {rule.generalize!r} does not suit {self.type}"
            raise ValueError(msg)
        step = getattr(rule.generalize, "step", 1)
        if self.type is ColumnType.INTEGER and step != int(step):
            msg = f"column {self.name}: an integer needs a step without decimals"
            raise ValueError(msg)

    @property
    def is_personal(self) -> bool:
        """Whether a value may never be shown in logs, previews or check results."""
        return self.privacy != "keep"


class WebserviceConnector(Frozen):
    """Arguments of the legacy La Rochelle web service."""

    kind: Literal["larochelle_webservice"]
    database: str
    table: str
    page_size: Annotated[int, Field(ge=1, le=5000)] = 5000


class CkanConnector(Frozen):
    """Arguments of a CKAN `datastore_search` endpoint."""

    kind: Literal["ckan"]
    resource_id: str
    page_size: Annotated[int, Field(ge=1, le=32_000)] = 1000


class GbfsConnector(Frozen):
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


class HttpFileConnector(Frozen):
    """One file behind one address, relative to the endpoint."""

    kind: Literal["http_file"]
    path: str
    query: dict[str, str] = Field(default_factory=dict)
    max_megabytes: Annotated[int, Field(ge=1)] = 200


Connector = Annotated[
    WebserviceConnector | CkanConnector | GbfsConnector | HttpFileConnector,
    Field(discriminator="kind"),
]


class LarochelleXmlFormat(Frozen):
    """`<row>` elements of the legacy La Rochelle web service."""

    kind: Literal["larochelle_xml"]


class CkanRecordsFormat(Frozen):
    """`result.records` of CKAN answers."""

    kind: Literal["ckan_records"]


class GbfsStationsFormat(Frozen):
    """GBFS station_information joined to station_status on `station_id`."""

    kind: Literal["gbfs_stations"]
    language: str = "fr"


class CsvFormat(Frozen):
    """A delimited text file with one header line."""

    kind: Literal["csv"]
    encoding: str = "utf-8"
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    quote: Annotated[str, Field(max_length=1)] = '"'
    decimal: Literal[".", ","] = "."
    thousands: str | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            msg = f"unknown encoding {value!r}"
            raise ValueError(msg) from None
        return value


class GeojsonFormat(Frozen):
    """A FeatureCollection: properties become columns, `geometry` GeoJSON text."""

    kind: Literal["geojson"]


Format = Annotated[
    LarochelleXmlFormat
    | CkanRecordsFormat
    | GbfsStationsFormat
    | CsvFormat
    | GeojsonFormat,
    Field(discriminator="kind"),
]


FORMATS_OF = {
    "larochelle_webservice": {"larochelle_xml"},
    "ckan": {"ckan_records"},
    "gbfs": {"gbfs_stations"},
    "http_file": {"csv", "geojson", "ckan_records", "larochelle_xml"},
}
"""Formats that can come out of each connector."""


class SourceSpec(Frozen):
    """Everything the platform knows about one dataset before it is collected.

    `id` is `<producer>_<dataset>` and names the YAML file, the suite, the asset keys,
    the folders, the dbt source and the test case alike. `ignored_columns` are names
    the producer is known to send and that are left in raw; any other unknown column is
    reported.
    """

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    title: Annotated[str, Field(min_length=5)]
    description: Annotated[str, Field(min_length=20)]
    producer: str
    homepage: Annotated[str, Field(pattern=r"^https?://")]
    licence: str
    tier: Tier
    axis: Annotated[int, Field(ge=1, le=10)]
    theme: Theme
    owner: Annotated[str, Field(pattern=r"^(team:[a-z0-9_-]+|[^@\s]+@[^@\s]+)$")]
    endpoint: str
    connector: Connector
    format: Format
    cadence: Cadence
    partitioning: Literal["none"] = "none"
    primary_key: Annotated[tuple[str, ...], Field(min_length=1)]
    freshness_days: Annotated[int, Field(ge=1)]
    raw_retention_days: Annotated[int, Field(ge=1)]
    ignored_columns: tuple[str, ...] = ()
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]

    @field_validator("licence")
    @classmethod
    def _known_licence(cls, value: str) -> str:
        if value not in LICENCES:
            msg = f"{value!r} is not one of {', '.join(sorted(LICENCES))}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        allowed = FORMATS_OF[self.connector.kind]
        if self.format.kind not in allowed:
            msg = (
                f"format {self.format.kind} does not come from connector "
                f"{self.connector.kind}, which gives {' or '.join(sorted(allowed))}"
            )
            raise ValueError(msg)
        names = [column.name for column in self.columns]
        for label, values in (
            ("column", names),
            ("source column", [c.source for c in self.columns if c.source]),
            ("primary_key", self.primary_key),
        ):
            repeated = sorted({v for v in values if values.count(v) > 1})
            if repeated:
                msg = f"{label} declared twice: {', '.join(repeated)}"
                raise ValueError(msg)
        for key in self.primary_key:
            if key not in names:
                msg = f"primary_key names {key!r}, which is not a column"
                raise ValueError(msg)
            if not self.column(key).required:
                msg = f"column {key}: part of the primary key, so required: true"
                raise ValueError(msg)
        return self

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def published_columns(self) -> tuple[Column, ...]:
        """Columns that survive anonymization, in order."""
        return tuple(c for c in self.columns if c.privacy != "drop")


class Endpoint(Frozen):
    """One outside service: where it is and how gently to use it."""

    id: Annotated[str, Field(pattern=re.compile(r"^[a-z][a-z0-9_]*$"))]
    title: str
    base_url: Annotated[str, Field(pattern=r"^https?://")]
    requests_per_second: Annotated[float, Field(gt=0)]
    contact: str
    key_required: bool = False
