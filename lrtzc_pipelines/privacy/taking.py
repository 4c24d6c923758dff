"""What is taken of a value to make it coarser, as Polars expressions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import polars as pl

from lrtzc_pipelines.privacy.code_tables import OTHER, code_table
from lrtzc_pipelines.privacy.grid import square

LOCAL_ZONE = "Europe/Paris"
"""Days, hours and months are those of the clock on the wall."""

_WORKING, _WEEKEND = "working_day", "weekend"
_SATURDAY = 6


def take(column: str, kind: pl.DataType, what: str) -> pl.Expr:
    """What is taken of a column's values.

    Args:
        column: Name of the column.
        kind: Its Polars type.
        what: What to take, as `sources.takes` describes it.

    Raises:
        ValueError: it cannot be taken of values of this type.
    """
    value = pl.col(column)
    name, _, argument = what.partition(":")
    match name:
        case "value":
            taken = value
        case "all":
            taken = pl.lit(None, pl.String if isinstance(kind, pl.Struct) else kind)
        case "hour_of_day" | "day_type":
            taken = _of_moment(_local(value, kind, what), what)
        case "first" | "lookup":
            taken = _of_code(value.cast(pl.String), what)
        case "below" | "up_to":
            taken = _bin(value, argument.split(","), closed_above=name == "up_to")
        case "grid":
            taken = _square(value, kind, int(argument))
        case _:
            taken = _period(value, kind, what)
    return taken


def unknown_code_share(
    frame: pl.DataFrame, taken: Iterable[tuple[str, Sequence[str]]]
) -> dict[str, float]:
    """Share of rows whose code is in no table, or point on no grid, by column.

    Rounded to three digits: exact small numbers tell of persons.

    Args:
        frame: The rows.
        taken: Columns with what is taken of each.
    """
    found = {}
    for column, takes in taken:
        named = [what for what in takes if what.startswith(("lookup:", "grid:"))]
        if named:
            groups = frame.select(take(column, frame.schema[column], named[0]))
            unknown = int((groups.to_series() == OTHER).sum())
            found[column] = round(unknown / frame.height, 3) if frame.height else 0.0
    return found


def _of_moment(local: pl.Expr, what: str) -> pl.Expr:
    if what == "hour_of_day":
        return local.dt.hour().cast(pl.Int64)
    weekend = local.dt.weekday() >= _SATURDAY
    named = pl.when(weekend).then(pl.lit(_WEEKEND)).otherwise(pl.lit(_WORKING))
    return pl.when(local.is_not_null()).then(named)


def _of_code(code: pl.Expr, what: str) -> pl.Expr:
    word, *arguments = what.split(":")
    if word == "first":
        return code.str.head(int(arguments[0]))
    return _group(code, *arguments)


def _local(value: pl.Expr, kind: pl.DataType, what: str) -> pl.Expr:
    if not isinstance(kind, pl.Datetime):
        msg = f"{what} is taken of a moment, not of {kind}"
        raise ValueError(msg)  # noqa: TRY004 - what a specification says
    return value.dt.convert_time_zone(LOCAL_ZONE)


def _period(value: pl.Expr, kind: pl.DataType, every: str) -> pl.Expr:
    """The start of the period that a day or moment is in."""
    if kind == pl.Date:
        return value.dt.truncate(every)
    return _local(value, kind, every).dt.truncate(every).dt.convert_time_zone("UTC")


def _bin(value: pl.Expr, bounds: list[str], *, closed_above: bool) -> pl.Expr:
    """The bin of a number, null where there is none.

    `<3`, `3-6`, `>=6`; or, closed above, `<=3`, `>3-6`, `>6`.
    """
    below, above = ("<=", ">") if closed_above else ("<", "")
    labels = [f"{below}{bounds[0]}"]
    labels += [f"{above}{low}-{high}" for low, high in pairwise(bounds)]
    chosen = pl.lit(f"{above or '>='}{bounds[-1]}")
    for bound, label in zip(reversed(bounds), reversed(labels), strict=True):
        limit = float(bound)
        under = value <= limit if closed_above else value < limit
        chosen = pl.when(under).then(pl.lit(label)).otherwise(chosen)
    return pl.when(value.is_not_null()).then(chosen)


def _square(value: pl.Expr, kind: pl.DataType, size: int) -> pl.Expr:
    """The square of the European grid that a point is in."""
    if not isinstance(kind, pl.Struct):
        msg = f"a square is taken of a point, not of {kind}"
        raise ValueError(msg)  # noqa: TRY004 - what a specification says
    return square(value, size)


def _group(code: pl.Expr, name: str, level: str) -> pl.Expr:
    """The group of a code in a table, or `(autre)`; null where there is no code."""
    table = code_table(name)
    key = code if table.key_characters is None else code.str.head(table.key_characters)
    kept = table.level(level).characters
    labels = table.labels(level)
    if kept is None:
        group = key.replace_strict(labels, default=OTHER, return_dtype=pl.String)
    else:
        known = key.is_in(list(labels))
        group = pl.when(known).then(code.str.head(kept)).otherwise(pl.lit(OTHER))
    return pl.when(code.is_not_null()).then(group)
