"""Room for canaries: more rows, or more meters, where a source has too few."""

from __future__ import annotations

from typing import Any

import polars as pl

from lrtzc_pipelines.canaries.invented import PLANTED, Canary, Draw, figures
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.sources.spec import SourceSpec

_METER_DIGITS = 14
_KEY_STEP = 5_000_000


def as_many_meters(
    frame: pl.DataFrame, spec: SourceSpec, meter: str, seed: int
) -> tuple[pl.DataFrame, list[Canary]]:
    """The curves of 64 invented meters, whole, in place of those that were there.

    A meter is asked for by its number, so that single rows of it cannot be another's.

    Args:
        frame: Rows of some meters.
        spec: Their source.
        meter: Name of the column of their numbers.
        seed: Equal seeds invent equal numbers, whatever the day of the rows.
    """
    curves = frame.partition_by(meter, maintain_order=True)
    renamed, canaries = [], []
    for number in range(PLANTED):
        made = figures(Draw(seed, spec.id, meter, number), _METER_DIGITS)
        value = str(made.value)
        curve = curves[number % len(curves)]
        renamed.append(curve.with_columns(pl.lit(value).alias(meter)))
        canaries.append(Canary(spec.id, meter, number, value, made.parts))
    return pl.concat(renamed), canaries


def as_many_rows(frame: pl.DataFrame, spec: SourceSpec, suite: Suite) -> pl.DataFrame:
    """The rows, and copies of them under other keys up to 64, if the suite allows."""
    missing = PLANTED - frame.height
    if missing <= 0 or _most_rows(suite) < PLANTED:
        return frame
    copies = frame[[place % frame.height for place in range(missing)]]
    key = _own_key(frame, spec)
    if key is None:
        return frame
    column = frame[key]
    others = [_other(value, place) for place, value in enumerate(copies[key])]
    renamed = copies.with_columns(pl.Series(key, others, dtype=column.dtype))
    return pl.concat([frame, renamed])


def _most_rows(suite: Suite) -> float:
    bounds = [
        item.kwargs.get("max_value")
        for item in suite.expectations
        if item.type == "expect_table_row_count_to_be_between"
    ]
    return min((bound for bound in bounds if bound is not None), default=float("inf"))


def _own_key(frame: pl.DataFrame, spec: SourceSpec) -> str | None:
    """The column that tells the rows apart by itself, if there is one."""
    for name in spec.primary_key:
        source = spec.column(name).source
        if source in frame.columns and source and frame[source].n_unique() > 1:
            return source
    return None


def _other(value: Any, place: int) -> Any:
    """A key that no row has, of the same writing."""
    step = _KEY_STEP + place
    if isinstance(value, int):
        return value + step
    if not value.isdecimal():
        return f"{value}-{place}"
    return f"{int(value) + step:0{len(value)}}"
