"""Cells and what adds up to what, as numbers: what protects and what attacks share.

These are data only; how cells are chosen, and how they are worked out, stands apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Relation:
    """A sum that readers know: one cell is the total of others."""

    total: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Contributions:
    """Who contributes what, cell by cell, margins included.

    Attributes:
        starts: Where the contributions to each cell begin, and where the last end.
        units: Number of the unit of each contribution; a unit is once in a cell.
        values: What it contributes.
    """

    starts: Integers
    units: Integers
    values: Floats

    def to(self, cell: int) -> tuple[Integers, Floats]:
        """Units that contribute to a cell, and how much each."""
        place = slice(self.starts[cell], self.starts[cell + 1])
        return self.units[place], self.values[place]

    def of(self, unit: int, cell: int) -> float:
        """What a unit contributes to a cell."""
        units, values = self.to(cell)
        place = int(np.searchsorted(units, unit))
        there = place < len(units) and units[place] == unit
        return float(values[place]) if there else 0.0

    @cached_property
    def cells(self) -> Integers:
        """Cell of each contribution."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass(frozen=True)
class Source:
    """Rows of one source, and the cells that they are in.

    Attributes:
        members: Which cells its tables have.
        units: Number of the unit of each row.
        values: What the row contributes.
        places: For each row, its cell at the finest of each table.
    """

    members: Flags
    units: Integers
    values: Floats
    places: Integers

    @cached_property
    def of_unit(self) -> dict[int, list[int]]:
        """The rows of each unit."""
        found: dict[int, list[int]] = {}
        for row, unit in enumerate(self.units.tolist()):
            found.setdefault(unit, []).append(row)
        return found


@dataclass(frozen=True)
class Sums:
    """Cells that somebody contributes to, margins among them, and what adds up.

    Attributes:
        values: What each cell adds up to; never negative.
        units: Distinct units in each cell.
        largest: What the largest unit of each cell contributes.
        relations: The sums.
        contributions: What all that is made of.
        sources: The rows behind it.
    """

    values: Floats
    units: Integers
    largest: Floats
    relations: tuple[Relation, ...]
    contributions: Contributions
    sources: tuple[Source, ...]

    @property
    def count(self) -> int:
        """Number of cells, margins included."""
        return len(self.values)

    @cached_property
    def is_leaf(self) -> Flags:
        """Which cells are no total of others."""
        leaf = np.ones(self.count, dtype=bool)
        leaf[[relation.total for relation in self.relations]] = False
        return leaf

    @cached_property
    def above(self) -> tuple[frozenset[int], ...]:
        """For each cell, the totals that it is in, directly or through others."""
        direct: list[set[int]] = [set() for _ in range(self.count)]
        for relation in self.relations:
            for part in relation.parts:
                direct[part].add(relation.total)
        found = []
        for cell in range(self.count):
            reached, waiting = set(direct[cell]), list(direct[cell])
            while waiting:
                more = direct[waiting.pop()] - reached
                reached |= more
                waiting += more
            found.append(frozenset(reached))
        return tuple(found)

    @cached_property
    def inside(self) -> tuple[frozenset[int], ...]:
        """For each cell, itself and those that it adds up, directly or not."""
        found = [{cell} for cell in range(self.count)]
        for cell, totals in enumerate(self.above):
            for total in totals:
                found[total].add(cell)
        return tuple(map(frozenset, found))

    def known_anyway(self, cell: int) -> dict[tuple[int, int], float]:
        """What units have in other cells because they have it in this one.

        A unit inside a cell knows a part of it, and the same part where another table
        tells of it. A source that does not tell the cell apart has it as a part of
        what it does tell apart, in the same share of all that the unit has there.

        Returns:
            For units of the cell and other cells, how much.
        """
        found: dict[tuple[int, int], float] = {}
        if sum(source.places.shape[1] for source in self.sources) == 1:
            return found
        units, own = self.contributions.to(cell)
        for source in self.sources:
            around = self._around(cell, source)
            for unit, amount in zip(units.tolist(), own.tolist(), strict=True):
                whole = self.contributions.of(unit, around)
                share = amount / whole if whole else 0.0
                for row in source.of_unit.get(unit, ()):
                    places = source.places[row].tolist()
                    if not self.inside[around].isdisjoint(places):
                        part = share * float(source.values[row])
                        for place in places:
                            key = unit, place
                            found[key] = found.get(key, 0.0) + part
        return found

    def _around(self, cell: int, source: Source) -> int:
        """A cell, or the smallest total with it that a source tells apart."""
        if source.members[cell]:
            return cell
        totals = [total for total in self.above[cell] if source.members[total]]
        return min(totals, key=lambda total: (self.values[total], self.units[total]))
