"""The public pages of Eco-Counter: a list of counters, and the counts of each.

Days are written month first and counts as texts; a day without a count comes as null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from lrtzc_pipelines.connectors.eco_counter import INTERVALS
from lrtzc_pipelines.sandbox.records import json_answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.formats import JsonFormat
from lrtzc_pipelines.sources.protocols import EcoCounterConnector

_LIST = re.compile(r"pbl/publicwebpageplus/([^/]+)")
_DATA = re.compile(r"pbl/publicwebpageplus/data/(\d+)")
_BIKES = 2
_DAY, _COUNT = "0", "1"


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The counters of a domain or the counts of one; None if there is none."""
    path = question.path.strip("/")
    data, listing = _DATA.fullmatch(path), _LIST.fullmatch(path)
    domain = question.query.get("idOrganisme") if data else listing and listing[1]
    table = next((t for t in tables.values() if _domain(t) == domain), None)
    if domain is None or table is None:
        return None
    if data is None:
        return json_answer(_counters(table))
    return _counts(table, data[1], question.query)


def _domain(table: Table) -> str | None:
    connector = table.spec.connector
    return connector.domain if isinstance(connector, EcoCounterConnector) else None


def _name_column(table: Table) -> str:
    """The column that tells whose count a row is."""
    form = table.spec.format
    return (form.page_column if isinstance(form, JsonFormat) else None) or "counter"


def _counters(table: Table) -> list[dict[str, Any]]:
    numbers = table.frame[_name_column(table)].unique(maintain_order=True)
    return [
        {
            "idPdc": int(number),
            "nom": f"Compteur {place}",
            "pratique": [{"pratique": _BIKES, "id": flow} for flow in _flows(number)],
            "nomOrganisme": "Compteurs inventés",
            "pays": "FR",
        }
        for place, number in enumerate(numbers, start=1)
    ]


def _flows(number: object) -> list[int]:
    """The two directions of a counter, numbered as the service numbers them."""
    rest = str(number)[3:]
    return [int(f"{start}{rest}") for start in (101, 102)]


def _counts(table: Table, number: str, query: Mapping[str, str]) -> Answer:
    asked = query.get("flowIds", "").split(";")
    first, last = _day(query.get("debut")), _day(query.get("fin"))
    known = {str(code) for code in INTERVALS.values()}
    rows = table.frame.filter(pl.col(_name_column(table)).cast(pl.String) == number)
    # Left out flows are left out of the sum without a word; here, of the answer.
    if set(asked) != {str(flow) for flow in _flows(number)} or not rows.height:
        return json_answer([])
    if first is None or last is None or query.get("interval") not in known:
        return json_answer({"error": "bad request"}, 400)
    return json_answer(
        [
            [day, None if count is None else str(count)]
            for day, count in rows.select(_DAY, _COUNT).iter_rows()
            if first <= datetime.strptime(day, "%m/%d/%Y").date() < last  # noqa: DTZ007 - a day has no zone
        ]
    )


def _day(text: str | None) -> date | None:
    try:
        return datetime.strptime(text or "", "%d/%m/%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
