"""What a reader of a published table can work out, by trying to.

Nothing here knows how cells were chosen: it is the attacker's side, and shares no code
with what protects. An attacker has the published cells, knows what adds up to what and
that no quantity is negative; a unit knows its own contribution besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from lrtzc_pipelines.privacy.cell_suppression import CellRule
from lrtzc_pipelines.privacy.cell_tables import CELL, TOTAL, CellTable, Flags

_NEAR = 1e-6
_FEASIBLE, _UNBOUNDED = 0, 3
Attack = Literal["published", "sums", "unit", "union"]


@dataclass(frozen=True)
class Breach:
    """A cell that an attack reaches.

    Attributes:
        attack: How: the cell stands there, what adds up gives it, a unit's knowledge
            gives it, or the suppressed cells of a sum together are one.
        cell: The cell, or the total of the sum.
        low: Least that the attacker finds possible.
        high: Most that the attacker finds possible.
    """

    attack: Attack
    cell: int
    low: float
    high: float


def attack(table: CellTable, suppressed: Flags, rule: CellRule) -> list[Breach]:
    """Every breach of a table that is published without its suppressed cells.

    Args:
        table: The truth.
        suppressed: Cells that are left out.
        rule: What is forbidden.
    """
    forbidden = [
        cell
        for cell in range(table.count)
        if rule.forbids(
            int(table.units[cell]),
            float(table.values[cell]),
            float(table.largest[cell]),
        )
    ]
    open_cells = [cell for cell in forbidden if not suppressed[cell]]
    found = [
        Breach("published", cell, *(float(table.values[cell]),) * 2)
        for cell in open_cells
    ]
    attacker = _Attacker(table, suppressed)
    # A unit that is alone in a margin is alone in a cell of it.
    inner = set(table.contributions[CELL].to_list())
    singles = [c for c in inner if suppressed[c] and table.units[c] == 1]
    for cell in forbidden:
        if suppressed[cell]:
            others = [s for s in singles if not _is_inside(table, int(s), cell)]
            found += _worked_out(attacker, table, cell, others, rule)
    return found + _unions(table, suppressed, rule)


def _worked_out(
    attacker: _Attacker,
    table: CellTable,
    cell: int,
    others: Sequence[int],
    rule: CellRule,
) -> list[Breach]:
    """Breaches of a cell by what adds up, and by a unit alone in a cell elsewhere.

    A unit inside a margin knows a part of it anyway; what it may not learn is the rest,
    which stands in cells of its own. All units together know more than each, and more
    than somebody who is none of them: if they fail together, everybody does.
    """
    if not _is_near(table, cell, *attacker.bounds(cell, others), rule):
        return []
    bounds = attacker.bounds(cell, ())
    if _is_near(table, cell, *bounds, rule):
        return [Breach("sums", cell, *bounds)]
    for single in others:
        bounds = attacker.bounds(cell, (single,))
        if _is_near(table, cell, *bounds, rule):
            return [Breach("unit", cell, *bounds)]
    return []


def _is_inside(table: CellTable, cell: int, other: int) -> bool:
    """Whether a cell is another one, or adds to it."""
    pairs = zip(table.cells.row(cell), table.cells.row(other), strict=True)
    return all(theirs in {own, TOTAL} for own, theirs in pairs)


def _is_near(
    table: CellTable, cell: int, low: float, high: float, rule: CellRule
) -> bool:
    """Whether bounds give a cell away within the protection that it needs."""
    value = float(table.values[cell])
    margin = rule.protection * value
    slack = _NEAR * max(value, 1.0)
    return high < value + margin - slack or low > value - margin + slack


class _Attacker:
    """Somebody with the published cells, who knows what adds up."""

    def __init__(self, table: CellTable, suppressed: Flags) -> None:
        self._truth = table.values
        self._suppressed = suppressed
        self._sums = table.matrix().tocsc()

    def bounds(self, cell: int, also_known: Sequence[int]) -> tuple[float, float]:
        """Least and most that a suppressed cell can be.

        Args:
            cell: The cell.
            also_known: Other suppressed cells that the attacker knows.
        """
        unknown = self._suppressed.copy()
        unknown[list(also_known)] = False
        variables = np.flatnonzero(unknown)
        left = self._sums[:, variables]
        right = -(self._sums @ np.where(unknown, 0.0, self._truth))
        goal = (variables == cell).astype(float)
        ends = []
        for sign in (1.0, -1.0):
            solved = linprog(sign * goal, A_eq=left, b_eq=right, method="highs-ds")
            if solved.status == _FEASIBLE:
                ends.append(sign * solved.fun)
            else:
                # Nothing bounds it; or rounded sums contradict each other by a hair,
                # and the truth is all that is left.
                unbounded = solved.status == _UNBOUNDED
                ends.append(sign * -np.inf if unbounded else self._truth[cell])
        return float(ends[0]), float(ends[1])


def _unions(table: CellTable, suppressed: Flags, rule: CellRule) -> list[Breach]:
    """Sums whose suppressed cells, known together, are a forbidden cell."""
    found = []
    inner = set(table.contributions[CELL].to_list())
    for relation in table.relations:
        hidden = [part for part in relation.parts if suppressed[part]]
        if suppressed[relation.total] or not hidden or not inner.issuperset(hidden):
            continue
        units, value, largest = table.inside(hidden)
        if rule.forbids(units, value, largest):
            found.append(Breach("union", relation.total, value, value))
    return found
