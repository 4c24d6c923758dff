"""Kuzzle's document API: a search, then a scroll whose id changes with every page.

The scroll's state is in its id, so that nothing is kept between two requests; so is
the day, in sources partitioned by day.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from lrtzc_pipelines.sandbox.records import json_answer, number, records
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import KuzzleConnector

CAP = 10_000
"""`limits.documentsFetchCount`: most documents a search gives without a scroll."""

_DEFAULT_SIZE = 10
_DAY_MARK = "."
"""Between the day and the rest of a scroll's id; not a sign of base64."""


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of a search or of a scroll; None at another path."""
    parts = question.path.strip("/").split("/")
    match question.method, parts:
        case "GET", ["_scroll", scroll_id]:
            return _scroll(tables, scroll_id)
        case "POST", [index, collection, "_search"]:
            return _search(tables, f"{index}/{collection}", question)
    return None


def _search(tables: Mapping[str, Table], path: str, question: Question) -> Answer:
    table = next((t for t in tables.values() if _path(t) == path), None)
    if table is None:
        return _error(
            412,
            "services.storage.unknown_collection",
            f'The collection "{path}" does not exist.',
        )
    try:
        wanted = json.loads(question.body or b"{}")
    except ValueError:
        return _error(400, "network.http.invalid_body", "Invalid request body")
    connector = table.spec.connector
    query = wanted.get("query", {}) if isinstance(wanted, dict) else None
    if not isinstance(connector, KuzzleConnector) or query not in (
        {},
        connector.query,
    ):
        return _error(400, "services.storage.unknown_query", "Unknown query")
    size = number(question.query.get("size"), _DEFAULT_SIZE)
    start = number(question.query.get("from"), 0)
    scrolled = "scroll" in question.query
    if (
        size is None
        or start is None
        or size > CAP
        or (not scrolled and start + size > CAP)
    ):
        return _error(
            400,
            "services.storage.get_limit_exceeded",
            "The number of documents exceeds the limit",
        )
    return _page(table, "search", start, size, turn=1 if scrolled else 0)


def _scroll(tables: Mapping[str, Table], scroll_id: str) -> Answer:
    try:
        source_id, start, size, turn = json.loads(
            base64.b64decode(scroll_id.rpartition(_DAY_MARK)[2])
        )
        table = tables[source_id]
    except (ValueError, KeyError, TypeError):
        return _error(
            404,
            "services.storage.unknown_scroll_id",
            "Unable to execute scroll request: scroll id not found.",
        )
    return _page(table, "scroll", start, size, turn=turn)


def _page(table: Table, action: str, start: int, size: int, *, turn: int) -> Answer:
    found = records(table)
    page = [{"_score": None, **hit} for hit in found[start : start + size]]
    result: dict[str, Any] = {"hits": page, "total": len(found)}
    if turn:
        state = [table.spec.id, start + size, size, turn + 1]
        encoded = base64.b64encode(json.dumps(state).encode()).decode()
        scroll_id = _DAY_MARK.join([*table.spec.parts[1:], encoded])
        remaining = max(0, len(found) - start - len(page))
        result |= {"scrollId": scroll_id, "remaining": remaining}
    return json_answer(
        {
            "status": 200,
            "error": None,
            "controller": "document",
            "action": action,
            "result": result,
        }
    )


def _path(table: Table) -> str | None:
    connector = table.spec.connector
    if not isinstance(connector, KuzzleConnector):
        return None
    return f"{connector.index}/{connector.collection}"


def _error(status: int, identifier: str, message: str) -> Answer:
    error = {"id": identifier, "message": message, "status": status}
    return json_answer({"status": status, "error": error, "result": None}, status)
