"""Aggregates of enough persons: cells that fail fall back to coarser ones.

Each row counts in one cell only, of one grain, so that no cell can be subtracted from
another. What falls back is either the cells that fail, or all those that would be a
single one at the next grain: a day is then told by half-hours or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.protection import AggregateProtection, Measure

SUBJECTS = "subject_count"
_ROW, _LARGEST, _FAILS, _ONE = "_row", "_largest", "_fails", "_one"
_MOST = 1 << 62
"""Numbers below this many go into one column."""
_DIGITS = 6
"""Digits of a quantity after the point."""


@dataclass(frozen=True)
class Grain:
    """What became of one grain.

    Attributes:
        takes: What was taken of each dimension.
        cells: Cells that go on.
        rows: Rows in them.
    """

    takes: Mapping[str, str]
    cells: int
    rows: int


@dataclass(frozen=True)
class Aggregated:
    """Cells that go on, and what it took.

    Attributes:
        cells: A row per cell: its dimensions (with the grain of those that fell back),
            `subject_count`, and the measures.
        row_count: Rows that came in.
        suppressed: Rows that are in no cell.
        grains: What became of each grain, from the finest.
    """

    cells: pl.DataFrame
    row_count: int
    suppressed: int
    grains: tuple[Grain, ...]


def aggregate(frame: pl.DataFrame, policy: AggregateProtection) -> Aggregated:
    """The cells of a frame that a policy lets go on.

    Args:
        frame: Rows with the subject, the columns of the dimensions and of the measures;
            rows without a subject are in no cell.
        policy: What must hold.
    """
    rest = frame
    if frame[policy.subject].null_count():
        rest = frame.filter(pl.col(policy.subject).is_not_null())
    found: list[pl.DataFrame] = []
    grains = []
    for place, takes in enumerate(policy.grains):
        coarser = policy.grains[place + 1] if place + 1 < len(policy.grains) else takes
        cells, failing = _cells(rest, policy, takes, coarser)
        block = coarser if policy.fall_back == "blocks" else takes
        after = _rows_in(rest, policy, block, failing)
        labelled = cells.with_columns(
            pl.lit(takes[d.name]).alias(f"{d.name}_grain") for d in policy.dimensions
        )
        found.append(labelled)
        grains.append(Grain(takes, cells.height, rest.height - after.height))
        rest = after
    names = [column for column in _released(policy) if column in found[0].columns]
    together = pl.concat(
        [cells.select(names) for cells in found], how="vertical_relaxed"
    )
    # Sums of the same numbers in another order differ in their last digits, and rows
    # come in any order: a second release would be another one.
    quantities = [m.name for m in policy.measures if m.function != "rows"]
    told = together.with_columns(pl.col(quantities).round(_DIGITS))
    sides = [column for column in names if column != SUBJECTS]
    return Aggregated(
        cells=told.sort(sides, nulls_last=True),
        row_count=frame.height,
        suppressed=frame.height - sum(grain.rows for grain in grains),
        grains=tuple(grains),
    )


def _released(policy: AggregateProtection) -> list[str]:
    sides = []
    for dimension in policy.dimensions:
        sides.append(dimension.name)
        if len({grain[dimension.name] for grain in policy.grains}) > 1:
            sides.append(f"{dimension.name}_grain")
    return [*sides, SUBJECTS, *(measure.name for measure in policy.measures)]


def _cells(
    rows: pl.DataFrame,
    policy: AggregateProtection,
    takes: Mapping[str, str],
    coarser: Mapping[str, str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells of a grain that go on, and those, or blocks of them, that fall back."""
    sides = [dimension.name for dimension in policy.dimensions]
    blocks = [f"_block_{name}" for name in sides]
    needed = dict.fromkeys(
        [
            *(dimension.column for dimension in policy.dimensions),
            policy.subject,
            *(measure.column for measure in policy.measures if measure.column),
        ]
    )
    # Cells are counted by the values themselves, which is fast, and named afterwards:
    # right as long as nothing is merged, which the few cells tell.
    own = list(dict.fromkeys(d.column for d in policy.dimensions))
    counted = _measured(rows.select(list(needed)), policy, own)
    if _tells_apart(counted, policy, takes):
        grouped = counted.with_columns(
            *_taken(counted, policy, takes, sides),
            *_taken(counted, policy, coarser, blocks),
        )
    else:
        taken = rows.select(
            *_taken(rows, policy, takes, sides),
            *_taken(rows, policy, coarser, blocks),
            *(name for name in needed if name not in _columns_of(policy)),
        )
        grouped = _measured(taken, policy, [*sides, *blocks])
    fails = pl.col(SUBJECTS) < policy.min_subjects
    for measure in policy.measures:
        if measure.function == "sum":
            # Of values that are all absent nobody has a share; a null would lose them.
            largest = pl.col(f"{_LARGEST}_{measure.name}").fill_null(0)
            fails |= largest > policy.max_share * pl.col(measure.name)
    if policy.fall_back == "blocks":
        fails = fails.any().over(blocks)
    judged = grouped.with_columns(fails.alias(_FAILS))
    cells = judged.filter(~pl.col(_FAILS))
    falling = blocks if policy.fall_back == "blocks" else sides
    named = dict(zip(falling, blocks, strict=True))
    failing = judged.filter(pl.col(_FAILS)).select(falling).unique().rename(named)
    kept = [*sides, SUBJECTS, *(measure.name for measure in policy.measures)]
    return cells.select(kept), failing


def _columns_of(policy: AggregateProtection) -> set[str]:
    """Columns of the dimensions that are nothing else besides."""
    used = {policy.subject, *(m.column for m in policy.measures)}
    return {dimension.column for dimension in policy.dimensions} - used


def _tells_apart(
    rows: pl.DataFrame, policy: AggregateProtection, takes: Mapping[str, str]
) -> bool:
    """Whether what is taken still tells all values of every dimension apart."""
    for dimension in policy.dimensions:
        values = rows.select(pl.col(dimension.column).unique())
        kind = rows.schema[dimension.column]
        taken = values.select(take(dimension.column, kind, takes[dimension.name]))
        if taken.n_unique() < values.height:
            return False
    return True


def _taken(
    rows: pl.DataFrame,
    policy: AggregateProtection,
    takes: Mapping[str, str],
    names: Sequence[str],
) -> list[pl.Expr]:
    return [
        take(d.column, rows.schema[d.column], takes[d.name]).alias(name)
        for d, name in zip(policy.dimensions, names, strict=True)
    ]


def _measured(
    taken: pl.DataFrame, policy: AggregateProtection, keys: list[str]
) -> pl.DataFrame:
    """Every cell with its persons, its measures, and the largest part of each sum."""
    subject = policy.subject
    if is_once_per_cell(taken, subject, keys):
        grouped = taken.lazy().group_by(keys)
        return grouped.agg(
            pl.len().cast(pl.Int64).alias(SUBJECTS),
            *(_whole(measure) for measure in policy.measures),
            *(
                pl.col(m.column).abs().max().alias(f"{_LARGEST}_{m.name}")
                for m in policy.measures
                if m.function == "sum" and m.column
            ),
        ).collect(engine="streaming")
    per_person = (
        taken.lazy()
        .group_by([*keys, subject])
        .agg(
            *(_whole(measure) for measure in policy.measures),
            *(
                pl.col(m.column).count().alias(f"{_ROW}_{m.name}")
                for m in policy.measures
                if m.function == "mean" and m.column
            ),
        )
    )
    together = per_person.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias(SUBJECTS),
        *(_together(measure) for measure in policy.measures),
        *(
            pl.col(m.name).abs().max().alias(f"{_LARGEST}_{m.name}")
            for m in policy.measures
            if m.function == "sum"
        ),
    )
    return together.collect(engine="streaming")


def _whole(measure: Measure) -> pl.Expr:
    """A measure over rows."""
    if measure.function == "rows":
        return pl.len().cast(pl.Int64).alias(measure.name)
    value = pl.col(measure.column or "")
    made = value.sum() if measure.function == "sum" else value.mean()
    return made.cast(pl.Float64).alias(measure.name)


def _together(measure: Measure) -> pl.Expr:
    """A measure over what each person has of it."""
    own = pl.col(measure.name)
    if measure.function == "mean":
        weight = pl.col(f"{_ROW}_{measure.name}")
        mean = (own * weight).sum() / weight.sum()
        # Of nothing there is no mean; not a number would be one.
        return pl.when(weight.sum() > 0).then(mean).alias(measure.name)
    return own.sum().alias(measure.name)


def is_once_per_cell(rows: pl.DataFrame, subject: str, keys: Sequence[str]) -> bool:
    """Whether every person has at most one row in each cell, seen at a glance.

    True is proven; False may mean that it cannot be seen so fast. It can where persons
    stand together and their rows rise in one of the keys, or where person and keys are
    numbers that go into one.
    """
    if rows.is_empty():
        return True
    # The first row follows nobody; a null neither rises nor falls.
    same = (pl.col(subject) == pl.col(subject).shift()).fill_null(value=False)
    changes = rows.select((~same).sum()).item() - 1
    if changes + 1 == rows[subject].n_unique():
        for key in keys:
            if rows.schema[key].is_temporal() or rows.schema[key].is_numeric():
                rises = (pl.col(key) > pl.col(key).shift()).fill_null(value=False)
                if rows.select((~same | rises).all()).item():
                    return True
    packed = _packed(rows, [*keys, subject])
    return packed is not None and packed.n_unique() == rows.height


def _packed(rows: pl.DataFrame, keys: Sequence[str]) -> pl.Series | None:
    """Some columns of numbers as a single one; None if they do not go into it."""
    width, number = 1, pl.lit(0, pl.Int64)
    for key in keys:
        kind = rows.schema[key]
        if not (kind.is_temporal() or kind.is_integer()):
            return None
        whole = pl.col(key).to_physical().cast(pl.Int64)
        low, high = rows.select(whole.min().alias("low"), whole.max()).row(0)
        if low is None or rows[key].null_count():
            return None
        width *= high - low + 1
        if width >= _MOST:
            return None
        number = number * (high - low + 1) + (whole - low)
    return rows.select(number.alias(_ONE)).to_series()


def _rows_in(
    rows: pl.DataFrame,
    policy: AggregateProtection,
    takes: Mapping[str, str],
    blocks: pl.DataFrame,
) -> pl.DataFrame:
    """The rows that lie in some blocks."""
    if blocks.is_empty():
        return rows.clear()
    names = blocks.columns
    marked = rows.with_columns(_taken(rows, policy, takes, names))
    return marked.join(blocks, on=names, how="semi", nulls_equal=True).drop(names)
