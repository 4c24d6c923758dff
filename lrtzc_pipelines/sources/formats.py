"""What a source's answers are written in: the options of each format."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from lrtzc_pipelines.sources.frozen import Frozen


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
