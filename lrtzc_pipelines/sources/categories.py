"""Which values a dimension may have, known without looking at the data.

Some takes say it themselves: hours, types of day, bins. Of others a specification says
it, as a list or by a level of a table of codes, and everything else is `(autre)`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, TypeAlias

from pydantic import Field

from lrtzc_pipelines.privacy.code_tables import OTHER, code_table
from lrtzc_pipelines.sources.takes import LOOKUP, Take, check_take

Categories: TypeAlias = Annotated[tuple[str | int, ...], Field(min_length=1)] | Take
"""A list of values, or a level of a table of codes, as in `lookup:naf_2008:section`."""

_WORKING, _WEEKEND = "working_day", "weekend"


def as_texts(told: Categories) -> Categories:
    """Categories as texts: values are compared as they are written."""
    return told if isinstance(told, str) else tuple(str(value) for value in told)


def values_of(take: str, told: Categories | None) -> tuple[str, ...]:
    """Every value that a dimension has, whatever the data are.

    Args:
        take: What is taken of it.
        told: Its categories, where the take does not say them.
    """
    if (closed := closed_values(take)) is not None:
        return closed
    told = take if told is None else told
    listed = _groups(told) if isinstance(told, str) else map(str, told)
    return (*listed, OTHER)


def closed_values(take: str) -> tuple[str, ...] | None:
    """Every value that something taken can have; None if that depends on the data."""
    word, _, argument = take.partition(":")
    match word:
        case "hour_of_day":
            return tuple(str(hour) for hour in range(24))
        case "day_type":
            return (_WORKING, _WEEKEND)
        case "below" | "up_to":
            return _bins(word, argument.split(","))
        case _:
            return None


def check_categories(name: str, take: str, told: Categories | None) -> None:
    """Raises ValueError unless the values of a dimension are known, each once.

    Args:
        name: The dimension.
        take: What is taken of it.
        told: Its categories, if any are declared.
    """
    if closed_values(take) is not None:
        if told is not None:
            msg = f"categories: {take} says itself which values {name} has"
            raise ValueError(msg)
        return
    is_looked_up = take.startswith(f"{LOOKUP}:")
    told = take if told is None and is_looked_up else told
    if take == "all" or told is None:
        msg = f"categories: say which values {name} has"
        raise ValueError(msg)
    if isinstance(told, str):
        _check_level(name, told)
    elif OTHER in told or len(set(told)) < len(told):
        msg = f"categories: each value of {name} once, and {OTHER} comes by itself"
        raise ValueError(msg)
    elif is_looked_up and (odd := set(told) - set(_groups(take))):
        msg = f"categories: {', '.join(sorted(map(str, odd)))} is nothing of {take}"
        raise ValueError(msg)


def _check_level(name: str, level: str) -> None:
    check_take(level)
    if not level.startswith(f"{LOOKUP}:"):
        msg = f"categories: {level!r} is no level of a table of codes"
        raise ValueError(msg)
    _, table, own = level.split(":")
    known = code_table(table)
    kept = known.level(own).characters
    if kept and known.key_characters and kept > known.key_characters:
        msg = f"categories: {table} does not list every {own}, so say those of {name}"
        raise ValueError(msg)


def _groups(level: str) -> list[str]:
    """Every group that a level of a table of codes has."""
    _, table, own = level.split(":")
    return sorted(set(code_table(table).labels(own).values()))


def _bins(word: str, bounds: list[str]) -> tuple[str, ...]:
    below, above, last = ("<", "", ">=") if word == "below" else ("<=", ">", ">")
    between = [f"{above}{low}-{high}" for low, high in pairwise(bounds)]
    return (f"{below}{bounds[0]}", *between, f"{last}{bounds[-1]}")
