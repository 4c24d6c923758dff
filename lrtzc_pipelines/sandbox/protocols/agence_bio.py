"""Agence Bio's register: 20 operators a page, whatever page size is asked."""

from __future__ import annotations

from collections.abc import Mapping

from lrtzc_pipelines.sandbox.listed import listed_records
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import AgenceBioConnector

PAGE_SIZE = 20


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of a department's operators; None at another path."""
    if question.path.strip("/") != "operateurs":
        return None
    page = number(question.query.get("page"), 1)
    if not page:
        return json_answer({"message": "page: invalid"}, 400)
    department = question.query.get("departement", "")
    found = next(
        (
            listed_records(table)
            for table in tables.values()
            if isinstance(table.spec.connector, AgenceBioConnector)
            and table.spec.connector.department == department
        ),
        [],
    )
    first = (page - 1) * PAGE_SIZE
    pagination = {"page": page, "pageSize": PAGE_SIZE, "totalCount": len(found)}
    return json_answer(
        {"items": found[first : first + PAGE_SIZE], "pagination": pagination}
    )
