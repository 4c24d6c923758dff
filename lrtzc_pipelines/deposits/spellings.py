"""Cells as people and spreadsheets write them, in the spelling that a source declares.

Only what can be read in one way is written anew: spaces in codes, French dates, dates
as workbooks hold them. Anything else stays as it is, for the checks to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from lrtzc_pipelines.deposits.forms import Form
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec

Speller = Callable[[str], str]

_SPACES = re.compile(r"\s+")
_TIME = r"(?:[T ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?"
_DAY_FIRST = rf"(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})/(?P<year>\d{{4}}){_TIME}"
_YEAR_FIRST = rf"(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}}){_TIME}"
_SPELLINGS = (re.compile(_DAY_FIRST), re.compile(_YEAR_FIRST))
_DATE = "%Y-%m-%d"


def spellers(form: Form, spec: SourceSpec) -> Mapping[str, Speller]:
    """What writes the cells of a column anew, by its heading; others are left alone."""
    found: dict[str, Speller] = dict.fromkeys(form.codes, without_spaces)
    for column in spec.columns:
        written = _written(column)
        if column.source and written:
            found[column.source] = _moments(written, column)
    return found


def without_spaces(cell: str) -> str:
    """A code without its spaces, of any width."""
    return _SPACES.sub("", cell)


def _written(column: Column) -> str | None:
    """How a column's moments are to be written; None if no other way is known."""
    if column.type is ColumnType.DATE:
        return column.datetime_format or _DATE
    is_local = column.datetime_format and "z" not in column.datetime_format.lower()
    if column.type is ColumnType.DATETIME and not column.epoch and is_local:
        return column.datetime_format
    return None


def _moments(written: str, column: Column) -> Speller:
    needs_time = column.type is ColumnType.DATETIME

    def spell(cell: str) -> str:
        text = cell.strip()
        for spelling in _SPELLINGS:
            found = spelling.fullmatch(text)
            if found:
                return _spelled(found, written, cell, needs_time=needs_time)
        return cell

    return spell


def _spelled(found: re.Match[str], written: str, cell: str, *, needs_time: bool) -> str:
    """The moment as declared; the cell itself if it is none, or lacks its time."""
    names = ("year", "month", "day", "hour", "minute", "second")
    year, month, day, *time = (int(found[name] or 0) for name in names)
    if found["hour"] is None if needs_time else any(time):
        return cell
    hour, minute, second = time
    try:
        # No zone is meant: it is text again at once.
        moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return cell
    return moment.strftime(written)
