"""Cells that must not be published, and the others that have to go with them.

Primary cells have too few units or one that dominates. Secondary cells are suppressed
so that nobody can work a primary one out: for each, there is a way to shift quantity
between suppressed cells that changes no published one and moves the primary by a share
of its value both up and down. Shifts leave alone what the largest unit of each cell
contributes, so that no unit, singletons above all, can undo them by what it knows of
itself. What all suppressed cells of a sum hold together is published in effect (the
total minus the rest), so it has to be a publishable cell itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_tables import (
    CELL,
    CellTable,
    Flags,
    Floats,
    Relation,
)

_FREE = 1e-4
"""Cost of shifting through a cell that is suppressed anyway: short ways are better."""

_TINY = 1e-9
_FEASIBLE = 0


@dataclass(frozen=True)
class CellRule:
    """When a cell may be published.

    Attributes:
        min_units: Fewest units.
        dominance: Largest share of the largest unit.
        protection: How far off, as a share of its value, a primary cell must stay for
            whoever tries to work it out.
        source: Text or policy that the thresholds come from.
    """

    min_units: int
    dominance: float
    protection: float
    source: str

    def forbids(self, units: int, value: float, largest: float) -> bool:
        """Whether a cell, or cells together, must not be published; empty ones may."""
        return units > 0 and (
            units < self.min_units or largest > self.dominance * value + _TINY
        )


@dataclass
class Suppressed:
    """Which cells are left out.

    Attributes:
        primary: Cells that the rule forbids.
        all: Those and the secondary ones.
        programs: Linear programs that were solved.
    """

    primary: Flags
    all: Flags
    programs: int = field(default=0)

    @property
    def secondary(self) -> Flags:
        """Cells that only protect others."""
        return self.all & ~self.primary


def primary_cells(table: CellTable, rule: CellRule) -> Flags:
    """The cells that the rule forbids."""
    too_few = table.units < rule.min_units
    dominated = table.largest > rule.dominance * table.values + _TINY
    found: Flags = (table.units > 0) & (too_few | dominated)
    return found


def suppress(table: CellTable, rule: CellRule) -> Suppressed:
    """The primary cells, and secondary ones that protect them at little cost.

    Raises:
        LrtzcError: a primary cell cannot be protected, whatever else is left out.
    """
    primary = primary_cells(table, rule)
    found = Suppressed(primary, primary.copy())
    shifts = _Shifts(table, rule)
    # Large cells first: what protects them mostly protects their neighbours.
    order = sorted(np.flatnonzero(primary), key=lambda cell: -table.values[cell])
    protected: set[int] = set()
    for cell in order:
        if int(cell) not in protected:
            protected |= shifts.protect(int(cell), found)
    while _close_unions(table, rule, found):
        continue
    return found


class _Shifts:
    """Ways to shift quantity between cells that change no published one."""

    def __init__(self, table: CellTable, rule: CellRule) -> None:
        self._table = table
        self._rule = rule
        self._there = np.flatnonzero(table.units > 0)
        self._place = {int(cell): n for n, cell in enumerate(self._there)}
        sums: csr_array = table.matrix()[:, self._there]
        # A shift is what goes up and what goes down: neither is negative.
        self._sums = hstack([sums, -sums]).tocsc()
        self._room = table.values - table.largest
        self._inner: set[int] = set(table.contributions[CELL].to_list())
        self._above = _totals_above(table.relations)
        self._below: dict[int, set[int]] = {}
        for part, totals in self._above.items():
            for total in totals:
                self._below.setdefault(total, set()).add(part)

    def protect(self, cell: int, found: Suppressed) -> set[int]:
        """Suppresses what a primary cell needs; the primary cells this protects.

        Raises:
            LrtzcError: nothing protects it.
        """
        shift = self._cheapest(cell, self._room, found)
        if shift is None:
            self._protect_from_each(cell, found)
            return {cell}
        self._leave_out(shift, found)
        there, moved = self._there, np.abs(shift)
        # Where the shift moves more than a cell's largest unit leaves, that unit could
        # tell: it protects no other cell than its own from such a unit.
        telling = there[moved > self._room[there] + _TINY]
        if len(telling) > 1:
            return {cell}
        needs = self._rule.protection * self._table.values[there]
        enough = (moved >= needs - _TINY) & found.primary[there]
        if len(telling) == 1:
            enough &= there == telling[0]
        return {cell, *(int(c) for c in there[enough])}

    def _protect_from_each(self, cell: int, found: Suppressed) -> None:
        """Protects a cell that cannot be protected from all other units at once.

        Every unit that is alone in its cell is an attacker by itself.
        """
        table, there = self._table, self._there
        everything = table.values.copy()
        shift = self._cheapest(cell, everything, found)
        if shift is None:
            raise _hopeless(int(table.units[cell]))
        self._leave_out(shift, found)
        alone = there[(np.abs(shift) > _TINY) & (table.units[there] == 1)]
        # A unit that is alone in a margin is alone in a cell of it.
        outside = set(alone.tolist()) & self._inner - {cell}
        outside -= self._below.get(cell, set())
        for single in sorted(outside):
            without = everything.copy()
            without[single] = 0.0
            shift = self._cheapest(cell, without, found)
            if shift is None:
                raise _hopeless(int(table.units[cell]))
            self._leave_out(shift, found)

    def _need(self, cell: int) -> float:
        return float(self._rule.protection * self._table.values[cell])

    def _leave_out(self, shift: Floats, found: Suppressed) -> None:
        found.all[self._there[np.abs(shift) > _TINY]] = True

    def _cheapest(self, cell: int, room: Floats, found: Suppressed) -> Floats | None:
        """The cheapest shift that moves a cell by what it needs; None if none does.

        Args:
            cell: The cell.
            room: How far each cell can be shifted up or down.
            found: Cells that are left out anyway cost next to nothing.
        """
        values, there = self._table.values[self._there], self._there
        cost = np.where(found.all[there], _FREE, 1 + np.log1p(values))
        room = room[there]
        for total in self._above.get(cell, ()):
            # Whoever is not in the cell leaves at least the cell in its totals.
            place = self._place[total]
            room[place] = max(room[place], self._table.values[cell])
        for part in self._below.get(cell, ()):
            # Whoever is in the cell attacks the rest of it, which has its own defence.
            if part in self._place:
                room[self._place[part]] = self._table.values[part]
        size, place = len(there), self._place[cell]
        low, high = np.zeros(2 * size), np.concatenate([room, room])
        low[place] = high[place] = self._need(cell)
        high[size + place] = 0
        found.programs += 1
        solved = linprog(
            np.concatenate([cost, cost]),
            A_eq=self._sums,
            b_eq=np.zeros(self._sums.shape[0]),
            bounds=np.column_stack([low, high]),
            method="highs-ds",
        )
        if solved.status != _FEASIBLE:
            return None
        up, down = np.split(solved.x, 2)
        return np.asarray(up - down)


def _hopeless(units: int) -> LrtzcError:
    msg = (
        f"a cell of {units} units cannot be protected, whatever is suppressed: "
        "use coarser categories"
    )
    return LrtzcError(msg)


def _totals_above(relations: tuple[Relation, ...]) -> dict[int, set[int]]:
    """For each cell, the totals that it is in, directly or through other totals."""
    direct: dict[int, set[int]] = {}
    for relation in relations:
        for part in relation.parts:
            direct.setdefault(part, set()).add(relation.total)
    found = {}
    for cell in direct:
        reached, waiting = set(), [cell]
        while waiting:
            for total in direct.get(waiting.pop(), ()):
                if total not in reached:
                    reached.add(total)
                    waiting.append(total)
        found[cell] = reached
    return found


def _close_unions(table: CellTable, rule: CellRule, found: Suppressed) -> bool:
    """Suppresses more where the suppressed cells of a sum give themselves away.

    Returns whether anything was added.
    """
    added = False
    inner = set(table.contributions[CELL].to_list())
    for relation in table.relations:
        if found.all[relation.total]:
            continue
        hidden = [part for part in relation.parts if found.all[part]]
        # Sums of margins hold units of many cells: their own sums are looked at.
        if not hidden or not inner.issuperset(hidden):
            continue
        while rule.forbids(*table.inside(hidden)):
            rest = [
                part
                for part in relation.parts
                if not found.all[part] and table.units[part] > 0
            ]
            added = True
            if not rest:
                found.all[relation.total] = True
                break
            chosen = min(rest, key=lambda part: table.values[part])
            found.all[chosen] = True
            hidden.append(chosen)
    return added
