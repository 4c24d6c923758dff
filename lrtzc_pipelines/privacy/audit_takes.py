"""What is taken of a value to make it coarser, once more: in SQL, for the audit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from lrtzc_pipelines.privacy.audit_grid import square
from lrtzc_pipelines.privacy.code_tables import OTHER, code_table
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
        f"{take(spec, column, what)} as {quoted(side)}"
        for side, (column, what) in sides.items()
    )


def points_of(spec: SourceSpec) -> str:
    """Columns of a select after others: the points that squares are taken of."""
    return "".join(
        f", struct_pack(longitude := {quoted(point.longitude)}, "
        f"latitude := {quoted(point.latitude)}) as {quoted(point.name)}"
        for point in (spec.protection.points if spec.protection else ())
    )


def take(spec: SourceSpec, column: str, what: str) -> str:
    """What is taken of a column, in SQL."""
    name = quoted(column)
    word, _, argument = what.partition(":")
    match word:
        case "value":
            taken = name
        case "all":
            taken = "null"
        case "hour_of_day" | "day_type":
            taken = _of_moment(name, what)
        case "first" | "lookup" | "below" | "up_to":
            taken = text_taken(column, what)
        case "grid":
            taken = square(f"{name}.longitude", f"{name}.latitude", int(argument))
        case _:
            taken = _period(name, spec.column(column).type, what)
    return taken


def text_taken(column: str, what: str) -> str:
    """What is taken of a code or a number of any table, as text in SQL.

    Args:
        column: Its column.
        what: `value`, or what `first`, `lookup`, `below` or `up_to` take.
    """
    name = quoted(column)
    word, _, argument = what.partition(":")
    if word in _SHAPES:
        return _bins(name, word, argument.split(","))
    code = f"{name}::varchar"
    return code if word == "value" else _of_code(code, what)


def _of_moment(name: str, what: str) -> str:
    if what == "hour_of_day":
        return f"hour({name})"
    return (
        f"case when isodow({name}) >= 6 then 'weekend' "
        f"when {name} is not null then 'working_day' end"
    )


def _of_code(code: str, what: str) -> str:
    word, *arguments = what.split(":")
    if word == "first":
        return f"left({code}, {int(arguments[0])})"
    return _group(code, *arguments)


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


_SHAPES = {
    "below": ("<", "<{}", "{}-{}", ">={}"),
    "up_to": ("<=", "<={}", ">{}-{}", ">{}"),
}
"""How a bin compares, and how the first, a middle and the last one are called."""


def _bins(name: str, word: str, bounds: Sequence[str]) -> str:
    sign, first, middle, last = _SHAPES[word]
    labels = [first.format(bounds[0])]
    labels += [middle.format(low, high) for low, high in pairwise(bounds)]
    cases = " ".join(
        f"when {name} {sign} {bound} then '{label}'"
        for bound, label in zip(bounds, labels, strict=True)
    )
    rest = last.format(bounds[-1])
    return f"case when {name} is null then null {cases} else '{rest}' end"


def _group(code: str, name: str, level: str) -> str:
    """The group of a code, row by row of the table."""
    table = code_table(name)
    place = [lv.name for lv in table.levels if lv.characters is None]
    own = table.level(level)
    key = f"left({code}, {table.key_characters})" if table.key_characters else code
    cases = []
    for row in table.rows:
        group = (
            f"left({code}, {own.characters})"
            if own.characters
            else literal(row.groups[place.index(level)])
        )
        known = ", ".join(literal(known) for known in row.codes)
        cases.append(f"when {key} in ({known}) then {group}")
    told = " ".join(cases)
    return f"case when {code} is null then null {told} else {literal(OTHER)} end"


def literal(value: str) -> str:
    """A text as SQL takes it."""
    return "'" + value.replace("'", "''") + "'"


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


def parquet(path: Path) -> str:
    """The rows of a file as SQL takes them."""
    return f"read_parquet({text_of(path)})"


def counted(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """How many rows a query has."""
    found: Any = connection.execute(f"select count(*) from ({query})").fetchone()  # noqa: S608 - queries of ours
    return int(found[0])
