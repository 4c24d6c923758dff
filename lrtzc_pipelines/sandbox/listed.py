"""Records with the lists that their service has, where a table's cells are flat.

A source that takes only the first item of a list (`first_of`) has that item's fields
as columns; here it becomes a list of one again, and a text that is JSON its value.
"""

from __future__ import annotations

import json
from typing import Any

from lrtzc_pipelines.sandbox.records import records
from lrtzc_pipelines.sandbox.tables import Table
from lrtzc_pipelines.sources.formats import JsonFormat


def listed_records(table: Table) -> list[dict[str, Any]]:
    """The rows as objects, in their order, lists as their service writes them."""
    form = table.spec.format
    paths = form.first_of if isinstance(form, JsonFormat) else ()
    # The deepest first: once wrapped, nothing below a list is found by its path.
    deepest_first = sorted(paths, key=lambda path: path.count("."), reverse=True)
    found = []
    for record in records(table):
        read: dict[str, Any] = _read(record)
        for path in deepest_first:
            _wrap(read, path.split("."))
        found.append(read)
    return found


def _read(value: Any) -> Any:
    """A value whose texts that hold a JSON list or object are read."""
    if isinstance(value, dict):
        return {name: _read(item) for name, item in value.items()}
    if isinstance(value, str) and value.startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _wrap(record: dict[str, Any], path: list[str]) -> None:
    *steps, name = path
    place: Any = record
    for step in steps:
        place = place.get(step) if isinstance(place, dict) else None
    if isinstance(place, dict) and name in place and not isinstance(place[name], list):
        place[name] = [place[name]]
