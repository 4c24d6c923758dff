"""What may change of what was released: nothing that a few persons' data explain.

A region is what cells of different grains can be made of. It goes on anew only if every
difference that anyone can make of its releases, by subtracting cells or sums of cells,
is of enough persons; otherwise it stays as it was released, until more have changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from lrtzc_pipelines.privacy.contributions import (
    CELL,
    DIGEST,
    REGION,
    ROWS,
    SUBJECT,
)
from lrtzc_pipelines.privacy.ledger import Edition, Ledger

_KEYS = [REGION, CELL]
_BEFORE = "_before"
_VERDICT = "_verdict"
HOLD, SAME, ANEW = "hold", "same", "anew"


@dataclass(frozen=True)
class ChangeRule:
    """When a difference between releases tells of nobody.

    Attributes:
        min_subjects: Fewest persons whose data changed in a cell that changed.
        max_share: Largest share that one of them may have of the change of a sum.
        sums: Names of the measures that add up.
        rows: Whether cells are rows, which show what changed one by one.
    """

    min_subjects: int
    max_share: float = 1.0
    sums: Sequence[str] = ()
    rows: bool = False


@dataclass(frozen=True)
class Settled:
    """What goes on, and what the ledger has to write down for it.

    Attributes:
        cells: Every cell that goes on, without what is internal.
        changed: Cells of the regions that are new or changed, with what is internal.
        persons: Contributions to those.
        report: How many regions are new or changed, the same, or held back.
    """

    cells: pl.DataFrame
    changed: pl.DataFrame
    persons: pl.DataFrame
    report: dict[str, int]


def settle(
    cells: pl.DataFrame, persons: pl.DataFrame, ledger: Ledger, rule: ChangeRule
) -> Settled:
    """What of some cells may go on, after what went on before.

    Args:
        cells: Cells that would be released, with `_region` and `_cell`.
        persons: Contributions to them.
        ledger: What was released before.
        rule: What a difference must keep to.
    """
    editions = ledger.editions()
    found = verdicts(cells, persons, editions, rule)
    if rule.rows:
        thin = pl.col(REGION).is_in(_thin(cells, editions, rule.min_subjects))
        found = found.with_columns(
            pl.when(thin & (pl.col(_VERDICT) == ANEW))
            .then(pl.lit(HOLD))
            .otherwise(pl.col(_VERDICT))
            .alias(_VERDICT)
        )
    anew = found.filter(pl.col(_VERDICT) == ANEW)
    changed = cells.join(anew, on=REGION, how="semi")
    published = ledger.published()
    together = changed
    if published is not None:
        # What did not change keeps its very values: those of a second sum may differ
        # in the last digit.
        kept = published.join(anew, on=REGION, how="anti").select(cells.columns)
        together = pl.concat([kept, changed])
    counted = dict(found.group_by(_VERDICT).len().iter_rows())
    names = [name for name in cells.columns if name not in _KEYS]
    return Settled(
        cells=together.select(names).sort(names, nulls_last=True),
        changed=changed,
        persons=persons.join(anew, on=REGION, how="semi"),
        report={
            "regions_released_anew": counted.get(ANEW, 0),
            "regions_unchanged": counted.get(SAME, 0),
            "regions_held_back": counted.get(HOLD, 0),
        },
    )


def verdicts(
    cells: pl.DataFrame,
    persons: pl.DataFrame,
    editions: Sequence[Edition],
    rule: ChangeRule,
) -> pl.DataFrame:
    """What becomes of each region: `_region`, `_verdict`.

    Args:
        cells: Cells that would be released, with `_region` and `_cell`.
        persons: Contributions to them.
        editions: What was released before, from the first.
        rule: What a difference must keep to.

    Returns:
        `anew`: it may be released as it is now; `same`: nothing changed since it last
        was; `hold`: it stays as it last was. Every region of either is named.
    """
    found = cells.select(REGION).unique().with_columns(pl.lit(ANEW).alias(_VERDICT))
    for edition in editions:
        judged = _against(cells, persons, edition, rule)
        found = (
            found.join(
                judged.rename({_VERDICT: _BEFORE}),
                on=REGION,
                how="full",
                coalesce=True,
                nulls_equal=True,
            )
            # What one release holds back, no other lets go; the last one's "same"
            # stands for what is released now.
            .with_columns(
                pl.when((pl.col(_VERDICT) == HOLD) | (pl.col(_BEFORE) == HOLD))
                .then(pl.lit(HOLD))
                .otherwise(pl.coalesce(_BEFORE, _VERDICT))
                .alias(_VERDICT)
            )
            .drop(_BEFORE)
        )
    return found


def _against(
    cells: pl.DataFrame, persons: pl.DataFrame, edition: Edition, rule: ChangeRule
) -> pl.DataFrame:
    """What one earlier release says of the regions that it had."""
    known = edition.cells.select(REGION).unique()
    if edition.persons is None:
        # Nobody knows any more who was in it.
        return known.with_columns(pl.lit(HOLD).alias(_VERDICT))
    now = persons.join(known, on=REGION, how="semi", nulls_equal=True)
    changes = _changes(edition.persons, now)
    keys = _keys_of(edition.cells, cells.join(known, on=REGION, how="semi"))
    changed = _changed_cells(changes, rule)
    told = keys.join(changed, on=_KEYS, how="left").with_columns(
        pl.col("_changed").fill_null(0), pl.col("_passes").fill_null(value=True)
    )
    one = told.group_by(REGION).agg(
        pl.col("_was").all().alias("no_new"),
        pl.col("_is").all().alias("no_lost"),
        (pl.col("_changed").filter(pl.col("_was")).sum() == 0).alias("old_as_was"),
        pl.col("_passes").all().alias("all_pass"),
    )
    same = pl.col("no_new") & pl.col("no_lost") & pl.col("old_as_was")
    # Cells of rows that were never released, beside cells that stay.
    grown = pl.col("no_lost") & pl.col("old_as_was")
    revised = pl.col("no_new") & pl.col("no_lost") & pl.col("all_pass")
    return one.select(
        REGION,
        pl.when(same)
        .then(pl.lit(SAME))
        .when(grown | revised)
        .then(pl.lit(ANEW))
        .otherwise(pl.lit(HOLD))
        .alias(_VERDICT),
    )


def _thin(rows: pl.DataFrame, editions: Sequence[Edition], least: int) -> list[str]:
    """Classes where fewer rows than that are seen to change, whoever changed."""
    found: set[str] = set()
    for edition in editions:
        sides = [
            frame.select(rows.columns).with_columns(pl.lit(sign).alias("_side"))
            for frame, sign in ((rows, 1), (edition.cells, -1))
        ]
        seen = (
            pl.concat(sides)
            .group_by(rows.columns)
            .agg(pl.col("_side").sum().abs())
            .group_by(REGION)
            .agg(pl.col("_side").sum())
            .filter(pl.col("_side").is_between(1, least - 1))
        )
        found |= set(seen[REGION]) & set(edition.cells[REGION])
    return sorted(found)


def _keys_of(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Every cell of either, with whether it was and whether it is."""
    was = before.select(*_KEYS, pl.lit(value=True).alias("_was")).unique()
    is_now = now.select(*_KEYS, pl.lit(value=True).alias("_is")).unique()
    return was.join(is_now, on=_KEYS, how="full", coalesce=True).with_columns(
        pl.col("_was", "_is").fill_null(value=False)
    )


def _changes(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Persons of cells whose contribution is another now, with what they lost."""
    both = before.join(
        now, on=[*_KEYS, SUBJECT], how="full", coalesce=True, suffix="_now"
    )
    is_other = pl.col(DIGEST).ne_missing(pl.col(f"{DIGEST}_now"))
    changed = both.filter(is_other)
    gained = pl.col(f"{ROWS}_now").fill_null(0) > pl.col(ROWS).fill_null(0)
    # Only who gained rows and lost none cannot have moved from one cell to another.
    return changed.with_columns((~gained).alias("_lost"))


def _changed_cells(changes: pl.DataFrame, rule: ChangeRule) -> pl.DataFrame:
    """Cells that changed, by how many persons, and whether that tells of nobody."""
    if changes["_lost"].any():
        # Rows may have moved between cells, and then vanish from the sum of both: only
        # persons who changed nowhere else are sure to remain in every difference.
        alone = pl.len().over(SUBJECT) == 1
    else:
        alone = pl.lit(value=True)
    shares = []
    for name in rule.sums:
        change = pl.col(f"{name}_now").fill_null(0.0) - pl.col(name).fill_null(0.0)
        shares.append(change.abs().alias(f"_change_{name}"))
    counted = (
        changes.with_columns(alone.alias("_alone"), *shares)
        .group_by(_KEYS)
        .agg(
            pl.len().alias("_changed"),
            pl.col("_alone").sum().alias("_sure"),
            *(
                (
                    pl.col(f"_change_{name}").max()
                    > rule.max_share * pl.col(f"_change_{name}").sum()
                ).alias(f"_dominated_{name}")
                for name in rule.sums
            ),
        )
    )
    passes = pl.col("_sure") >= rule.min_subjects
    for name in rule.sums:
        passes &= ~pl.col(f"_dominated_{name}")
    return counted.select(*_KEYS, "_changed", passes.alias("_passes"))
