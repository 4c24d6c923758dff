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
    """A delimited text file with one header line, compressed or not."""

    kind: Literal["csv"]
    encoding: str = "utf-8"
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    quote: Annotated[str, Field(max_length=1)] = '"'
    decimal: Literal[".", ","] = "."
    thousands: str | None = None
    compression: Literal["none", "gzip", "zip"] = "none"
    member: str | None = None
    """File inside a zip archive; may be left out where there is only one."""
    occurrence_column: str | None = None
    """Column that numbers rows of equal key from 1, where all of them count."""

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


class JsonFormat(Frozen):
    """Records inside JSON, one column per key.

    Attributes:
        records: Where they are: names joined by dots (`result.hits`), empty for the
            document itself. One object there is one record.
        lines: Whether each line is a document of its own (JSONL).
        positional: Whether records are lists; their columns are then `0`, `1`, ….
        flatten: Whether nested objects become columns named with dots (`a.b`);
            otherwise they are JSON text. Lists are always JSON text.
        parents: Columns repeated on each record, by where their value is in the
            document.
        volatile: Keys that change without the data changing.
        first_of: With `flatten`, lists of which only the first item counts, by their
            dotted names; it is flattened like an object.
        keyed: With `flatten`, lists of objects that each have a `key` and a `value`,
            by their dotted names; they are flattened like the object that they spell.
        absent_is_empty: Whether a document without `records` has none, rather than
            being of another shape.
        page_column: Column that holds the name of the page a record came from, where
            only that tells whose record it is.
    """

    kind: Literal["json"]
    records: str = ""
    lines: bool = False
    positional: bool = False
    flatten: bool = False
    parents: dict[str, str] = Field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    first_of: tuple[str, ...] = ()
    keyed: tuple[str, ...] = ()
    absent_is_empty: bool = False
    page_column: str | None = None


class ParquetFormat(Frozen):
    """A Parquet file; its values become text and are typed like any others."""

    kind: Literal["parquet"]
    rows: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Rows that are read, by the values of columns: files of the whole country whose
    other rows would only fill the memory. All of them if empty."""
    occurrence_column: str | None = None
    """Column that numbers rows of equal key from 1, where all of them count."""


class XlsxFormat(Frozen):
    """One sheet of an Excel workbook, headed by its first non-empty row."""

    kind: Literal["xlsx"]
    sheet: str | None = None
    """Name of the sheet; the first one if absent."""


class GtfsFormat(Frozen):
    """One table of a GTFS archive, such as `stops`."""

    kind: Literal["gtfs"]
    table: Annotated[str, Field(pattern=r"^[a-z_]+$")]


class GtfsRtFormat(Frozen):
    """Entities of a GTFS-RT feed."""

    kind: Literal["gtfs_rt"]
    entity: Literal["trip_update", "alert"]


class NetexFormat(Frozen):
    """Elements of a NeTEx-FR archive or document, such as `StopPlace`."""

    kind: Literal["netex"]
    element: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")]


class IrveFormat(Frozen):
    """Charging points as many producers write them, one page per file.

    Separator, encoding and packing are recognised; columns are those of the national
    schema; a point in several files is taken from the best one.
    """

    kind: Literal["irve"]
    dynamic: bool = False


class UplinkFormat(Frozen):
    """LoRaWAN uplinks as ChirpStack 3 and 4 and The Things Network 3 publish them."""

    kind: Literal["uplink"]


Format = Annotated[
    LarochelleXmlFormat
    | CkanRecordsFormat
    | GbfsStationsFormat
    | CsvFormat
    | GeojsonFormat
    | JsonFormat
    | ParquetFormat
    | XlsxFormat
    | GtfsFormat
    | GtfsRtFormat
    | NetexFormat
    | IrveFormat
    | UplinkFormat,
    Field(discriminator="kind"),
]

_FILES = {
    "csv",
    "geojson",
    "json",
    "ckan_records",
    "larochelle_xml",
    "parquet",
    "xlsx",
    "gtfs",
    "gtfs_rt",
    "netex",
}

FORMATS_OF = {
    "larochelle_webservice": {"larochelle_xml"},
    "ckan": {"ckan_records"},
    "gbfs": {"gbfs_stations", "json"},
    "http_file": _FILES,
    "ods_v1": {"json"},
    "ods": {"parquet", "json", "csv"},
    "data_fair": {"json"},
    "data_gouv": {*_FILES, "irve"},
    "wfs": {"geojson"},
    "sensorthings": {"json"},
    "kuzzle": {"json"},
    "atmo": {"json", "geojson"},
    "arcgis": {"json"},
    "linky": {"json"},
    "eco_counter": {"json"},
    "sirene": {"json"},
    "agence_bio": {"json"},
    "datatourisme": {"json"},
    "hubeau": {"json"},
    "postgrest": {"json"},
    "rnb": {"json"},
    "spool": {"uplink", "json"},
    "deposit": {"csv", "xlsx"},
}
"""Formats that can come out of each connector."""
