"""Moments as producers write them, to UTC, by the rule that their column declares.

Local times without a zone, numbers since 1970, offsets, stamps at the end of a step,
and the hours that a change of clocks doubles or leaves out.
"""

from __future__ import annotations

import re

import polars as pl

from lrtzc_pipelines.sources.columns import Column

_OFFSET = re.compile(r"%(\+|:{0,3}z|#z)")
"""Where a format holds the offset from UTC, so that no time zone is to be assumed."""

_LARGEST = 1e15
"""Beyond it a number since 1970 is no moment, and would not fit in one."""


def read_moment(text: pl.Expr, column: Column) -> pl.Expr:
    """The moment in a text, UTC; null where it cannot be read or does not exist."""
    moment = _epoch(text, column.epoch) if column.epoch else _written(text, column)
    if column.stamp == "end":
        return moment.dt.offset_by(f"-{column.step}")
    return moment


def _epoch(text: pl.Expr, unit: str) -> pl.Expr:
    factor = {"s": 1_000_000, "ms": 1_000}[unit]
    # Through a float: some services write 1.7e9, or a fraction.
    number = text.cast(pl.Float64, strict=False)
    is_moment = number.is_finite() & (number.abs() < _LARGEST)
    exact = pl.when(is_moment).then(number * factor)
    return exact.round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def _written(text: pl.Expr, column: Column) -> pl.Expr:
    # Without a format: RFC 3339 with its offset, as JSON services write it.
    written = column.datetime_format or "%+"
    if _OFFSET.search(written):
        return text.str.to_datetime(
            written, time_unit="us", time_zone="UTC", strict=False
        )
    naive = text.str.to_datetime(written, time_unit="us", strict=False)
    which = _pass(naive, column)
    # An hour that spring leaves out does not exist: such a value is refused.
    return naive.dt.replace_time_zone(
        column.timezone, ambiguous=which, non_existent="null"
    ).dt.convert_time_zone("UTC")


def _pass(naive: pl.Expr, column: Column) -> pl.Expr:
    """Which pass of a doubled hour each value belongs to."""
    if column.ambiguous != "by_order":
        return pl.lit(column.ambiguous)
    nth = pl.int_range(pl.len()).over([naive, *column.ambiguous_within])
    return pl.when(nth == 0).then(pl.lit("earliest")).otherwise(pl.lit("latest"))
