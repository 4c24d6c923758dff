"""Records inside JSON, where and as a format says that its service writes them."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from lrtzc_pipelines.sources.formats import JsonFormat


def encode(frame: pl.DataFrame, form: JsonFormat) -> bytes:
    """The rows as one document, or as one line each.

    A text that is a JSON list or object is written as what it says. Columns that the
    format repeats from elsewhere in the document (`parents`) stand there once, with
    the value of the first row.
    """
    repeated = [name for name in (*form.parents, form.page_column) if name]
    own = frame.drop(repeated, strict=False)
    records = [_record(row, form) for row in own.iter_rows(named=True)]
    if form.lines:
        return "".join(f"{_written(record)}\n" for record in records).encode()
    document: Any = records
    if form.records:
        document = {}
        _put(document, form.records.split("."), records)
        for name, path in form.parents.items():
            value = frame[name][0] if name in frame.columns and frame.height else None
            _put(document, path.split("."), value)
    return _written(document).encode()


def read_nested(value: Any) -> Any:
    """What a text says that is a JSON list or object; any other value as it is."""
    if isinstance(value, str) and value.startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _record(row: dict[str, Any], form: JsonFormat) -> Any:
    values = {name: read_nested(value) for name, value in row.items()}
    if form.positional:
        return list(values.values())
    if not form.flatten:
        return values
    record: dict[str, Any] = {}
    for name, value in values.items():
        _put(record, name.split("."), value)
    for path in sorted(form.first_of, key=len, reverse=True):
        _wrap(record, path.split("."))
    for path in form.keyed:
        _pair(record, path.split("."))
    return record


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *steps, name = path
    for step in steps:
        document = document.setdefault(step, {})
    document[name] = value


def _wrap(record: dict[str, Any], path: list[str]) -> None:
    """Makes what is at a path the first item of a list."""
    *steps, name = path
    for step in steps:
        record = record.get(step, {})
    if name in record:
        record[name] = [record[name]]


def _pair(record: dict[str, Any], path: list[str]) -> None:
    """Makes the object at a path the list of its keys and values."""
    *steps, name = path
    for step in steps:
        record = record.get(step, {})
    if isinstance(record.get(name), dict):
        pairs = record[name].items()
        record[name] = [{"key": key, "value": value} for key, value in pairs]


def _written(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
