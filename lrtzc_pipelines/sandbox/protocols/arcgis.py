"""A layer of an ArcGIS feature service: queries, counts, and when it was edited.

Errors have HTTP 200, and a page is cut at the layer's own limit whatever is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sandbox.versions import published_at
from lrtzc_pipelines.sources.protocols import ArcgisConnector

MAX_RECORD_COUNT = 1000
OBJECT_ID = "OBJECTID"


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The layer or the result of a query on it; None at another path."""
    path = question.path.strip("/")
    for table in tables.values():
        connector = table.spec.connector
        if not isinstance(connector, ArcgisConnector):
            continue
        layer = connector.path.strip("/")
        if path == layer:
            return json_answer(_layer(table, layer))
        if path == f"{layer}/query":
            return _query(table, connector, question.query)
    return None


def _layer(table: Table, layer: str) -> dict[str, Any]:
    edited = int(published_at(table).timestamp() * 1000)
    return {
        "name": layer.partition("/")[0],
        "type": "Feature Layer",
        "objectIdField": OBJECT_ID,
        "maxRecordCount": MAX_RECORD_COUNT,
        "editingInfo": {"lastEditDate": edited, "dataLastEditDate": edited},
    }


def _query(
    table: Table, connector: ArcgisConnector, query: Mapping[str, str]
) -> Answer:
    if query.get("f") != "json":
        return _error("'f' must be json here")
    if query.get("where") != connector.where:
        return _error("'where' clause is invalid")
    found = _features(table)
    if query.get("returnCountOnly") == "true":
        return json_answer({"count": len(found)})
    start = number(query.get("resultOffset"), 0)
    wanted = number(query.get("resultRecordCount"), MAX_RECORD_COUNT)
    ordered = _ordered(found, query.get("orderByFields", ""))
    if start is None or wanted is None or ordered is None:
        return _error("Cannot perform query. Invalid query parameters.")
    last = start + min(wanted, MAX_RECORD_COUNT)
    document: dict[str, Any] = {
        "objectIdFieldName": OBJECT_ID,
        "fields": [
            {"name": name} for name in (found[0]["attributes"] if found else ())
        ],
        "features": ordered[start:last],
    }
    if last < len(ordered):
        document["exceededTransferLimit"] = True
    return json_answer(document)


def _features(table: Table) -> list[dict[str, Any]]:
    """Every row's attributes, nulls included, with its object id first."""
    names = table.frame.columns
    return [
        {
            "attributes": {OBJECT_ID: position}
            | {name.removeprefix("attributes."): row[name] for name in names}
        }
        for position, row in enumerate(table.frame.iter_rows(named=True), start=1)
    ]


def _ordered(found: list[dict[str, Any]], order: str) -> list[dict[str, Any]] | None:
    """Features by the fields asked; None if one of them is unknown."""
    # The least important field first: the sort keeps the order of equals.
    for field in reversed(order.split(",") if order else []):
        name, _, direction = field.strip().partition(" ")
        if found and name not in found[0]["attributes"]:
            return None
        found = sorted(
            found,
            key=lambda feature, name=name: (  # type: ignore[misc]
                feature["attributes"][name] is None,
                feature["attributes"][name],
            ),
            reverse=direction.upper() == "DESC",
        )
    return found


def _error(detail: str) -> Answer:
    message = "Unable to complete operation."
    return json_answer(
        {"error": {"code": 400, "message": message, "details": [detail]}}
    )
