"""Somebody who works out secret cells from what is published and what adds up.

This is the attacker's side: no code of what protects is used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack

from lrtzc_pipelines.privacy.cell_sums import Flags, Floats, Integers, Sums

_NEAR = 1e-6
_FEASIBLE, _UNBOUNDED = 0, 3


@dataclass(frozen=True)
class Bounds:
    """Least and most that a cell can be off the truth, and who knows.

    Attributes:
        known_by: Everybody, by what adds up, or a unit, by its own contributions.
        low: Not above zero.
        high: Not below zero.
    """

    known_by: Literal["sums", "unit"]
    low: float
    high: float


@dataclass(frozen=True)
class _Knowledge:
    """What units know of the secret cells outside of the one they attack.

    Attributes:
        cells: A contribution's cell.
        units: Whose it is.
        values: How much it is: the cell holds that at least.
        alone: Whether the cell holds nothing of anybody else.
    """

    cells: Integers
    units: Integers
    values: Floats
    alone: Flags

    def of(self, unit: int) -> _Knowledge:
        """What one unit knows."""
        own = self.units == unit
        return _Knowledge(
            self.cells[own], self.units[own], self.values[own], self.alone[own]
        )

    def told_by(self, moved: Floats, truth: Floats, slack: float) -> set[int]:
        """Units that know that a table, moved from the truth so far, is not true."""
        move, rest = moved[self.cells], truth[self.cells] - self.values
        told = (move < -rest - slack) | (self.alone & (move > slack))
        return set(self.units[told].tolist())


class Attacker:
    """Somebody with the published cells, who knows what adds up.

    What may be true is told by how far it is from the truth, so that sums of rounded
    numbers never contradict each other.
    """

    def __init__(self, table: Sums, suppressed: Flags) -> None:
        self._table = table
        self._secret = suppressed
        self._unknown = np.flatnonzero(suppressed)
        sums = _sums(table)[:, self._unknown]
        self._sums = sums[np.diff(sums.indptr) > 0].tocsc()
        self._both = hstack([self._sums, -self._sums]).tocsc()

    def works_out(self, cell: int, margin: float) -> Bounds | None:
        """How a secret cell is given away to within a margin; None if it is not.

        A unit inside a cell knows a part of it anyway; what it may not learn is the
        rest, which stands in cells of its own. All units together know more than each,
        and more than somebody who is none of them: if they fail, everybody does.
        """
        knowledge = self._knowledge(cell)
        if self._is_hidden(cell, margin, *self._bounds(cell, knowledge)):
            return None
        bounds = self._bounds(cell, None)
        if not self._is_hidden(cell, margin, *bounds):
            return Bounds("sums", *bounds)
        for move in (margin, -margin):
            unit = self._who_tells(cell, move, knowledge)
            if unit is not None:
                return Bounds("unit", *self._bounds(cell, knowledge.of(unit)))
        return None

    def _who_tells(self, cell: int, move: float, knowledge: _Knowledge) -> int | None:
        """A unit that knows that a cell is not so far off the truth; None if none does.

        A table that one unit finds possible is mostly possible for many: only those
        who can tell each one that was found are asked themselves.
        """
        waiting: set[int] = set(knowledge.units.tolist())
        truth, slack = self._table.values, self._slack(cell) / 2
        if (moved := self._explained(cell, move, None)) is not None:
            waiting &= knowledge.told_by(moved, truth, slack)
        while waiting:
            unit = waiting.pop()
            moved = self._explained(cell, move, knowledge.of(unit))
            if moved is None:
                return unit
            waiting &= knowledge.told_by(moved, truth, slack)
        return None

    def _slack(self, cell: int) -> float:
        return float(_NEAR * max(self._table.values[cell], 1.0))

    def _is_hidden(self, cell: int, margin: float, low: float, high: float) -> bool:
        slack = self._slack(cell)
        return high >= margin - slack and low <= -margin + slack

    def _limits(self, known: _Knowledge | None) -> tuple[Floats, Floats]:
        """How far below and above the truth somebody finds each secret cell possible.

        Args:
            known: What those know who attack; None for who is no unit.
        """
        low = -self._table.values
        high = np.full(len(low), np.inf)
        if known is not None:
            rest = known.values - self._table.values[known.cells]
            np.maximum.at(low, known.cells, np.minimum(rest, 0.0))
            high[known.cells[known.alone]] = 0.0
        return low[self._unknown], high[self._unknown]

    def _bounds(self, cell: int, known: _Knowledge | None) -> tuple[float, float]:
        """Least and most that a secret cell can be off the truth."""
        goal = (self._unknown == cell).astype(float)
        low, high = self._limits(known)
        ends = []
        for sign in (1.0, -1.0):
            solved = linprog(
                sign * goal,
                A_eq=self._sums,
                b_eq=np.zeros(self._sums.shape[0]),
                bounds=np.column_stack([low, high]),
                method="highs-ds",
            )
            if solved.status == _FEASIBLE:
                ends.append(float(sign * solved.fun))
            else:
                # What cannot be solved is taken as known: the truth is always possible.
                ends.append(-sign * np.inf if solved.status == _UNBOUNDED else 0.0)
        return ends[0], ends[1]

    def _knowledge(self, cell: int) -> _Knowledge:
        """What units know of the secret cells outside of one.

        What a unit knows of a total, it knows of the cells that it adds up. What it
        has in the cell that is attacked it knows anyway, wherever else that is told;
        whoever is alone in it is no attacker.
        """
        table, parts = self._table, self._table.contributions
        outside = self._secret & table.is_leaf
        outside[list(table.inside[cell])] = False
        chosen = outside[parts.cells]
        own, _ = parts.to(cell)
        if len(own) == 1:
            chosen &= parts.units != own[0]
        cells, units = parts.cells[chosen], parts.units[chosen]
        values = parts.values[chosen]
        if anyway := table.known_anyway(cell):
            for place in np.flatnonzero(np.isin(units, own)):
                values[place] -= anyway.get((int(units[place]), int(cells[place])), 0.0)
        return _Knowledge(cells, units, values, table.units[cells] == 1)

    def _explained(
        self, cell: int, move: float, known: _Knowledge | None
    ) -> Floats | None:
        """A table near the truth in which a cell is so far off; None if there is none.

        Args:
            cell: The cell.
            move: How far off the truth it is.
            known: What those know who attack; None for who is no unit.
        """
        low, high = self._limits(known)
        unknown = self._unknown
        most, least = np.concatenate([high, -low]), np.zeros(2 * len(unknown))
        own = int(np.searchsorted(unknown, cell))
        moved, still = (own, own + len(unknown))[:: 1 if move > 0 else -1]
        least[moved] = max(abs(move) - self._slack(cell), 0.0)
        most[moved], most[still] = max(most[moved], least[moved]), 0.0
        solved = linprog(
            np.ones(len(most)),
            A_eq=self._both,
            b_eq=np.zeros(self._both.shape[0]),
            bounds=np.column_stack([least, most]),
            method="highs-ds",
        )
        if solved.status != _FEASIBLE:
            return None
        shift = np.zeros(self._table.count)
        shift[unknown] = solved.x[: len(unknown)] - solved.x[len(unknown) :]
        return shift


def _sums(table: Sums) -> csr_array:
    """What adds up, as one row per sum that is zero."""
    totals = [relation.total for relation in table.relations]
    sizes = [len(relation.parts) for relation in table.relations]
    rows = np.concatenate(
        [np.arange(len(totals)), np.repeat(np.arange(len(totals)), sizes)]
    )
    parts = [part for relation in table.relations for part in relation.parts]
    entries = np.concatenate([-np.ones(len(totals)), np.ones(len(parts))])
    columns = np.array([*totals, *parts], dtype=np.int64)
    return csr_array((entries, (rows, columns)), shape=(len(totals), table.count))
