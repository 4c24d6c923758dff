"""A SensorThings collection as FROST serves it: small pages, and opaque next links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.records import json_answer, number, records
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import SensorThingsConnector

MAX_TOP = 100
"""Most entities in one answer, whatever is asked."""

_ID = "@iot.id"


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the collection at this path; None if there is none."""
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, SensorThingsConnector) and (
            connector.path.strip("/") == question.path.strip("/")
        ):
            return _page(table, question)
    return None


def _page(table: Table, question: Question) -> Answer:
    query = question.query
    top = number(query.get("$top"), MAX_TOP)
    skip = number(query.get("$skip"), 0)
    if top is None or skip is None:
        return _error("$top and $skip take a number")
    order = query.get("$orderby", f"{_ID} asc")
    name, _, direction = order.partition(" ")
    found = records(table)
    if name not in table.frame.columns or direction not in {"", "asc", "desc"}:
        return _error(f"Could not order by {name}")
    found.sort(key=lambda entity: entity[name], reverse=direction == "desc")
    last = skip + min(top, MAX_TOP)
    page = found[skip:last]
    document: dict[str, Any] = {"value": page}
    if query.get("$count") == "true":
        document = {"@iot.count": len(found), **document}
    if last < len(found):
        document["@iot.nextLink"] = _next(question, last, page[-1][_ID])
    return json_answer(document)


def _next(question: Question, skip: int, last_id: object) -> str:
    """The next page: what was asked, further on, with a mark only FROST reads."""
    following = {
        **question.query,
        "$skip": str(skip),
        "$skipFilter": f"({_ID} gt {last_id})",
    }
    return f"{at(question.base_url, question.path)}?{urlencode(following)}"


def _error(message: str) -> Answer:
    return json_answer({"code": 400, "type": "error", "message": message}, 400)
