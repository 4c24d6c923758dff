"""Rows of a table as the JSON objects that its service would hold.

The column names of a source that flattens its records are paths into them; here they
become objects again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Table
from lrtzc_pipelines.sources.formats import JsonFormat

# The dot of SensorThings' own names, such as `@iot.id`, leads nowhere.
_STEP = re.compile(r"(?<!@iot)\.")


def records(table: Table) -> list[dict[str, Any]]:
    """The rows as objects, in their order."""
    form = table.spec.format
    if isinstance(form, JsonFormat) and form.flatten:
        return [_nested(row) for row in table.frame.iter_rows(named=True)]
    return table.frame.to_dicts()


def features(table: Table) -> Iterator[dict[str, Any]]:
    """The rows as GeoJSON features; `geometry` is read from its text."""
    for row in table.frame.iter_rows(named=True):
        geometry = row.pop("geometry", None)
        yield {
            "type": "Feature",
            "geometry": json.loads(geometry) if geometry else None,
            "properties": row,
        }


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in row.items():
        if value is None:
            continue
        *steps, name = _STEP.split(path)
        place = found
        for step in steps:
            place = place.setdefault(step, {})
        place[name] = value
    return found


def json_answer(document: object, status: int = 200) -> Answer:
    """A document as a service sends it."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return Answer(body, "application/json; charset=utf-8", status)


def number(text: str | None, default: int) -> int | None:
    """A parameter that counts something; None if it is no such number."""
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdecimal() else None
