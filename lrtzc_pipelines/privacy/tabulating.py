"""The tables of cells that go on of a source, protected together.

All tables of the source are one system, with those of linked sources that were released
before: what is public there is given, and so is what is secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_sums import Flags
from lrtzc_pipelines.privacy.cell_suppression import (
    CellRule,
    Given,
    Suppressed,
    suppress,
)
from lrtzc_pipelines.privacy.cell_tables import (
    TOTAL,
    UNIT,
    VALUE,
    CellTable,
    Side,
    Tables,
    joint_table,
)
from lrtzc_pipelines.privacy.released import Released
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.columns import State
from lrtzc_pipelines.sources.spec import SourceSpec

Key = tuple[str, ...]
"""Values that tables are separated by."""

Beside = tuple[Released, pl.DataFrame, pl.DataFrame | None]
"""A linked source, what is taken of its rows, and what was written of them."""

_ALL = "all"
"""Grain of a margin."""

_STATE = "_state"


def tabulated(
    spec: SourceSpec,
    policy: CellProtection,
    frame: pl.DataFrame,
    released: Sequence[Released] = (),
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The tables of a source, and what protecting them cost.

    Args:
        spec: The source.
        policy: Its protection.
        frame: Its validated rows.
        released: Linked sources that went on before.

    Raises:
        LrtzcError: no pattern protects them, beside what was released before.
    """
    others = [
        (
            each,
            _separated(
                each.policy, _taken(pl.read_parquet(each.validated), each.policy)
            ),
            _separated(each.policy, pl.read_parquet(each.written)),
        )
        for each in released
    ]
    made, totals = [], dict.fromkeys(("cells", "primary", "secondary"), 0)
    for key, rows in _separated(policy, _taken(frame, policy)).items():
        beside = [(each, r[key], w.get(key)) for each, r, w in others if key in r]
        table, done = _protected(spec, policy, rows, beside)
        made.append(_written(table, done, policy, rows))
        own = table.sources[0].members
        totals["cells"] += int(own.sum())
        totals["primary"] += int((done.primary & own).sum())
        totals["secondary"] += int((done.secondary & own).sum())
    types = {column.name: TYPES[column.type] for column in spec.published_columns}
    hidden = totals["primary"] + totals["secondary"]
    share = hidden / totals["cells"] if hidden else 0.0
    return pl.concat(made) if made else pl.DataFrame(schema=types), {
        **totals,
        "suppressed_share": round(share, 6),
        "beside": [each.spec.id for each in released],
    }


def _protected(
    spec: SourceSpec,
    policy: CellProtection,
    rows: pl.DataFrame,
    beside: Sequence[Beside],
) -> tuple[CellTable, Suppressed]:
    """The tables of some rows and of what is beside them; which cells are left out.

    Raises:
        LrtzcError: no pattern protects them.
    """
    rule = CellRule(
        policy.min_units, policy.dominance, policy.protection, policy.source
    )
    linked = [_tables(each.policy, theirs) for each, theirs, _ in beside]
    try:
        table = joint_table([_tables(policy, rows), *linked])
        return table, suppress(table, rule, _given(table, beside))
    except LrtzcError as error:
        names = "".join(f", beside {each.spec.id}" for each, _, _ in beside)
        msg = f"{spec.label}{names}: {error}"
        raise LrtzcError(msg) from error


def _level(name: str, place: int) -> str:
    return f"{name} {place}"


def _taken(frame: pl.DataFrame, policy: CellProtection) -> pl.DataFrame:
    """What is taken of the rows: a column for each take of each dimension."""
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


def _separated(policy: CellProtection, frame: pl.DataFrame) -> dict[Key, pl.DataFrame]:
    """Rows by what separates tables, in its order."""
    if not policy.separate_by:
        return {(): frame}
    parts = frame.partition_by(policy.separate_by, as_dict=True)
    return dict(sorted((tuple(map(str, key)), rows) for key, rows in parts.items()))


def _tables(policy: CellProtection, rows: pl.DataFrame) -> Tables:
    sides = tuple(
        Side(name, tuple(_level(name, n) for n in range(len(policy.takes[name]))))
        for name in policy.sides
    )
    return Tables(rows, sides, policy.finest)


def _given(table: CellTable, beside: Sequence[Beside]) -> Given:
    """What linked sources have published of a table.

    Raises:
        LrtzcError: one has not published what its rows are.
    """
    shown = np.zeros(table.count, dtype=bool)
    hidden = shown.copy()
    for source, (each, _, written) in zip(table.sources[1:], beside, strict=True):
        member = source.members
        states = _states(table, member, each.policy, written)
        if states.null_count():
            msg = f"{each.spec.label}: what it published is not of its rows: redo it"
            raise LrtzcError(msg)
        secret = (states == str(State.SECRET)).to_numpy()
        hidden[np.flatnonzero(member)[secret]] = True
        shown[np.flatnonzero(member)[~secret]] = True
    # What one of them shows is public, whatever another one holds back.
    return Given(shown, hidden & ~shown)


def _states(
    table: CellTable,
    member: Flags,
    policy: CellProtection,
    written: pl.DataFrame | None,
) -> pl.Series:
    """The published state of each cell that a linked source has; null if absent."""
    cells = table.cells.filter(pl.Series(member))
    if written is None:
        return pl.Series([None] * cells.height, dtype=pl.String)
    levels = [_level_of(name, policy.takes[name]) for name in policy.sides]
    state = pl.col(f"{policy.measure.name}_state").alias(_STATE)
    known = written.select(*policy.sides, *levels, state)
    keys = [*policy.sides, *(f"{name}_level" for name in policy.sides)]
    return cells.join(known, on=keys, how="left", maintain_order="left")[_STATE]


def _level_of(name: str, takes: Sequence[str]) -> pl.Expr:
    """The place of the take that a written cell is told by."""
    places: Mapping[str, int] = {what: n for n, what in enumerate((*takes, _ALL))}
    if len(takes) > 1:
        level = pl.col(f"{name}_grain").replace_strict(places, return_dtype=pl.Int64)
    else:
        level = (pl.col(name) == TOTAL).cast(pl.Int64)
    return level.alias(f"{name}_level")


def _written(
    table: CellTable, done: Suppressed, policy: CellProtection, rows: pl.DataFrame
) -> pl.DataFrame:
    """The cells of a source as they go on; values of secret ones stay behind."""
    name, secret = policy.measure.name, pl.col(_STATE) == str(State.SECRET)
    states = np.where(done.all, str(State.SECRET), str(State.OBSERVED))
    grains = [
        pl.col(f"{side}_level")
        .replace_strict(dict(enumerate((*policy.takes[side], _ALL))))
        .alias(f"{side}_grain")
        for side in policy.sides
        if len(policy.takes[side]) > 1
    ]
    return (
        table.cells.with_columns(
            pl.Series(_STATE, states), pl.Series(VALUE, table.values)
        )
        .filter(pl.Series(table.sources[0].members))
        .select(
            *(pl.lit(rows[n][0], rows.schema[n]).alias(n) for n in policy.separate_by),
            *policy.sides,
            *grains,
            pl.when(~secret).then(VALUE).alias(name),
            pl.col(_STATE).alias(f"{name}_state"),
        )
    )
