"""A gateway to Enedis Data Connect: readings of meters whose owners consent.

Values are texts, stamps local and at the end of their step. The header of an answer
repeats the days that were asked for, wherever its readings stop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import polars as pl
import yaml

from lrtzc_pipelines.connectors.linky import LONGEST_WINDOW_DAYS
from lrtzc_pipelines.sandbox.records import json_answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import LinkyConnector

_PATH = re.compile(r"(\w+)/(\d{14})/start/([0-9-]{10})/end/([0-9-]{10})")
_METER = "usage_point_id"
_READING_TYPES = {
    "consumption_load_curve": {
        "measurement_kind": "power",
        "unit": "W",
        "aggregate": "average",
    },
    "daily_consumption": {
        "measurement_kind": "energy",
        "unit": "Wh",
        "aggregate": "sum",
        "measuring_period": "P1D",
    },
}


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The readings of a meter in a window; None at another path."""
    asked = _PATH.fullmatch(question.path.strip("/"))
    if asked is None:
        return None
    measure, number, start, end = asked.groups()
    frame = next((t.frame for t in tables.values() if _measure(t) == measure), None)
    if frame is None:
        return None
    try:
        days = (date.fromisoformat(end) - date.fromisoformat(start)).days
    except ValueError:
        days = 0
    if not 0 < days <= LONGEST_WINDOW_DAYS[measure]:
        return json_answer({"detail": "invalid period"}, 400)
    readings = frame.filter(pl.col(_METER) == number)
    if readings.is_empty():
        return json_answer({"detail": "no consent for this usage point"}, 403)
    within = readings.filter(_is_within(measure, start, end)).drop(_METER)
    return json_answer(
        {
            "meter_reading": {
                _METER: number,
                "start": start,
                "end": end,
                "quality": "BRUT",
                "reading_type": _READING_TYPES[measure],
                "interval_reading": [
                    {name: v for name, v in row.items() if v is not None}
                    for row in within.cast(pl.String).iter_rows(named=True)
                ],
            }
        }
    )


def consents_file(table: Table, first: date, last: date) -> bytes:
    """A file of consents for the invented meters of a table, as an operator has it."""
    numbers = table.frame[_METER].unique(maintain_order=True)
    entries = [
        {_METER: number, "consented_from": first, "consented_until": last}
        for number in numbers
    ]
    return yaml.safe_dump(entries, sort_keys=False).encode()


def _measure(table: Table) -> str | None:
    connector = table.spec.connector
    return connector.measure if isinstance(connector, LinkyConnector) else None


def _is_within(measure: str, start: str, end: str) -> pl.Expr:
    """Whether a stamp is of the window: a step's is at its end, a day's is the day."""
    stamp = pl.col("date")
    if measure == "daily_consumption":
        return (stamp >= start) & (stamp < end)
    return (stamp > f"{start} 00:00:00") & (stamp <= f"{end} 00:00:00")
