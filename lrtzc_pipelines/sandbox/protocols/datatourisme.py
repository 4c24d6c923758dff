"""DATAtourisme's catalogue: at most 100 objects a page, whatever is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.listed import listed_records
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import DatatourismeConnector

MAX_PAGE_SIZE = 100
_DEFAULT_PAGE_SIZE = 20


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the objects that match; None at another path."""
    if question.path.strip("/") != "catalog":
        return None
    query = question.query
    asked = number(query.get("page_size"), _DEFAULT_PAGE_SIZE)
    page = number(query.get("page"), 1)
    if not asked or not page:
        message = "page and page_size are positive numbers"
        return json_answer({"statusCode": 400, "message": message}, 400)
    size = min(asked, MAX_PAGE_SIZE)
    found = _found(tables, query)
    pages = -(-len(found) // size)
    here = at(question.base_url, "catalog")
    following = {**query, "page": str(page + 1)}
    meta = {
        "total": len(found),
        "page": page,
        "pageSize": size,
        "totalPages": pages,
        "next": f"{here}?{urlencode(following)}" if page < pages else None,
    }
    return json_answer(
        {"objects": found[(page - 1) * size : page * size], "meta": meta}
    )


def _found(
    tables: Mapping[str, Table], query: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The objects of the source that asks with this query."""
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, DatatourismeConnector) and (
            connector.query.items() <= query.items()
        ):
            return listed_records(table)
    return []
