"""Tables of firms that follow each other: their difference is a table, too.

Who subtracts a table from the one that replaces it has a table of what changed. It has
to keep to the rule of the tables themselves: no shown change of too few firms, or that
one of them makes up, and no hidden one that can be worked out. Otherwise the tables
stay as they were released; those of linked sources always do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl

from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_sums import Flags
from lrtzc_pipelines.privacy.cell_tables import (
    ABSENT,
    UNIT,
    VALUE,
    CellTable,
    joint_table,
)
from lrtzc_pipelines.privacy.cell_units import (
    cell_columns,
    grains_of,
    level_columns,
    rule_of,
    tables_of,
)
from lrtzc_pipelines.privacy.contributions import (
    CELL,
    REGION,
    SUBJECT,
    SUBJECT_HEX,
    hashed,
    named,
)
from lrtzc_pipelines.privacy.ledger import Edition, Ledger
from lrtzc_pipelines.privacy.republishing import ANEW, HOLD, SAME, Settled
from lrtzc_pipelines.privacy.taking import LOCAL_ZONE
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.columns import State
from lrtzc_pipelines.sources.takes import is_duration

_TINY = 1e-9


def settle_tables(
    units: pl.DataFrame,
    tables: pl.DataFrame,
    policy: CellProtection,
    ledger: Ledger,
    now: datetime,
) -> Settled:
    """Which tables may be released anew, and which stay as they were.

    Args:
        units: What each firm contributes, as `unit_rows` gives it.
        tables: Cells that would be released.
        policy: How they are made.
        ledger: What was released before.
        now: When; tables of linked sources wait until their period is over.
    """
    cells = tables.with_columns(
        named(tables, policy.separate_by).alias(REGION),
        named(tables, cell_columns(policy)).alias(CELL),
    )
    persons = _persons(units, policy, ledger.salt)
    editions = ledger.editions()
    told: dict[str, str] = {}
    changed = []
    for region in cells[REGION].unique().sort().to_list():
        here = pl.col(REGION) == region
        before = [e for e in editions if e.cells.filter(here).height]
        if (
            policy.linked
            and not before
            and not _is_over(cells.filter(here), policy, now)
        ):
            told[region] = HOLD
            continue
        verdict, rows = _judge(
            cells.filter(here), persons.filter(here), before, region, policy
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


def changed_regions(
    units: pl.DataFrame, policy: CellProtection, ledger: Ledger
) -> frozenset[str]:
    """Regions that were released of other rows than there are now.

    Args:
        units: What each firm contributes now, as `unit_rows` gives it.
        policy: How it is tabulated.
        ledger: What was released; where nobody knows any more of whom, it changed.
    """
    persons = _persons(units, policy, ledger.salt)
    last: dict[str, Edition] = {}
    for edition in ledger.editions():
        last |= dict.fromkeys(edition.cells[REGION].unique(), edition)
    return frozenset(
        region
        for region, edition in last.items()
        if edition.persons is None
        or _changes(
            edition.persons.filter(pl.col(REGION) == region),
            persons.filter(pl.col(REGION) == region),
            policy,
        ).height
    )


def _persons(units: pl.DataFrame, policy: CellProtection, salt: str) -> pl.DataFrame:
    """What each firm contributes, as finely as any table tells it."""
    rows = units.filter(pl.col(VALUE).is_not_null())
    who = hashed([pl.lit(salt), pl.col(UNIT).cast(pl.String)], SUBJECT_HEX)
    levels = level_columns(policy)
    return (
        rows.with_columns(
            *(pl.col(level).cast(pl.String).fill_null(ABSENT) for level in levels),
            named(rows, policy.separate_by).alias(REGION),
            who.alias(SUBJECT),
        )
        .group_by(REGION, *levels, SUBJECT)
        .agg(pl.col(VALUE).sum().cast(pl.Float64))
    )


def _is_over(cells: pl.DataFrame, policy: CellProtection, now: datetime) -> bool:
    """Whether the periods that a region's tables are separated by have ended."""
    today = pl.lit(now).dt.convert_time_zone(LOCAL_ZONE).dt.date()
    for name in policy.separate_by:
        take = policy.takes[name][0]
        if is_duration(take):
            start = pl.col(name)
            if isinstance(cells.schema[name], pl.Datetime):
                start = start.dt.convert_time_zone(LOCAL_ZONE).dt.date()
            if cells.select((start.dt.offset_by(take) > today).any()).item():
                return False
    return True


def _judge(
    cells: pl.DataFrame,
    persons: pl.DataFrame,
    before: Sequence[Edition],
    region: str,
    policy: CellProtection,
) -> tuple[str, pl.DataFrame]:
    """What becomes of a region; its cells, with what was secret before secret still."""
    here = pl.col(REGION) == region
    # What was secret once stays so: shown later, it would tell what it hid.
    once = (_secret(edition.cells.filter(here), policy) for edition in before)
    verdict, hidden = ANEW, _secret(cells, policy).union(*once)
    for edition in before:
        if edition.persons is None:
            return HOLD, cells
        changes = _changes(edition.persons.filter(here), persons, policy)
        if changes.is_empty():
            verdict = SAME
            continue
        verdict = ANEW
        # Linked sources tell the same totals: what one changed, the other shows as
        # it was.
        if policy.linked or not _may_be_told(changes, hidden, policy):
            return HOLD, cells
    if verdict == SAME:
        return SAME, cells
    if before:
        table = _table(persons, policy)
        if attack(table, _flags(table, hidden, policy), rule_of(policy)):
            return HOLD, cells
    return verdict, _covered(cells, hidden, policy)


def _covered(
    cells: pl.DataFrame, hidden: set[str], policy: CellProtection
) -> pl.DataFrame:
    """Cells without the values of those that are secret."""
    is_hidden = pl.col(CELL).is_in(sorted(hidden))
    amount, state = policy.measure.name, f"{policy.measure.name}_state"
    return cells.with_columns(
        pl.when(~is_hidden).then(pl.col(amount)).alias(amount),
        pl.when(is_hidden)
        .then(pl.lit(str(State.SECRET)))
        .otherwise(pl.col(state))
        .alias(state),
    )


def _secret(cells: pl.DataFrame, policy: CellProtection) -> set[str]:
    is_secret = pl.col(f"{policy.measure.name}_state") == str(State.SECRET)
    return set(cells.filter(is_secret)[CELL])


def _changes(
    before: pl.DataFrame, now: pl.DataFrame, policy: CellProtection
) -> pl.DataFrame:
    """What each firm brings more or less than it did, as finely as it is told."""
    keys = [*level_columns(policy), SUBJECT]
    was = before.select(*keys, -pl.col(VALUE))
    return (
        pl.concat([now.select(*keys, VALUE), was])
        .group_by(keys)
        .agg(pl.col(VALUE).sum())
        .filter(pl.col(VALUE).abs() > _TINY)
    )


def _may_be_told(
    changes: pl.DataFrame, hidden: set[str], policy: CellProtection
) -> bool:
    """Whether the tables of what changed keep to the rule."""
    if (changes[VALUE] > 0).all() or (changes[VALUE] < 0).all():
        table = _table(changes.with_columns(pl.col(VALUE).abs()), policy)
        return not attack(table, _flags(table, hidden, policy), rule_of(policy))
    return all(_adds_up_to_many(changes, finest, policy) for finest in policy.finest)


def _adds_up_to_many(
    changes: pl.DataFrame, finest: Mapping[str, int], policy: CellProtection
) -> bool:
    """Whether what changed in any cells of a table, taken together, is of enough firms.

    What comes and what goes may make up for each other in a sum. A firm whose changes
    all go one way stays in each sum that has a cell of it; so, if these are enough in
    every cell, and no firm is too much beside them, the same holds of every sum.
    """
    rule = rule_of(policy)
    tables = tables_of(policy, changes)
    cell = [
        side.levels[finest[side.name]] for side in tables.sides if side.name in finest
    ]
    size = pl.col(VALUE).abs()
    is_sure = (pl.col(VALUE) > 0).all() | (pl.col(VALUE) < 0).all()
    counted = (
        changes.group_by(*cell, SUBJECT)
        .agg(pl.col(VALUE).sum())
        .filter(size > _TINY)
        .with_columns(is_sure.over(SUBJECT).alias("sure"))
        .group_by(cell)
        .agg(
            pl.col("sure").sum().alias("count"),
            size.filter("sure").sum().alias("total"),
            size.max().alias("largest"),
        )
    )
    passes = (pl.col("count") >= rule.min_units) & (
        pl.col("largest") <= rule.dominance * pl.col("total") + _TINY
    )
    return bool(counted.select(passes.all()).item())


def _table(persons: pl.DataFrame, policy: CellProtection) -> CellTable:
    return joint_table([tables_of(policy, persons.rename({SUBJECT: UNIT}))])


def _flags(table: CellTable, hidden: set[str], policy: CellProtection) -> Flags:
    told = table.cells.with_columns(grains_of(policy))
    keys = told.select(named(told, cell_columns(policy))).to_series()
    return np.array([key in hidden for key in keys], dtype=np.bool_)
