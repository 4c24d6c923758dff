"""data-fair: a dataset's metadata, and its lines by a cursor.

Counting pages ends at the window of 10,000 lines with an HTTP 400; `next` goes on
beyond it, without saying the total again. Lines carry the service's own columns unless
others are selected. A filter on a column that does not exist is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import polars as pl

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sandbox.versions import published_at
from lrtzc_pipelines.sources.protocols import DataFairConnector

MAX_SIZE = WINDOW = 10_000
_DEFAULT_SIZE = 12
_DATASETS = "data-fair/api/v1/datasets/"
_INDEXING = timedelta(minutes=3)
_FILTER = re.compile(r"(.+)_(eq|in|starts)")
_TERM = re.compile(r"\s*(\w+)\s*:\s*(?P<value>\"[^\"]*\"|[^\s()]+)\s*")


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """Metadata or lines of the dataset in the path; None at another path."""
    path = question.path.strip("/")
    if not path.startswith(_DATASETS):
        return None
    dataset, _, rest = path.removeprefix(_DATASETS).partition("/")
    table = next((t for t in tables.values() if _dataset(t) == dataset), None)
    if table is None:
        return _text(404, "Jeu de données introuvable")
    if not rest:
        return _metadata(table)
    return _lines(table, question) if rest == "lines" else None


def _metadata(table: Table) -> Answer:
    updated = published_at(table)
    schema = [{"key": name, "x-originalName": name} for name in table.frame.columns]
    return json_answer(
        {
            "id": _dataset(table),
            "title": table.spec.title,
            "status": "finalized",
            "count": table.frame.height,
            "dataUpdatedAt": _written(updated - _INDEXING),
            "finalizedAt": _written(updated),
            "schema": schema,
        }
    )


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(table: Table, question: Question) -> Answer:
    query = question.query
    size = number(query.get("size"), _DEFAULT_SIZE)
    page = number(query.get("page"), 1)
    after = number(query.get("after"), 0)
    if size is None or page is None or after is None or size > MAX_SIZE:
        return _text(400, f'"size" cannot be more than {MAX_SIZE}')
    if page * size > WINDOW:
        return _text(400, f'"size * page" cannot be more than {WINDOW}')
    try:
        frame = _selected(table.frame, query)
    except ValueError as error:
        return _text(400, str(error))
    start = after or (page - 1) * size
    rows = frame.slice(start, size).to_dicts()
    document: dict[str, Any] = {} if after else {"total": frame.height}
    if rows and start + size < frame.height:
        document["next"] = _next(table, question, start + size)
    wanted = [name for name in query.get("select", "").split(",") if name]
    document["results"] = [_line(row, wanted) for row in rows]
    return replace(json_answer(document), last_modified=published_at(table))


def _next(table: Table, question: Question, start: int) -> str:
    path = f"{_DATASETS}{quote(_dataset(table) or '')}/lines"
    query = {name: text for name, text in question.query.items() if name != "page"}
    asked = urlencode({**query, "after": str(start)})
    return f"{at(question.base_url, path)}?{asked}"


def _line(row: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """A line as it is sent: without what it has no value for."""
    place = row.pop("_i")
    present = {name: value for name, value in row.items() if value is not None}
    if wanted:
        kept = {name: present[name] for name in wanted if name in present}
        return {**kept, "_score": None}
    own = {"_i": place, "_rand": place * 7919 % 1_000_000, "_score": None}
    return {"_id": f"line-{place}", **present, **own}


def _selected(frame: pl.DataFrame, query: Mapping[str, str]) -> pl.DataFrame:
    """The lines of a query, numbered as the dataset numbers them.

    Raises:
        ValueError: it is not of the little Lucene that is understood here.
    """
    frame = frame.with_row_index("_i", offset=1)
    for term in filter(None, re.split(r"\bAND\b", query.get("qs", ""))):
        found = _TERM.fullmatch(term)
        if not found or found[1] not in frame.columns:
            msg = f"Impossible de comprendre la requête : {term.strip()}"
            raise ValueError(msg)
        value = found["value"].strip('"')
        frame = frame.filter(pl.col(found[1]).cast(pl.String) == value)
    frame = _filtered(frame, query)
    if sort := query.get("sort"):
        names = sort.split(",")
        keys = [name.removeprefix("-") for name in names]
        if missing := set(keys) - set(frame.columns):
            msg = f"Impossible de trier sur le champ {min(missing)}"
            raise ValueError(msg)
        downwards = [name.startswith("-") for name in names]
        frame = frame.sort(keys, descending=downwards, maintain_order=True)
    return frame


def _filtered(frame: pl.DataFrame, query: Mapping[str, str]) -> pl.DataFrame:
    """The lines whose columns are as the filters of a query want them."""
    for name, value in query.items():
        found = _FILTER.fullmatch(name)
        if not found or found[1] not in frame.columns:
            continue
        text = pl.col(found[1]).cast(pl.String)
        wanted = value.split(",") if found[2] == "in" else [value]
        is_wanted = (
            text.str.starts_with(value) if found[2] == "starts" else text.is_in(wanted)
        )
        frame = frame.filter(is_wanted)
    return frame


def _dataset(table: Table) -> str | None:
    connector = table.spec.connector
    return connector.dataset if isinstance(connector, DataFairConnector) else None


def _text(status: int, text: str) -> Answer:
    return Answer(text.encode(), "text/plain; charset=utf-8", status)
