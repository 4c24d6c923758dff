"""What is taken of a value to make it coarser, as Polars expressions."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

LOCAL_ZONE = "Europe/Paris"
"""Days, hours and months are those of the clock on the wall."""

_WORKING, _WEEKEND = "working_day", "weekend"
_SATURDAY = 6


def take(column: str, kind: pl.DataType, what: str) -> pl.Expr:
    """What is taken of a column's values.

    Args:
        column: Name of the column.
        kind: Its Polars type.
        what: `value`, `all`, a duration, `hour_of_day`, `day_type`, `first:N` or
            `below:a,b,…`, as `sources.protection` describes them.

    Raises:
        ValueError: it cannot be taken of values of this type.
    """
    value = pl.col(column)
    name, _, argument = what.partition(":")
    match name:
        case "value":
            taken = value
        case "all":
            taken = pl.lit(None, kind)
        case "hour_of_day":
            taken = _local(value, kind, what).dt.hour().cast(pl.Int64)
        case "day_type":
            weekend = _local(value, kind, what).dt.weekday() >= _SATURDAY
            named = pl.when(weekend).then(pl.lit(_WEEKEND))
            taken = named.otherwise(pl.lit(_WORKING))
        case "first":
            taken = value.cast(pl.String).str.head(int(argument))
        case "below":
            taken = _bin(value, [float(bound) for bound in argument.split(",")])
        case _:
            taken = _period(value, kind, what)
    return taken


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


def _bin(value: pl.Expr, bounds: list[float]) -> pl.Expr:
    """The bin of a number: `<3`, `3-6`, `>=6`; null where there is no number."""
    texts = [f"{bound:g}" for bound in bounds]
    labels = [
        f"<{texts[0]}",
        *(f"{low}-{high}" for low, high in pairwise(texts)),
        f">={texts[-1]}",
    ]
    chosen = pl.lit(labels[-1])
    for bound, label in zip(reversed(bounds), reversed(labels[:-1]), strict=True):
        chosen = pl.when(value < bound).then(pl.lit(label)).otherwise(chosen)
    return pl.when(value.is_not_null()).then(chosen)
