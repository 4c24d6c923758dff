"""Opendatasoft Explore v2.1: a dataset's metadata, its exports and its records.

`records` gives 100 rows at most and none beyond the 10,000th, and an export with an
offset beyond them breaks off with a sentence, after HTTP 200 was sent.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping

import polars as pl

from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sandbox.versions import published_at
from lrtzc_pipelines.sources.protocols import OdsConnector

WINDOW = 10_000
MAX_LIMIT = 100
_DEFAULT_LIMIT = 10
_DATASETS = "api/explore/v2.1/catalog/datasets/"
_INTERRUPTED = (
    "Streaming interrupted due to the following error: Invalid value for offset API "
    "parameter: offset + limit should be less than 10000."
)
_COMPARISON = re.compile(
    r"""\s*(\w+)\s*(?:(?P<sign>=|>=|<=|>|<)\s*(?:date)?(?P<one>"[^"]*"|'[^']*'|[\d.]+)
    |(?i:in)\s*\((?P<many>[^)]*)\))\s*""",
    re.VERBOSE,
)
_SIGNS: dict[str, Callable[[pl.Expr, str], pl.Expr]] = {
    "=": lambda text, value: text == value,
    ">=": lambda text, value: text >= value,
    "<=": lambda text, value: text <= value,
    ">": lambda text, value: text > value,
    "<": lambda text, value: text < value,
}
"""Comparisons of texts: dates written year first, and codes."""

_TYPES = {pl.Int64: "int", pl.Float64: "double", pl.Boolean: "boolean"}


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """Metadata, an export or a page of records of the dataset in the path."""
    path = question.path.strip("/")
    if not path.startswith(_DATASETS):
        return None
    dataset, _, rest = path.removeprefix(_DATASETS).partition("/")
    table = next((t for t in tables.values() if _dataset(t) == dataset), None)
    if table is None:
        return _error(404, "ODSDatasetNotFound", f"Dataset {dataset} does not exist.")
    if not rest:
        return _metadata(table)
    try:
        frame = _selected(table.frame, question.query)
    except ValueError as error:
        return _error(400, "ODSQLError", str(error))
    if rest == "records":
        return _records(frame, question.query)
    kind = rest.removeprefix("exports/")
    return _export(frame, kind, question.query) if kind in _WRITERS else None


def _metadata(table: Table) -> Answer:
    processed = published_at(table).isoformat(timespec="milliseconds")
    fields = [
        {"name": name, "type": _TYPES.get(type(kind), "text"), "label": name}
        for name, kind in table.frame.schema.items()
    ]
    default = {
        "title": table.spec.title,
        "publisher": table.spec.producer,
        "records_count": table.frame.height,
        "modified": processed,
        "data_processed": processed,
        "metadata_processed": processed,
    }
    return json_answer(
        {
            "dataset_id": _dataset(table),
            "has_records": True,
            "data_visible": True,
            "fields": fields,
            "metas": {"default": default},
        }
    )


def _records(frame: pl.DataFrame, query: Mapping[str, str]) -> Answer:
    limit = number(query.get("limit"), _DEFAULT_LIMIT)
    offset = number(query.get("offset"), 0)
    if limit is None or limit > MAX_LIMIT:
        text = f"Invalid value for limit API parameter: at most {MAX_LIMIT}."
        return _error(400, "InvalidRESTParameterError", text)
    if offset is None or offset + limit > WINDOW:
        text = f"Invalid value for offset API parameter: at most {WINDOW}."
        return _error(400, "InvalidRESTParameterError", text)
    results = frame.slice(offset, limit).to_dicts()
    return json_answer({"total_count": frame.height, "results": results})


def _export(frame: pl.DataFrame, kind: str, query: Mapping[str, str]) -> Answer:
    media_type, write = _WRITERS[kind]
    offset = number(query.get("offset"), 0) or 0
    rest = frame.slice(offset)
    if offset and frame.height > WINDOW:
        begun = write(rest.head(MAX_LIMIT))
        cut = begun[: -len(b"PAR1")] if kind == "parquet" else begun
        return Answer(cut + _INTERRUPTED.encode(), media_type)
    return Answer(write(rest), media_type)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


_WRITERS: dict[str, tuple[str, Callable[[pl.DataFrame], bytes]]] = {
    "parquet": ("application/vnd.apache.parquet", _parquet),
    "jsonl": ("application/jsonl", lambda frame: frame.write_ndjson().encode()),
    "csv": (
        "text/csv; charset=utf-8",
        lambda frame: frame.write_csv(separator=";").encode(),
    ),
}


def _selected(frame: pl.DataFrame, query: Mapping[str, str]) -> pl.DataFrame:
    """The rows and columns of a query: `where`, `order_by`, then `select`.

    Raises:
        ValueError: it is not of the little ODSQL that is understood here.
    """
    for condition in _conditions(query.get("where", "")):
        frame = frame.filter(_comparison(condition, frame))
    if order := query.get("order_by"):
        keys = [part.split() for part in order.split(",")]
        names = _columns([key[0] for key in keys], frame)
        downwards = [key[-1].lower() == "desc" for key in keys]
        frame = frame.sort(names, descending=downwards, maintain_order=True)
    if select := query.get("select"):
        frame = frame.select(_columns(select.split(","), frame))
    return frame


def _conditions(where: str) -> list[str]:
    return [c for c in re.split(r"(?i)\band\b", where) if c.strip()]


def _comparison(condition: str, frame: pl.DataFrame) -> pl.Expr:
    found = _COMPARISON.fullmatch(condition)
    if not found:
        msg = f"ODSQL query is malformed: {condition.strip()}"
        raise ValueError(msg)
    (name,) = _columns([found[1]], frame)
    text = pl.col(name).cast(pl.String)
    if found["sign"]:
        return _SIGNS[found["sign"]](text, found["one"].strip("\"'"))
    values = [value.strip().strip("\"'") for value in found["many"].split(",")]
    return text.is_in(values)


def _columns(names: list[str], frame: pl.DataFrame) -> list[str]:
    plain = [name.strip() for name in names]
    for name in plain:
        if name not in frame.columns:
            msg = f"ODSQL query is malformed: Unknown field: {name}"
            raise ValueError(msg)
    return plain


def _dataset(table: Table) -> str | None:
    connector = table.spec.connector
    return connector.dataset if isinstance(connector, OdsConnector) else None


def _error(status: int, code: str, message: str) -> Answer:
    return json_answer({"error_code": code, "message": message}, status)
