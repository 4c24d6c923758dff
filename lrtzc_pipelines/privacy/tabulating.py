"""The tables of cells that go on of a source, protected together.

All tables of the source are one system, with those of linked sources that were released
before: what is public there is given, and so is what is secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_suppression import Given, Suppressed, suppress
from lrtzc_pipelines.privacy.cell_tables import VALUE, CellTable, joint_table
from lrtzc_pipelines.privacy.cell_units import (
    by_region,
    cell_columns,
    grains_of,
    rule_of,
    tables_of,
    unit_rows,
)
from lrtzc_pipelines.privacy.contributions import REGION
from lrtzc_pipelines.privacy.released import Released
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.columns import State
from lrtzc_pipelines.sources.spec import SourceSpec

_STATE = "_state"


@dataclass(frozen=True)
class _Beside:
    """A linked source in one region: its rows, and what was written of them."""

    released: Released
    rows: pl.DataFrame
    cells: pl.DataFrame


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
        frame: Its validated rows, with the points of the policy.
        released: Linked sources that went on before.

    Raises:
        LrtzcError: no pattern protects them, beside what was released before.
    """
    others = [(each, by_region(each.units, each.policy)) for each in released]
    made, waiting = [], 0
    totals = dict.fromkeys(("cells", "primary", "secondary"), 0)
    for region, rows in by_region(unit_rows(frame, policy), policy).items():
        if any(region in each.changed for each in released):
            # Nobody can tell any more what of it is public in the other source.
            waiting += 1
            continue
        beside = [
            _Beside(each, theirs[region], _cells(each, region))
            for each, theirs in others
            if each.cells.filter(pl.col(REGION) == region).height
        ]
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
        "regions_waiting_for_linked": waiting,
    }


def _cells(released: Released, region: str) -> pl.DataFrame:
    return released.cells.filter(pl.col(REGION) == region)


def _protected(
    spec: SourceSpec,
    policy: CellProtection,
    rows: pl.DataFrame,
    beside: Sequence[_Beside],
) -> tuple[CellTable, Suppressed]:
    """The tables of some rows and of what is beside them; which cells are left out.

    Raises:
        LrtzcError: no pattern protects them.
    """
    linked = [tables_of(each.released.policy, each.rows) for each in beside]
    try:
        table = joint_table([tables_of(policy, rows), *linked])
        return table, suppress(table, rule_of(policy), _given(table, beside))
    except LrtzcError as error:
        names = "".join(f", beside {each.released.spec.id}" for each in beside)
        msg = f"{spec.label}{names}: {error}"
        raise LrtzcError(msg) from error


def _given(table: CellTable, beside: Sequence[_Beside]) -> Given:
    """What linked sources have published of a table.

    Raises:
        LrtzcError: one has not published what its rows are.
    """
    shown = np.zeros(table.count, dtype=bool)
    hidden = shown.copy()
    for source, each in zip(table.sources[1:], beside, strict=True):
        states = _states(table.cells.filter(pl.Series(source.members)), each)
        if states.null_count():
            name = each.released.spec.label
            msg = f"{name}: what it published is not of its rows: redo it"
            raise LrtzcError(msg)
        secret = (states == str(State.SECRET)).to_numpy()
        hidden[np.flatnonzero(source.members)[secret]] = True
        shown[np.flatnonzero(source.members)[~secret]] = True
    # What one of them shows is public, whatever another one holds back.
    return Given(shown, hidden & ~shown)


def _states(cells: pl.DataFrame, beside: _Beside) -> pl.Series:
    """The published state of some cells of a linked source; null if absent."""
    policy = beside.released.policy
    told, keys = cells.with_columns(grains_of(policy)), cell_columns(policy)
    state = pl.col(f"{policy.measure.name}_state").alias(_STATE)
    known = beside.cells.select(*keys, state)
    return told.join(known, on=keys, how="left", maintain_order="left")[_STATE]


def _written(
    table: CellTable, done: Suppressed, policy: CellProtection, rows: pl.DataFrame
) -> pl.DataFrame:
    """The cells of a source as they go on; values of secret ones stay behind."""
    name, secret = policy.measure.name, pl.col(_STATE) == str(State.SECRET)
    states = np.where(done.all, str(State.SECRET), str(State.OBSERVED))
    return (
        table.cells.with_columns(
            *grains_of(policy),
            pl.Series(_STATE, states),
            pl.Series(VALUE, table.values),
        )
        .filter(pl.Series(table.sources[0].members))
        .select(
            *(pl.lit(rows[n][0], rows.schema[n]).alias(n) for n in policy.separate_by),
            *cell_columns(policy),
            pl.when(~secret).then(VALUE).alias(name),
            pl.col(_STATE).alias(f"{name}_state"),
        )
    )
