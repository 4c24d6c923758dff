"""CKAN's `datastore_search`, as the Data4Citizen portal answers it.

The envelope is the portal's, down to `_links.next` on pages after the last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import polars as pl

from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import CkanConnector

DEFAULT_LIMIT = 100
MAX_LIMIT = 32_000
_HELP = "https://sandbox.invalid/api/3/action/help_show?name=datastore_search"
_SEARCH = "datastore_search"
_JSON = "application/json"


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of a resource, or CKAN's refusal; None at another path."""
    if question.path.strip("/").split("/")[-1] != _SEARCH:
        return None
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(
            connector, CkanConnector
        ) and connector.resource_id == question.query.get("resource_id"):
            return search(*_records(table.frame), question.query)
    return unknown(question.query)


def search(
    records: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    query: Mapping[str, str],
) -> Answer:
    """The answer to a search.

    Args:
        records: Every record, with its `_id`.
        columns: CKAN type of each column by its name, `_id` left out.
        query: Parameters of the search.
    """
    limit = query.get("limit", str(DEFAULT_LIMIT))
    offset = query.get("offset", "0")
    if not (limit.isdecimal() and offset.isdecimal()):
        return Answer(_refusal("Invalid integer", "Validation Error"), _JSON, 409)
    body = _found(records, columns, query, min(int(limit), MAX_LIMIT), int(offset))
    return Answer(body, _JSON)


def unknown(query: Mapping[str, str]) -> Answer:
    """CKAN's answer about a resource that it does not have."""
    message = f'Resource "{query.get("resource_id", "")}" was not found.'
    return Answer(_refusal(message, "Not Found Error"), _JSON, 404)


def _records(frame: pl.DataFrame) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Records as CKAN numbers them, and the types of their columns."""
    columns = {name: _type(dtype) for name, dtype in frame.schema.items()}
    return frame.with_row_index("_id", 1).to_dicts(), columns


def _type(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "numeric"
    return "bool" if dtype == pl.Boolean else "text"


def _found(
    records: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    query: Mapping[str, str],
    limit: int,
    offset: int,
) -> bytes:
    asked = {name: value for name, value in query.items() if name != "offset"}
    path = f"/api/action/{_SEARCH}"
    follow = urlencode({**asked, "offset": offset + limit})
    result = {
        "include_total": True,
        "limit": limit,
        **({"offset": offset} if offset else {}),
        "records_format": "objects",
        "resource_id": query["resource_id"],
        **({"sort": query["sort"]} if "sort" in query else {}),
        "total_estimation_threshold": None,
        "records": list(records[offset : offset + limit]),
        "fields": [{"id": "_id", "type": "int"}]
        + [
            {"id": name, "type": kind, "info": {"label": name}}
            for name, kind in columns.items()
        ],
        "_links": {"start": f"{path}?{urlencode(asked)}", "next": f"{path}?{follow}"},
        "total": len(records),
        "total_was_estimated": False,
    }
    return _document({"help": _HELP, "success": True, "result": result})


def _refusal(message: str, kind: str) -> bytes:
    """CKAN's way to say no, such as `kind` = "Not Found Error"."""
    error = {"message": message, "__type": kind}
    return _document({"help": _HELP, "success": False, "error": error})


def _document(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
