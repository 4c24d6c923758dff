"""Tables of firms that follow each other: their difference is a table, too.

Who subtracts a table from the one that replaces it has a table of what changed. It has
to keep to the rule of the tables themselves: no shown change of too few firms, or that
one of them makes up, and no hidden one that can be worked out. Otherwise the table
stays as it was released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_suppression import CellRule, primary_cells
from lrtzc_pipelines.privacy.cell_tables import (
    ABSENT_CATEGORY,
    UNIT,
    VALUE,
    CellTable,
    Flags,
    cell_table,
)
from lrtzc_pipelines.privacy.contributions import (
    CELL,
    REGION,
    SEPARATOR,
    SUBJECT,
    SUBJECT_HEX,
    hashed,
    named,
)
from lrtzc_pipelines.privacy.ledger import Edition, Ledger
from lrtzc_pipelines.privacy.republishing import ANEW, HOLD, SAME, Settled
from lrtzc_pipelines.sources.columns import State
from lrtzc_pipelines.sources.protection import CellProtection

_TINY = 1e-9
_BEFORE = "_value_before"


@dataclass(frozen=True)
class Shape:
    """How the tables of a policy are made.

    Attributes:
        sides: Dimensions of each table.
        apart: Dimensions whose values are tables of their own.
        amount: Name of the quantity.
        rule: When a cell may be shown.
    """

    sides: tuple[str, ...]
    apart: tuple[str, ...]
    amount: str
    rule: CellRule

    @staticmethod
    def of(policy: CellProtection) -> Shape:
        """The shape of a policy's tables."""
        return Shape(
            tuple(
                d.name for d in policy.dimensions if d.name not in policy.separate_by
            ),
            policy.separate_by,
            policy.measure.name,
            CellRule(
                policy.min_units, policy.dominance, policy.protection, policy.source
            ),
        )


def settle_tables(
    units: pl.DataFrame, tables: pl.DataFrame, shape: Shape, ledger: Ledger
) -> Settled:
    """Which tables may be released anew, and which stay as they were.

    Args:
        units: What each firm contributes: dimensions, `_unit_of` and `_value`.
        tables: Cells that would be released.
        shape: How they are made.
        ledger: What was released before.
    """
    cells = tables.with_columns(
        named(tables, shape.apart).alias(REGION), named(tables, shape.sides).alias(CELL)
    )
    persons = _persons(units, shape, ledger.salt)
    editions = ledger.editions()
    told: dict[str, str] = {}
    changed = []
    regions = cells[REGION].unique().sort().to_list()
    for region in regions:
        here = pl.col(REGION) == region
        before = [e for e in editions if e.cells.filter(here).height]
        verdict, rows = _judge(
            cells.filter(here), persons.filter(here), before, region, shape
        )
        told[region] = verdict
        if verdict == ANEW:
            changed.append(rows)
    published = ledger.published()
    anew = pl.concat(changed) if changed else cells.clear()
    together = anew
    if published is not None:
        for region in published[REGION].unique():
            told.setdefault(region, HOLD)
        kept = published.filter(~pl.col(REGION).is_in(anew[REGION].unique().to_list()))
        together = pl.concat([kept.select(cells.columns), anew])
    verdicts = list(told.values())
    return Settled(
        cells=together.drop(REGION, CELL).sort(tables.columns, nulls_last=True),
        changed=anew,
        persons=persons.join(anew.select(REGION).unique(), on=REGION, how="semi"),
        report={
            "regions_released_anew": verdicts.count(ANEW),
            "regions_unchanged": verdicts.count(SAME),
            "regions_held_back": verdicts.count(HOLD),
        },
    )


def _persons(units: pl.DataFrame, shape: Shape, salt: str) -> pl.DataFrame:
    rows = units.filter(pl.col(VALUE).is_not_null())
    who = hashed([pl.lit(salt), pl.col("_unit_of").cast(pl.String)], SUBJECT_HEX)
    labelled = rows.with_columns(
        pl.col(s).cast(pl.String).fill_null(ABSENT_CATEGORY) for s in shape.sides
    )
    return (
        labelled.with_columns(
            named(rows, shape.apart).alias(REGION),
            named(labelled, shape.sides).alias(CELL),
            who.alias(SUBJECT),
        )
        .group_by(REGION, CELL, SUBJECT)
        .agg(pl.col(VALUE).sum().cast(pl.Float64))
    )


def _judge(
    cells: pl.DataFrame,
    persons: pl.DataFrame,
    before: Sequence[Edition],
    region: str,
    shape: Shape,
) -> tuple[str, pl.DataFrame]:
    """What becomes of a table; its cells, with what was secret before secret still."""
    here = pl.col(REGION) == region
    verdict, hidden = ANEW, _secret(cells, shape)
    for edition in before:
        # What was secret once stays so: shown later, it would tell what it hid.
        hidden |= _secret(edition.cells.filter(here), shape)
    for edition in before:
        if edition.persons is None:
            return HOLD, cells
        changes = _changes(edition.persons.filter(here), persons)
        if changes.is_empty():
            verdict = SAME
            continue
        verdict = ANEW
        if not _may_be_told(changes, hidden, shape):
            return HOLD, cells
    if verdict == SAME:
        return SAME, cells
    is_hidden = pl.col(CELL).is_in(sorted(hidden))
    state = f"{shape.amount}_state"
    covered = cells.with_columns(
        pl.when(~is_hidden).then(pl.col(shape.amount)).alias(shape.amount),
        pl.when(is_hidden)
        .then(pl.lit(str(State.SECRET)))
        .otherwise(pl.col(state))
        .alias(state),
    )
    table = _table(persons, shape)
    if before and attack(table, _flags(table, hidden, shape), shape.rule):
        return HOLD, cells
    return verdict, covered


def _secret(cells: pl.DataFrame, shape: Shape) -> set[str]:
    is_secret = pl.col(f"{shape.amount}_state") == str(State.SECRET)
    return set(cells.filter(is_secret)[CELL])


def _changes(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """What each firm brings to each cell more or less than it did."""
    both = before.select(CELL, SUBJECT, pl.col(VALUE).alias(_BEFORE)).join(
        now.select(CELL, SUBJECT, VALUE), on=[CELL, SUBJECT], how="full", coalesce=True
    )
    change = pl.col(VALUE).fill_null(0.0) - pl.col(_BEFORE).fill_null(0.0)
    return both.select(CELL, SUBJECT, change.alias(VALUE)).filter(
        pl.col(VALUE).abs() > _TINY
    )


def _may_be_told(changes: pl.DataFrame, hidden: set[str], shape: Shape) -> bool:
    """Whether the table of what changed keeps to the rule."""
    sizes = changes.with_columns(pl.col(VALUE).abs())
    table = _table(sizes, shape)
    if (changes[VALUE] < 0).any() and primary_cells(table, shape.rule).any():
        # What comes and what goes may make up for each other in a sum: no attack on
        # sizes would see it.
        return False
    return not attack(table, _flags(table, hidden, shape), shape.rule)


def _table(persons: pl.DataFrame, shape: Shape) -> CellTable:
    parts = pl.col(CELL).str.split(SEPARATOR)
    rows = persons.select(
        *(parts.list.get(n).alias(side) for n, side in enumerate(shape.sides)),
        pl.col(SUBJECT).alias(UNIT),
        VALUE,
    )
    return cell_table(rows, list(shape.sides), unit=UNIT, value=VALUE)


def _flags(table: CellTable, hidden: set[str], shape: Shape) -> Flags:
    keys = table.cells.select(named(table.cells, shape.sides)).to_series()
    return np.array([key in hidden for key in keys], dtype=np.bool_)
