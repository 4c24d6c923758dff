"""Exact counts of persons in every cell there may be: what noise is then added to.

Nothing here is published. A person counts once in a cell, and in no more cells of a
period than the policy allows; so one person more or less changes the counts of a period
by that many in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from lrtzc_pipelines.privacy.code_tables import OTHER
from lrtzc_pipelines.privacy.contributions import REGION, SUBJECT, hashed, named
from lrtzc_pipelines.privacy.taking import LOCAL_ZONE, take
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.sources.periods import periods_until

COUNT = "subject_count"
_ORDER, _RANK = "_order", "_rank"
_HASH_HEX = 32


@dataclass(frozen=True)
class ClampedCounts:
    """Exact counts of some periods.

    Attributes:
        cells: `_region` (first day, ISO 8601), a text for each other dimension,
            `subject_count`: each cell there may be, once.
        left_out: Share of the cells of persons that the bound leaves out.
    """

    cells: pl.DataFrame
    left_out: float


def due_periods(
    frame: pl.DataFrame, policy: NoiseProtection, collected: date
) -> list[date]:
    """First days of the periods that may be released.

    They are over, for as long as the policy waits; and rows of a later one have come,
    so that none is told before the producer has.

    Args:
        frame: Validated rows.
        policy: What they are told by.
        collected: Day they were collected; rows of later days do not count.
    """
    days = frame.select(_day(frame, policy)).to_series()
    newest = days.filter(days <= collected).max()
    if not isinstance(newest, date):
        return []
    waited = date.fromordinal(collected.toordinal() - policy.wait_days)
    return list(periods_until(policy.since, min(newest, waited), policy.every))


def clamped_counts(
    frame: pl.DataFrame, policy: NoiseProtection, periods: Sequence[date], salt: str
) -> ClampedCounts:
    """How many persons are in each cell of some periods, exactly.

    Rows of nobody and of no period are in no cell.

    Args:
        frame: Validated rows, with their points.
        policy: What they are told by.
        periods: First days.
        salt: Chooses, by a keyed hash, the cells that a person counts in.
    """
    regions = [period.isoformat() for period in periods]
    sides = [dimension.name for dimension in policy.counted_sides]
    once = (
        frame.filter(pl.col(policy.subject).is_not_null())
        .select(
            _day(frame, policy).dt.truncate(policy.every).cast(pl.String).alias(REGION),
            *_sides(frame, policy),
            pl.col(policy.subject).cast(pl.String).alias(SUBJECT),
        )
        .filter(pl.col(REGION).is_in(regions))
        .unique()
    )
    kept = _within(once, sides, policy.max_cells, salt)
    counts = kept.group_by(REGION, *sides).agg(pl.len().cast(pl.Int64).alias(COUNT))
    every = _every_cell(policy, regions)
    cells = every.join(
        counts, on=[REGION, *sides], how="left", maintain_order="left"
    ).with_columns(pl.col(COUNT).fill_null(0))
    share = 1 - kept.height / once.height if once.height else 0.0
    return ClampedCounts(cells, share)


def _day(frame: pl.DataFrame, policy: NoiseProtection) -> pl.Expr:
    """The day of a row, on the calendar of the wall."""
    value = pl.col(policy.period_column)
    if isinstance(frame.schema[policy.period_column], pl.Datetime):
        return value.dt.convert_time_zone(LOCAL_ZONE).dt.date()
    return value


def _sides(frame: pl.DataFrame, policy: NoiseProtection) -> list[pl.Expr]:
    """What is taken of a row, as texts; `(autre)` where that is none of the known."""
    found = []
    for dimension in policy.counted_sides:
        taken = take(
            dimension.column,
            frame.schema[dimension.column],
            policy.takes[dimension.name],
        ).cast(pl.String)
        if not policy.is_closed(dimension.name):
            known = taken.is_in(policy.values_of(dimension.name))
            taken = pl.when(known).then(taken).otherwise(pl.lit(OTHER))
        found.append(taken.alias(dimension.name))
    return found


def _within(
    once: pl.DataFrame, sides: Sequence[str], max_cells: int, salt: str
) -> pl.DataFrame:
    """The cells that each person counts in: which ones, only their own hashes say."""
    parts = [pl.lit(salt), pl.col(SUBJECT), pl.col(REGION), named(once, sides)]
    of_person = [REGION, SUBJECT]
    is_within = pl.len().over(of_person) <= max_cells
    many = (
        once.filter(~is_within)
        .with_columns(hashed(parts, _HASH_HEX).alias(_ORDER))
        .sort(_ORDER)
        .with_columns(pl.int_range(pl.len()).over(of_person).alias(_RANK))
        .filter(pl.col(_RANK) < max_cells)
    )
    return pl.concat([once.filter(is_within), many.drop(_ORDER, _RANK)])


def _every_cell(policy: NoiseProtection, regions: Sequence[str]) -> pl.DataFrame:
    """Every cell there may be in some periods."""
    every = pl.DataFrame({REGION: regions}, schema={REGION: pl.String})
    for dimension in policy.counted_sides:
        values = policy.values_of(dimension.name)
        told = pl.DataFrame(
            {dimension.name: values}, schema={dimension.name: pl.String}
        )
        every = every.join(told, how="cross")
    return every
