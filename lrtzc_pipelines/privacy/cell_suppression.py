"""Cells that must not be published, and the others that have to go with them.

Primary cells have too few units or one that dominates. Secondary cells are suppressed
so that nobody can work a primary one out: for each, there is a way to shift quantity
between suppressed cells that changes no published one and moves the primary by a share
of its value both up and down, and that no unit can tell from the truth by what it knows
of itself. What all suppressed cells of a sum hold together is published in effect (the
total minus the rest), so it has to be a publishable cell itself. All of that holds for
all tables that share cells together, those published before included.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_shifts import TINY, Shifts
from lrtzc_pipelines.privacy.cell_sums import Flags, Floats, Relation
from lrtzc_pipelines.privacy.cell_tables import CellTable


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
            units < self.min_units or largest > self.dominance * value + TINY
        )


@dataclass(frozen=True)
class Given:
    """What is published already of a table, and cannot be taken back.

    Attributes:
        shown: Cells that everybody knows.
        hidden: Cells that are secret there, and have to stay so.
    """

    shown: Flags
    hidden: Flags


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
    dominated = table.largest > rule.dominance * table.values + TINY
    found: Flags = (table.units > 0) & (too_few | dominated)
    return found


def suppress(
    table: CellTable, rule: CellRule, given: Given | None = None
) -> Suppressed:
    """The primary cells, and secondary ones that protect them at little cost.

    Args:
        table: One table, or all those that share cells.
        rule: What is forbidden.
        given: What of it is published already; nothing by default.

    Raises:
        LrtzcError: a primary cell cannot be protected, whatever else is left out.
    """
    none = np.zeros(table.count, dtype=bool)
    given = given or Given(none, none)
    primary = primary_cells(table, rule)
    if count := int((primary & given.shown).sum()):
        msg = f"{count} cells that must be secret are published already"
        raise LrtzcError(msg)
    found = Suppressed(primary, primary | given.hidden)
    shifts = Shifts(table, given.shown)
    # Large cells first: what protects them mostly protects their neighbors.
    order = sorted(np.flatnonzero(primary), key=lambda cell: -table.values[cell])
    protected: set[int] = set()
    for cell in order:
        if int(cell) not in protected:
            protected |= _protect(int(cell), table, rule, shifts, found)
    while _close_unions(table, rule, given, found):
        continue
    found.programs = shifts.programs
    return found


def _protect(
    cell: int, table: CellTable, rule: CellRule, shifts: Shifts, found: Suppressed
) -> set[int]:
    """Suppresses what a primary cell needs; the primary cells this protects.

    Raises:
        LrtzcError: nothing protects it.
    """
    need = float(rule.protection * table.values[cell])
    shift = shifts.against_all(cell, need, found.all)
    if shift is None:
        _protect_from_each(cell, need, table, shifts, found)
        return {cell}
    moved = _leave_out(shift, found)
    enough = moved >= rule.protection * table.values - TINY
    others = np.flatnonzero(enough & (moved > TINY) & found.primary)
    return {cell, *(int(c) for c in others if shifts.also_protects(shift, int(c)))}


def _protect_from_each(
    cell: int, need: float, table: CellTable, shifts: Shifts, found: Suppressed
) -> None:
    """Protects a cell that cannot be protected from all units by one shift.

    Every unit is an attacker by itself, and so is whoever is none.
    """
    for move in (need, -need):
        shift = shifts.towards(cell, move, None, found.all)
        if shift is None:
            raise _hopeless(int(table.units[cell]))
        _leave_out(shift, found)
        for unit in shifts.telling_units(shift, cell):
            other = shifts.towards(cell, move, unit, found.all)
            if other is None:
                raise _hopeless(int(table.units[cell]))
            _leave_out(other, found)


def _leave_out(shift: Floats, found: Suppressed) -> Floats:
    moved = np.abs(shift)
    found.all[moved > TINY] = True
    return moved


def _hopeless(units: int) -> LrtzcError:
    msg = (
        f"a cell of {units} units cannot be protected, whatever is suppressed that is "
        "not published already: use coarser categories"
    )
    return LrtzcError(msg)


def _close_unions(
    table: CellTable, rule: CellRule, given: Given, found: Suppressed
) -> bool:
    """Suppresses more where the suppressed cells of a sum give themselves away.

    Returns whether anything was added.

    Raises:
        LrtzcError: there is nothing left in a sum that could be suppressed.
    """
    added = False
    for relation in table.relations:
        if found.all[relation.total]:
            continue
        hidden = [part for part in relation.parts if found.all[part]]
        while hidden and rule.forbids(*_together(table, hidden)):
            chosen = _next_of(relation, table, given, found)
            found.all[chosen] = True
            added = True
            if chosen == relation.total:
                break
            hidden.append(chosen)
    return added


def _next_of(
    relation: Relation, table: CellTable, given: Given, found: Suppressed
) -> int:
    """The cell of a sum that is suppressed next: the smallest part, or the total."""
    rest = [p for p in relation.parts if not found.all[p] and not given.shown[p]]
    if rest:
        return min(rest, key=lambda part: table.values[part])
    if given.shown[relation.total]:
        msg = (
            "the secret cells of a sum are too few units, or one of them, and the rest "
            "is published already: use coarser categories"
        )
        raise LrtzcError(msg)
    return relation.total


def _together(table: CellTable, cells: list[int]) -> tuple[int, float, float]:
    """Units, value and largest unit of some parts of a sum taken together."""
    found = [table.contributions.to(cell) for cell in cells]
    _, place = np.unique(np.concatenate([u for u, _ in found]), return_inverse=True)
    per_unit = np.bincount(place, weights=np.concatenate([v for _, v in found]))
    return len(per_unit), float(per_unit.sum()), float(per_unit.max())
