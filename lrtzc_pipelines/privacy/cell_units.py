"""What each firm contributes to the tables of a source."""

from __future__ import annotations

import polars as pl

from lrtzc_pipelines.privacy.cell_suppression import CellRule
from lrtzc_pipelines.privacy.cell_tables import UNIT, VALUE, Side, Tables
from lrtzc_pipelines.privacy.contributions import named
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.cell_protection import CellProtection

ALL = "all"
"""Grain of a margin."""


def level_columns(policy: CellProtection) -> list[str]:
    """Names of the columns of what is taken of each side, finest first."""
    return [
        _level(name, place)
        for name in policy.sides
        for place in range(len(policy.takes[name]))
    ]


def unit_rows(frame: pl.DataFrame, policy: CellProtection) -> pl.DataFrame:
    """What each firm brings: a column for each take of each dimension.

    Args:
        frame: Validated rows, with the points of the policy.
        policy: How they are tabulated.

    Returns:
        The dimensions that tables are separated by, the `level_columns`, `UNIT` and
        `VALUE`.
    """
    return frame.select(
        *(
            take(d.column, frame.schema[d.column], what).alias(
                d.name if d.name in policy.separate_by else _level(d.name, place)
            )
            for d in policy.dimensions
            for place, what in enumerate(policy.takes[d.name])
        ),
        pl.col(policy.subject).alias(UNIT),
        pl.col(str(policy.measure.column)).alias(VALUE),
    )


def by_region(frame: pl.DataFrame, policy: CellProtection) -> dict[str, pl.DataFrame]:
    """Rows or cells by the name of what separates tables, in its order."""
    names = named(frame, policy.separate_by)
    parts = frame.with_columns(names.alias(UNIT + "_of")).partition_by(
        UNIT + "_of", as_dict=True, include_key=False
    )
    return dict(sorted((str(key[0]), rows) for key, rows in parts.items()))


def tables_of(policy: CellProtection, rows: pl.DataFrame) -> Tables:
    """The tables that are made of some `unit_rows`."""
    sides = tuple(
        Side(name, tuple(_level(name, n) for n in range(len(policy.takes[name]))))
        for name in policy.sides
    )
    return Tables(rows, sides, policy.finest)


def grains_of(policy: CellProtection) -> list[pl.Expr]:
    """The published grain of each side that has several, of cells with their levels."""
    return [
        pl.col(f"{side}_level")
        .replace_strict(dict(enumerate((*policy.takes[side], ALL))))
        .alias(f"{side}_grain")
        for side in policy.sides
        if len(policy.takes[side]) > 1
    ]


def cell_columns(policy: CellProtection) -> list[str]:
    """Published columns that tell a cell from the others of its region."""
    graded = [f"{n}_grain" for n in policy.sides if len(policy.takes[n]) > 1]
    return [*policy.sides, *graded]


def rule_of(policy: CellProtection) -> CellRule:
    """When a cell of a policy's tables may be published."""
    return CellRule(
        policy.min_units, policy.dominance, policy.protection, policy.source
    )


def _level(name: str, place: int) -> str:
    return f"{name} {place}"
