"""How a source is asked for: the arguments of each connector."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from lrtzc_pipelines.sources.frozen import Frozen


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
