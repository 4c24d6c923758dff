"""Ways to shift quantity between cells that change no published one.

A cell is protected where such a shift moves it far enough: whoever sees the published
cells cannot tell the shifted table from the true one. Units can, by what they know of
themselves, unless the shift leaves alone what they contribute to every cell.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack

from lrtzc_pipelines.privacy.cell_sums import Flags, Floats, Integers
from lrtzc_pipelines.privacy.cell_tables import CellTable

_FREE = 1e-4
"""Cost of shifting through a cell that is suppressed anyway: short ways are better."""

TINY = 1e-9
_FEASIBLE = 0


class Shifts:
    """What can be shifted in a table.

    Attributes:
        programs: Linear programs that were solved.
    """

    def __init__(self, table: CellTable, shown: Flags) -> None:
        """Takes the table, and the cells that are published already."""
        self.programs = 0
        self._table = table
        self._shown = shown
        sums = _matrix(table)
        # A shift is what goes up and what goes down: neither is negative.
        self._sums = hstack([sums, -sums]).tocsc()
        # What a unit knows of a total, it knows of the cells that it adds up.
        self._room = np.where(table.is_leaf, table.values - table.largest, table.values)
        self._sharing = _by_unit(table)

    def against_all(self, cell: int, need: float, hidden: Flags) -> Floats | None:
        """The cheapest shift of a cell, up or down, that no unit outside can tell.

        Args:
            cell: The cell.
            need: How far it has to move.
            hidden: Cells that are left out anyway cost next to nothing.

        Returns:
            How far each cell moves; None if there is no such shift.
        """
        room, anyway = self._room.copy(), self._table.known_anyway(cell)
        alone = self._only_unit(cell)
        changed = {place for _, place in anyway}
        if alone is not None:
            changed.update(self._sharing[alone].tolist())
        for place in changed:
            if self._table.is_leaf[place]:
                room[place] = self._left(place, alone, anyway)
        return self._cheapest(cell, need, room, room, hidden)

    def towards(
        self, cell: int, move: float, unit: int | None, hidden: Flags
    ) -> Floats | None:
        """The cheapest shift one way that a unit cannot tell; None if there is none.

        Args:
            cell: The cell.
            move: How far it has to move; below zero, down.
            unit: Who must not tell; None for somebody who is no unit.
            hidden: Cells that are left out anyway cost next to nothing.
        """
        table = self._table
        down, up = table.values.copy(), np.full(table.count, np.inf)
        if unit is not None:
            anyway = table.known_anyway(cell)
            for place in self._sharing[unit].tolist():
                if table.is_leaf[place]:
                    own = table.contributions.of(unit, place)
                    down[place] -= own - anyway.get((unit, place), 0.0)
                    if table.units[place] == 1:
                        up[place] = 0.0
        return self._cheapest(cell, move, down, up, hidden)

    def also_protects(self, shift: Floats, cell: int) -> bool:
        """Whether no unit outside of a cell can tell a shift, whoever it was for."""
        telling = np.flatnonzero(np.abs(shift) > self._room + TINY)
        return self._table.inside[cell].issuperset(telling.tolist())

    def telling_units(self, shift: Floats, cell: int) -> list[int]:
        """Units that can tell a shift of a cell by what they contribute elsewhere."""
        table, found = self._table, set()
        anyway = table.known_anyway(cell)
        moved = table.is_leaf & (np.abs(shift) > TINY)
        for place in np.flatnonzero(moved).tolist():
            if place not in table.inside[cell]:
                units, values = table.contributions.to(place)
                for unit, own in zip(units.tolist(), values.tolist(), strict=True):
                    known = own - anyway.get((unit, place), 0.0)
                    is_less = table.values[place] + shift[place] < known - TINY
                    if is_less or (len(units) == 1 and shift[place] > 0):
                        found.add(unit)
        return sorted(found - {self._only_unit(cell)})

    def _left(
        self, place: int, alone: int | None, anyway: dict[tuple[int, int], float]
    ) -> float:
        """How far a leaf can move before a unit outside of a cell can tell.

        Whoever is alone in a cell is no attacker of it: others are.
        """
        units, values = self._table.contributions.to(place)
        known = [
            own - anyway.get((unit, place), 0.0)
            for unit, own in zip(units.tolist(), values.tolist(), strict=True)
            if unit != alone
        ]
        if len(units) == 1 and known:
            return 0.0
        return max(float(self._table.values[place]) - max(known, default=0.0), 0.0)

    def _only_unit(self, cell: int) -> int | None:
        units, _ = self._table.contributions.to(cell)
        return int(units[0]) if len(units) == 1 else None

    def _cheapest(
        self, cell: int, move: float, down: Floats, up: Floats, hidden: Flags
    ) -> Floats | None:
        """The cheapest shift of a cell.

        Args:
            cell: The cell.
            move: How far it has to move.
            down: How far down each cell can move.
            up: How far up each cell can move.
            hidden: Cells that are left out anyway.
        """
        values = self._table.values
        cost = np.where(hidden, _FREE, 1 + np.log1p(values))
        down, up = down.copy(), up.copy()
        # Whoever is in the cell attacks the rest of it, which has its own defense.
        inside = list(self._table.inside[cell])
        down[inside] = values[inside]
        up[inside] = np.maximum(up[inside], values[inside])
        down[self._shown] = up[self._shown] = 0.0
        size = len(values)
        high, low = np.concatenate([up, down]), np.zeros(2 * size)
        moved, still = (cell, size + cell)[:: 1 if move >= 0 else -1]
        if high[moved] < abs(move):
            return None
        low[moved] = high[moved] = abs(move)
        high[still] = 0.0
        self.programs += 1
        solved = linprog(
            np.concatenate([cost, cost]),
            A_eq=self._sums,
            b_eq=np.zeros(self._sums.shape[0]),
            bounds=np.column_stack([low, high]),
            method="highs-ds",
        )
        if solved.status != _FEASIBLE:
            return None
        went_up, went_down = np.split(solved.x, 2)
        return np.asarray(went_up - went_down)


def _matrix(table: CellTable) -> csr_array:
    """One row per relation: 1 for each part and -1 for the total."""
    rows, columns, entries = [], [], []
    for number, relation in enumerate(table.relations):
        rows += [number] * (len(relation.parts) + 1)
        columns += [relation.total, *relation.parts]
        entries += [-1.0, *([1.0] * len(relation.parts))]
    shape = (len(table.relations), table.count)
    return csr_array((entries, (rows, columns)), shape=shape)


def _by_unit(table: CellTable) -> dict[int, Integers]:
    """Cells that each unit contributes to."""
    parts = table.contributions
    order = np.argsort(parts.units, kind="stable")
    units, starts = np.unique(parts.units[order], return_index=True)
    cells = np.split(parts.cells[order], starts[1:])
    return dict(zip(units.tolist(), cells, strict=True))
