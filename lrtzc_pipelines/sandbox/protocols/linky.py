"""A gateway to Enedis Data Connect: readings of meters whose owners consent.

Values are texts, stamps local and at the end of their step; tables hold when a step
begins, so that the steps of a day are of one day. The header of an answer repeats the
days that were asked for, wherever its readings stop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import polars as pl

from lrtzc_pipelines.connectors.linky import LONGEST_WINDOW_DAYS
from lrtzc_pipelines.sandbox.records import json_answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import LinkyConnector

_PATH = re.compile(r"(\w+)/(\d{14})/start/([0-9-]{10})/end/([0-9-]{10})")
_METER = "usage_point_id"
_WRITTEN = "%Y-%m-%d %H:%M:%S"
_STEP = "30m"
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
    within = readings.filter(
        pl.col("date").is_between(pl.lit(start), pl.lit(end), "left")
    )
    within = within.drop(_METER).with_columns(_stamped(measure))
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


def _measure(table: Table) -> str | None:
    connector = table.spec.connector
    return connector.measure if isinstance(connector, LinkyConnector) else None


def _stamped(measure: str) -> pl.Expr:
    """The stamp of a reading: a day is its own, a step is stamped at its end."""
    if measure == "daily_consumption":
        return pl.col("date")
    moment = pl.col("date").str.to_datetime(_WRITTEN).dt.offset_by(_STEP)
    return moment.dt.strftime(_WRITTEN)
