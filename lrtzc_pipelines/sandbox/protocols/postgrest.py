"""A table behind PostgREST: ranges in a header, and a ceiling that is not announced.

Totals come only if they are asked for; beyond the last row a counted question is
refused (416), an uncounted one answered with no rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lrtzc_pipelines.sandbox.listed import listed_records
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sandbox.versions import published_at
from lrtzc_pipelines.sources.protocols import PostgrestConnector

MAX_ROWS = 500
"""Most rows in one answer, whatever limit is asked."""


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The rows at this path that pass its filters; None if there is no such table.

    A table of versions, where a source names one, tells when all was published.
    """
    path = question.path.strip("/")
    for table in tables.values():
        connector = table.spec.connector
        if not isinstance(connector, PostgrestConnector):
            continue
        version_path = connector.version_path
        if version_path and version_path.strip("/") == path:
            return _page([_version(table)], question)
        if connector.path.strip("/") == path:
            asked = connector.filters.items() <= question.query.items()
            return _page(listed_records(table) if asked else [], question)
    return None


def _version(table: Table) -> dict[str, Any]:
    published = published_at(table)
    return {
        "publication_schema": f"bdnb_{published:%Y_%m}_a_open_data",
        "modifiee": published.isoformat(),
    }


def _page(rows: list[dict[str, Any]], question: Question) -> Answer:
    limit = number(question.query.get("limit"), MAX_ROWS)
    offset = number(question.query.get("offset"), 0)
    if limit is None or offset is None:
        return _error(400, "22023", "limit and offset are numbers")
    ordered = _ordered(rows, question.query.get("order"))
    if ordered is None:
        return _error(400, "42703", "column of order does not exist")
    counted = "count=exact" in question.headers.get("prefer", "")
    if counted and offset > len(rows):
        return _error(416, "PGRST103", "Requested range not satisfiable")
    page = ordered[offset : offset + min(limit, MAX_ROWS)]
    if question.query.get("select"):
        names = question.query["select"].split(",")
        page = [{name: row.get(name) for name in names} for row in page]
    total = str(len(rows)) if counted else "*"
    span = f"{offset}-{offset + len(page) - 1}" if page else "*"
    partial = counted and len(page) < len(rows)
    found = json_answer(page, 206 if partial else 200)
    return replace(found, headers={"Content-Range": f"{span}/{total}"})


def _ordered(
    rows: list[dict[str, Any]], order: str | None
) -> list[dict[str, Any]] | None:
    """The rows by `column` or `column.desc`; None if there is no such column."""
    if order is None or not rows:
        return rows
    name, _, direction = order.partition(".")
    if not any(name in row for row in rows):
        return None
    return sorted(
        rows,
        key=lambda row: json.dumps(row.get(name), ensure_ascii=False),
        reverse=direction == "desc",
    )


def _error(status: int, code: str, message: str) -> Answer:
    document = {"code": code, "details": None, "hint": None, "message": message}
    return json_answer(document, status)
