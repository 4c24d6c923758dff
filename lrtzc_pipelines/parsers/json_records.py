"""Records inside JSON documents (CKAN, GBFS, GeoJSON), as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, TypeGuard

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.sources.formats import (
    CkanRecordsFormat,
    GeojsonFormat,
    JsonFormat,
)

_LEFT_OUT = frozenset({"_id", "rank"})
"""CKAN's own row number and search rank: volatile, and no data of the producer."""

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""Where half of a character may be escaped, which is JSON and yet no text."""

_BEYOND_NUMBERS = re.compile(rb"\d[eE]\+?\d{3}|\d{309}")
"""Where a number may be too large to be read as one: it would become infinite."""

_LARGEST_TABLE = 50_000_000
"""Cells of a frame, blank ones included: each record may have fields of its own."""

_MOST_COLUMNS = 20_000


def read_json(body: bytes, label: str) -> Any:
    """The JSON document in `body`; ParseError if it is none."""
    try:
        # Decoded here: the module lets half characters through.
        text = body.decode(json.detect_encoding(body))
        document = json.loads(text, parse_constant=_refuse)
        if _HALF_CHARACTER.search(body) or _BEYOND_NUMBERS.search(body):
            json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        msg = f"{label}: not a JSON document: {error}"
        raise ParseError(msg) from error
    return document


def load(body: bytes, label: str) -> dict[str, Any]:
    """The JSON object in `body`; ParseError if it is none."""
    document = read_json(body, label)
    if not isinstance(document, dict):
        msg = f"{label}: expected a JSON object"
        raise ParseError(msg)
    return document


def _refuse(constant: str) -> float:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)


def are_objects(values: object) -> TypeGuard[list[dict[str, Any]]]:
    """Whether a JSON value is a list of objects, and of nothing else."""
    return isinstance(values, list) and all(isinstance(v, dict) for v in values)


def text_frame(records: Iterable[dict[str, Any]], label: str) -> pl.DataFrame:
    """One text column per key met; nested values as JSON, null kept apart from "".

    Raises:
        ParseError: more columns or cells than a table can have.
    """
    rows = [
        {key: as_text(value) for key, value in record.items()} for record in records
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) > _MOST_COLUMNS or len(names) * len(rows) > _LARGEST_TABLE:
        msg = f"{label}: {len(rows)} records with {len(names)} fields: too large"
        raise ParseError(msg)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))


def as_text(value: object) -> str | None:
    """A JSON value as the text that the typing step reads."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_ckan(
    body: bytes, label: str, _: CkanRecordsFormat | None = None
) -> pl.DataFrame:
    """The records of one `datastore_search` page."""
    result = load(body, label).get("result")
    records = result.get("records") if isinstance(result, dict) else None
    if not are_objects(records):
        msg = f"{label}: no result.records"
        raise ParseError(msg)
    return text_frame(
        (
            {key: value for key, value in record.items() if key not in _LEFT_OUT}
            for record in records
        ),
        label,
    )


def parse_geojson(
    body: bytes, label: str, _: GeojsonFormat | None = None
) -> pl.DataFrame:
    """The features of a collection: properties, and `geometry` as GeoJSON text."""
    document = load(body, label)
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not are_objects(features):
        msg = f"{label}: not a GeoJSON FeatureCollection"
        raise ParseError(msg)
    properties = [feature.get("properties") or {} for feature in features]
    if not are_objects(properties):
        msg = f"{label}: not a GeoJSON FeatureCollection: properties are no object"
        raise ParseError(msg)
    return text_frame(
        (
            {**found, "geometry": feature.get("geometry")}
            for found, feature in zip(properties, features, strict=True)
        ),
        label,
    )


def parse_json(body: bytes, label: str, form: JsonFormat) -> pl.DataFrame:
    """The records of a document, wherever its format says they are.

    Raises:
        ParseError: not JSON, no records there, or records of another shape.
    """
    if form.lines:
        lines = enumerate(body.split(b"\n"), start=1)
        documents = [
            read_json(line, f"{label}: line {n}") for n, line in lines if line.strip()
        ]
        return text_frame(_shaped(documents, label, form), label)
    document = read_json(body, label)
    if form.absent_is_empty and _lacks(document, form.records):
        return text_frame([], label)
    records = at_path(document, form.records, label)
    parents = {
        name: at_path(document, path, label) for name, path in form.parents.items()
    }
    found = records if isinstance(records, list) else [records]
    shaped = _shaped(found, label, form)
    return text_frame(({**record, **parents} for record in shaped), label)


def _lacks(document: Any, path: str) -> bool:
    """Whether an object has nothing by the first name of a path."""
    return isinstance(document, dict) and path.partition(".")[0] not in document


def at_path(document: Any, path: str, label: str) -> Any:
    """What is at a path of names joined by dots; ParseError if nothing is."""
    for name in path.split(".") if path else ():
        if not isinstance(document, dict) or name not in document:
            msg = f"{label}: no {path}"
            raise ParseError(msg)
        document = document[name]
    return document


def _shaped(records: list[Any], label: str, form: JsonFormat) -> list[dict[str, Any]]:
    """Records as objects of one level."""
    kind, shape = (list, "lists") if form.positional else (dict, "objects")
    for number, record in enumerate(records, start=1):
        if not isinstance(record, kind):
            msg = f"{label}: {form.records or 'record'} {number}: expected {shape}"
            raise ParseError(msg)
    if form.positional:
        return [{str(n): v for n, v in enumerate(record)} for record in records]
    if form.flatten:
        return [_flat(record, form) for record in records]
    return records


def _flat(record: dict[str, Any], form: JsonFormat, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if name in form.first_of and isinstance(value, list):
            value = value[0] if value else None  # noqa: PLW2901 - all that counts
        elif name in form.keyed and isinstance(value, list):
            value = _spelt(value)  # noqa: PLW2901 - what the list stands for
        if isinstance(value, dict) and value:
            found |= _flat(value, form, f"{name}.")
        else:
            found[name] = value
    return found


def _spelt(pairs: list[Any]) -> Any:
    """The object that a list of keys and values spells; the list if it spells none."""
    is_spelt = all(isinstance(pair, dict) and "key" in pair for pair in pairs)
    if not (pairs and is_spelt):
        return pairs
    return {str(pair["key"]): pair.get("value") for pair in pairs}
