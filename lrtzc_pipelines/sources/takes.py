"""What may be taken of a value to make it coarser: how it is written, what nests.

A specification names takes; `privacy.taking` makes them, and `privacy.audit_takes` once
more in SQL. What belongs here: which of them there are, and which are coarser than
which, so that a sequence that tears cells apart does not load.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from lrtzc_pipelines.privacy.code_tables import code_table

Take = Annotated[str, Field(min_length=1)]
"""What is taken of a value:

- `value` itself, or `all` (nothing is told);
- of a moment or day, the start of its period (`30m`, `1h`, `1d`, `1w`, `1mo`, `1y`, on
  the clock of the wall), its `hour_of_day`, its `day_type`;
- of a code, its `first:5` characters, or its group in a table of codes, as in
  `lookup:naf_2008:section`;
- of a number, its bin: `below:40,80` (closed below: `<40`, `40-80`, `>=80`), or
  `up_to:3,6,9` (closed above, as powers are subscribed: `<=3`, `>3-6`, `>6-9`, `>9`);
- of a point, the square of the European grid that it is in, `grid:200` metres wide.
"""

GRID = "grid"
LOOKUP = "lookup"

_WORDS = ("value", "all", "hour_of_day", "day_type")
_DURATION = re.compile(r"^([1-9]\d*)(m|h|d|w|mo|y)$")
_FIRST = re.compile(r"^first:[1-9]\d*$")
_BINS = re.compile(r"^(below|up_to):-?\d+(\.\d+)?(,-?\d+(\.\d+)?)*$")
_GRID = re.compile(r"^grid:[1-9]\d{0,5}$")
_LOOKUP = re.compile(r"^lookup:([a-z0-9_]+):([a-z0-9_]+)$")

_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 7 * 1440}
_DAY, _HOUR, _YEAR = 1440, 60, 12
"""Minutes of a day and of an hour, months of a year."""


def check_take(take: str) -> str:
    """Raises ValueError if there is no such thing to take of a value."""
    known = take in _WORDS or any(p.match(take) for p in (_FIRST, _BINS, _GRID))
    if known and _BINS.match(take):
        bounds = [float(bound) for bound in take.partition(":")[2].split(",")]
        known = bounds == sorted(set(bounds))
    if not known and _DURATION.match(take):
        known = _is_regular(take)
    if not known and (found := _LOOKUP.match(take)):
        known = found[2] in code_table(found[1]).level_names
    if not known:
        msg = f"{take!r} is nothing that can be taken of a value"
        raise ValueError(msg)
    return take


def is_duration(take: str) -> bool:
    """Whether what is taken is the start of a period."""
    return _DURATION.match(take) is not None


def check_nesting(takes: Sequence[str]) -> None:
    """Raises ValueError if a coarser take tears apart what a finer one holds together.

    Args:
        takes: What is taken, from finest to coarsest.
    """
    for finer, coarser in pairwise(takes):
        if not nests(finer, coarser):
            msg = f"{coarser} tears apart what {finer} holds together"
            if finer.startswith(GRID) and coarser.startswith(GRID):
                small, large = _number(finer), _number(coarser)
                msg += f": {large} m is no multiple of {small} m"
            raise ValueError(msg)


def nests(finer: str, coarser: str) -> bool:
    """Whether all that a take holds together stays together in another."""
    if finer in {coarser, "value"} or coarser == "all":
        return True
    if is_duration(finer):
        return _period_nests(finer, coarser)
    word, other = finer.partition(":")[0], coarser.partition(":")[0]
    if other == LOOKUP:
        return _lookup_nests(finer, coarser)
    return word == other and _nests_by_number(finer, coarser)


def _nests_by_number(finer: str, coarser: str) -> bool:
    """Whether a take nests in another of its kind that says how coarse it is."""
    word = finer.partition(":")[0]
    if word == GRID:
        return _number(coarser) % _number(finer) == 0
    if word == "first":
        return _number(coarser) <= _number(finer)
    if word not in {"below", "up_to"}:
        return False
    own, kept = (
        {float(bound) for bound in take.partition(":")[2].split(",")}
        for take in (finer, coarser)
    )
    return kept <= own


def tables_of(takes: Iterable[str]) -> list[str]:
    """Names of the tables of codes that some takes look things up in."""
    found = (_LOOKUP.match(take) for take in takes)
    return sorted({match[1] for match in found if match})


def _number(take: str) -> int:
    return int(take.partition(":")[2])


def _parts(duration: str) -> tuple[int, str]:
    found = _DURATION.match(duration)
    if found is None:
        msg = f"{duration!r} is no duration"
        raise ValueError(msg)
    return int(found[1]), found[2]


def _is_regular(duration: str) -> bool:
    """Whether periods begin anew with each day or year: all others drift."""
    count, unit = _parts(duration)
    if unit in {"m", "h"}:
        # On the days when clocks change, no longer step divides the day.
        return _HOUR % (count * _MINUTES[unit]) == 0
    return _YEAR % count == 0 if unit == "mo" else count == 1


def _period_nests(finer: str, coarser: str) -> bool:
    count, unit = _parts(finer)
    minutes = count * _MINUTES.get(unit, 0)
    if coarser == "hour_of_day":
        return 0 < minutes <= _HOUR
    if coarser == "day_type":
        return 0 < minutes <= _DAY
    if not is_duration(coarser):
        return False
    longer, other = _parts(coarser)
    if other in {"mo", "y"}:
        months = longer * (_YEAR if other == "y" else 1)
        own = count * (_YEAR if unit == "y" else 1)
        return 0 < minutes <= _DAY or (unit in {"mo", "y"} and months % own == 0)
    return minutes > 0 and (longer * _MINUTES[other]) % minutes == 0


def _lookup_nests(finer: str, coarser: str) -> bool:
    found = _LOOKUP.match(coarser)
    if found is None:
        return False
    table = code_table(found[1])
    if finer.startswith("first:"):
        needed = table.characters_of(found[2])
        return needed is not None and needed <= _number(finer)
    own = _LOOKUP.match(finer)
    if own is None or own[1] != found[1]:
        return False
    return table.level_names.index(own[2]) <= table.level_names.index(found[2])
