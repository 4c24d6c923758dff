"""The agglomeration's gateway: version 1 records, the question inside the path.

A real `?query` is not looked at, as the gateway does not. `recordid` is always null
and `datasetid` a UUID that has nothing to do with the id that was asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from urllib.parse import parse_qsl

from lrtzc_pipelines.sandbox.records import json_answer, number, records
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.formats import JsonFormat
from lrtzc_pipelines.sources.protocols import OdsV1Connector

MAX_ROWS = 10_000
_DEFAULT_ROWS = 10
_FIELDS = "fields."


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the dataset that the path names; None at another path."""
    before, found, asked = question.path.partition("search/")
    if not found or before.strip("/"):
        return None
    query = dict(parse_qsl(asked, keep_blank_values=True))
    wanted = query.get("dataset", "")
    table = next((t for t in tables.values() if _dataset(t) == wanted), None)
    if table is None:
        return json_answer({"errorcode": 404, "error": "Unknown dataset"}, 404)
    rows = number(query.get("rows"), _DEFAULT_ROWS)
    start = number(query.get("start"), 0)
    if rows is None or start is None:
        text = "rows and start are whole numbers"
        return json_answer({"errorcode": 10001, "error": text})
    return _page(table, query.get("sort"), start, min(rows, MAX_ROWS))


def _page(table: Table, sort: str | None, start: int, rows: int) -> Answer:
    found = [
        {"datasetid": _uuid(table), "recordid": None, "fields": fields}
        for fields in _ordered(_fields(table), sort)[start : start + rows]
    ]
    parameters = {"dataset": _dataset(table), "rows": rows, "start": start}
    document = {
        "nhits": table.frame.height,
        "parameters": {**parameters, "format": "json", "timezone": "UTC"},
        "records": found,
    }
    return json_answer(document)


def _fields(table: Table) -> list[dict[str, object]]:
    """What stands under `fields`, whether or not the source flattens its records."""
    form = table.spec.format
    if isinstance(form, JsonFormat) and form.flatten:
        names = {n: n.removeprefix(_FIELDS) for n in table.frame.columns}
        return table.frame.rename(names).to_dicts()
    return records(table)


def _ordered(
    found: list[dict[str, object]], sort: str | None
) -> list[dict[str, object]]:
    """Version 1 sorts downwards, and upwards with a minus sign; nulls come last."""
    if not sort:
        return found
    name = sort.removeprefix("-")
    known = [row for row in found if row.get(name) is not None]
    others = [row for row in found if row.get(name) is None]
    by_text = any(isinstance(row[name], str) for row in known)
    known.sort(
        key=lambda row: str(row[name]) if by_text else row[name],  # type: ignore[arg-type, return-value]  # numbers, if not text
        reverse=not sort.startswith("-"),
    )
    return known + others


def _dataset(table: Table) -> str | None:
    connector = table.spec.connector
    return connector.dataset if isinstance(connector, OdsV1Connector) else None


def _uuid(table: Table) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, table.spec.id))
