"""Periods of days: which one a day is in, the next one, how many begin in a year.

They are those of `takes` that last a day or longer, on the calendar of the wall.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

_PERIOD = re.compile(r"^([1-9]\d*)(d|w|mo|y)$")
_MONTHS = 12
_MOST = {"d": 366, "w": 53, "y": 1}
"""Most periods that begin in one year."""


def is_period_of_days(take: str) -> bool:
    """Whether what is taken of a day or moment is a period of whole days."""
    return _PERIOD.match(take) is not None


def start_of(day: date, every: str) -> date:
    """First day of the period that a day is in."""
    count, unit = _parts(every)
    match unit:
        case "d":
            return day
        case "w":
            return day - timedelta(days=day.weekday())
        case "mo":
            return day.replace(month=(day.month - 1) // count * count + 1, day=1)
        case _:
            return day.replace(month=1, day=1)


def next_start(start: date, every: str) -> date:
    """First day after the period that begins on a day."""
    count, unit = _parts(every)
    if unit in {"d", "w"}:
        return start + timedelta(days=7 if unit == "w" else 1)
    months = start.month - 1 + (count if unit == "mo" else _MONTHS)
    return date(start.year + months // _MONTHS, months % _MONTHS + 1, 1)


def periods_until(start: date, last: date, every: str) -> Iterator[date]:
    """First days of the periods, from one that begins, that are over on a day.

    Args:
        start: First day of the first of them.
        last: Day that no longer belongs to any of them.
        every: How long they are.
    """
    while (following := next_start(start, every)) <= last:
        yield start
        start = following


def most_in_a_year(every: str) -> int:
    """Most periods that begin in one year."""
    count, unit = _parts(every)
    return _MONTHS // count if unit == "mo" else _MOST[unit]


def _parts(every: str) -> tuple[int, str]:
    found = _PERIOD.match(every)
    if found is None:
        msg = f"{every!r} is no period of whole days"
        raise ValueError(msg)
    return int(found[1]), found[2]
