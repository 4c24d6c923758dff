"""The RNB: pages behind opaque cursors, without a total."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.listed import listed_records
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import RnbConnector

MAX_LIMIT = 100
_DEFAULT_LIMIT = 20


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the buildings that match; None at another path."""
    if question.path.strip("/") != "buildings":
        return None
    query = question.query
    limit = number(query.get("limit"), _DEFAULT_LIMIT)
    start = _position(query.get("cursor"))
    if not limit or start is None:
        return json_answer({"detail": "Invalid cursor"}, 404)
    found = _found(tables, query)
    last = start + min(limit, MAX_LIMIT)
    return json_answer(
        {
            "next": _link(question, last) if last < len(found) else None,
            "previous": _link(question, 0) if start else None,
            "results": found[start:last],
        }
    )


def _found(
    tables: Mapping[str, Table], query: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The buildings of the source that asks with this query."""
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, RnbConnector) and (
            connector.query.items() <= query.items()
        ):
            return listed_records(table)
    return []


def _link(question: Question, start: int) -> str:
    cursor = base64.b64encode(f"p={start}".encode()).decode()
    query = urlencode({**question.query, "cursor": cursor})
    return f"{at(question.base_url, 'buildings/')}?{query}"


def _position(cursor: str | None) -> int | None:
    """Where a cursor goes on; None if it is no cursor."""
    if cursor is None:
        return 0
    try:
        marks = parse_qs(base64.b64decode(cursor, validate=True).decode())
        return int(marks["p"][0])
    except (binascii.Error, ValueError, KeyError):
        return None
