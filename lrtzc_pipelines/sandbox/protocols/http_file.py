"""Files behind addresses, each written in the format its source declares."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.encoders import encoder
from lrtzc_pipelines.sandbox.encoders.gtfs import encode_tables
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.formats import CsvFormat, GtfsFormat
from lrtzc_pipelines.sources.protocols import Connector, HttpFileConnector

_MEDIA_TYPES = {
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gtfs": "application/zip",
    "gtfs_rt": "application/x-protobuf",
    "netex": "application/zip",
}
_PACKED = {"gzip": "application/gzip", "zip": "application/zip"}


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The file at this address, if the parameters that belong to it were given."""
    if question.method != "GET":
        return None
    found = [
        table for table in tables.values() if _is_asked(table.spec.connector, question)
    ]
    return _file(found, question) if found else None


def _is_asked(connector: Connector, question: Question) -> bool:
    return (
        isinstance(connector, HttpFileConnector)
        and question.path.strip("/") in _paths(connector)
        and connector.query.items() <= question.query.items()
    )


def _paths(connector: HttpFileConnector) -> list[str]:
    return [path.strip("/") for path in connector.files.values()]


def _file(found: list[Table], question: Question) -> Answer:
    """The file that some sources read, each one a part of it."""
    for table in found:
        header = getattr(table.spec.connector, "key_header", None)
        if header and not question.headers.get(header.lower()):
            refusal = f"en-tête {header} absent".encode()
            return Answer(refusal, "text/plain; charset=utf-8", 401)
    form = found[0].spec.format
    media_type = _MEDIA_TYPES.get(form.kind, "application/octet-stream")
    if isinstance(form, CsvFormat):
        media_type = _PACKED.get(form.compression, media_type)
    return Answer(_body(found, question), media_type, last_modified=AS_OF)


def _body(found: list[Table], question: Question) -> bytes:
    form = found[0].spec.format
    if isinstance(form, GtfsFormat):
        return encode_tables(
            {
                table.spec.format.table: table.frame
                for table in found
                if isinstance(table.spec.format, GtfsFormat)
            }
        )
    return encoder(form.kind)(_part(found[0], question), form)


def _part(table: Table, question: Question) -> pl.DataFrame:
    """The rows of the file that is asked for, those of the others left out."""
    assert isinstance(table.spec.connector, HttpFileConnector)  # noqa: S101 - chosen so
    paths = _paths(table.spec.connector)
    place, rows = paths.index(question.path.strip("/")), table.frame.height
    start, end = rows * place // len(paths), rows * (place + 1) // len(paths)
    return table.frame[start:end]
