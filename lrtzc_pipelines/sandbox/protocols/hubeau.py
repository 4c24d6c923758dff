"""Hub'Eau: HTTP 206 while pages follow, cursors, and a ceiling on page sizes."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.records import json_answer, number, records
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import HubeauConnector

MAX_SIZE = 20_000
_DEFAULT_SIZE = 1000
_ORDERS = ("asc", "desc")


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the operation at this path; None if there is none."""
    path = question.path.strip("/")
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, HubeauConnector) and (
            connector.path.strip("/") == path
            and connector.query.items() <= question.query.items()
        ):
            return _page(table, question)
    return None


def _page(table: Table, question: Question) -> Answer:
    size = number(question.query.get("size"), _DEFAULT_SIZE)
    cursor = number(question.query.get("cursor"), 0)
    order = question.query.get("sort", "desc")
    if size is None or not 0 < size <= MAX_SIZE:
        return _refused("size", "ValidatePageSize")
    if cursor is None:
        return _refused("cursor", "ValidateCursor")
    if order not in _ORDERS:
        return _refused("sort", "ValidateSort")
    found = _ordered(table, descending=order == "desc")
    last = cursor + size
    more = last < len(found)
    here = at(question.base_url, question.path)
    links = {
        name: f"{here}?{urlencode({**question.query, 'cursor': str(place)})}"
        for name, place in (("first", 0), ("next", last))
    }
    document = {
        "count": len(found),
        "first": links["first"],
        "prev": None,
        "next": links["next"] if more else None,
        "api_version": "2.0.1",
        "data": _chosen(found[cursor:last], question.query.get("fields")),
    }
    return json_answer(document, 206 if more else 200)


def _chosen(
    found: list[dict[str, object]], fields: str | None
) -> list[dict[str, object]]:
    """Records with the fields asked for; all of them if none is named."""
    if not fields:
        return found
    wanted = set(fields.split(","))
    return [{k: v for k, v in row.items() if k in wanted} for row in found]


def _ordered(table: Table, *, descending: bool) -> list[dict[str, object]]:
    """Records by their first date; the order of the table settles ties."""
    dates = [name for name in table.frame.columns if name.startswith("date_")]
    found = records(table)
    if dates:
        found.sort(key=lambda record: str(record[dates[0]]), reverse=descending)
    return found


def _refused(field: str, code: str) -> Answer:
    error = {"field": field, "code": code, "message": f"{field}: {code}"}
    return json_answer(
        {
            "code": "InvalidRequest",
            "message": "La requête n'est pas correctement formatée",
            "field_errors": [error],
        },
        400,
    )
