"""What is taken of a value to make it coarser, once more: in SQL, for the audit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from lrtzc_pipelines.privacy.contributions import NONE
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec

ZONE = "Europe/Paris"
_UNITS = {
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
    "mo": "months",
    "y": "years",
}
_DURATION = re.compile(r"^(\d+)(mo|m|h|d|w|y)$")


def taken(spec: SourceSpec, sides: Mapping[str, tuple[str, str]]) -> str:
    """Columns of a select: what is taken of a column for each side of a cell.

    Args:
        spec: The source.
        sides: For each side, a column and what is taken of it.
    """
    return ", ".join(
        f"{_take(spec, column, what)} as {quoted(side)}"
        for side, (column, what) in sides.items()
    )


def _take(spec: SourceSpec, column: str, what: str) -> str:
    """What is taken of a column, in SQL."""
    name, kind = quoted(column), spec.column(column).type
    word, _, argument = what.partition(":")
    match word:
        case "value":
            taken = name
        case "all":
            taken = "null"
        case "first":
            taken = f"left({name}::varchar, {int(argument)})"
        case "below":
            taken = _bins(name, argument.split(","))
        case "hour_of_day":
            taken = f"hour({name})"
        case "day_type":
            taken = f"if(isodow({name}) >= 6, 'weekend', 'working_day')"
        case _:
            taken = _period(name, kind, what)
    return taken


def _period(name: str, kind: ColumnType, every: str) -> str:
    found = _DURATION.match(every)
    if found is None:
        msg = f"{every!r} is no duration"
        raise ValueError(msg)
    interval = f"interval '{found[1]} {_UNITS[found[2]]}'"
    if kind is ColumnType.DATE:
        return f"time_bucket({interval}, {name})::date"
    local = f"({name} at time zone '{ZONE}')"
    bucket = f"time_bucket({interval}, {local})"
    if found[2] == "m" or every == "1h":
        # The hour that autumn doubles keeps its two passes apart.
        return f"{name} - ({local} - {bucket})"
    return f"{bucket} at time zone '{ZONE}'"


def _bins(name: str, bounds: Sequence[str]) -> str:
    texts = [f"{float(bound):g}" for bound in bounds]
    labels = [f"<{texts[0]}"]
    labels += [f"{low}-{high}" for low, high in pairwise(texts)]
    cases = " ".join(
        f"when {name} < {bound} then '{label}'"
        for bound, label in zip(texts, labels, strict=True)
    )
    return f"case when {name} is null then null {cases} else '>={texts[-1]}' end"


def quoted(identifier: str) -> str:
    """A name as SQL takes it."""
    return '"' + identifier.replace('"', '""') + '"'


def named(column: str, kind: str) -> str:
    """A value in the name of a region, as `contributions` calls it."""
    name = quoted(column)
    if kind == "DATE":
        name = f"({name} - date '1970-01-01')"
    elif kind.startswith("TIMESTAMP"):
        name = f"epoch_us({name})"
    return f"coalesce({name}::varchar, '{NONE}')"


def text_of(path: Path) -> str:
    """A path as SQL takes it."""
    return "'" + str(path).replace("'", "''") + "'"
