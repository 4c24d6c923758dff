"""Tables of cells with their margins: what is in each, and how they add up.

A table of establishments by sector and commune publishes cells and totals. Whatever is
left out can be worked out again from what adds up, so tables are kept here with their
sums as relations; linked tables that share cells or totals share their numbers too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_array

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TOTAL = "(total)"
"""Category of a margin."""

ABSENT_CATEGORY = "(absent)"
"""Category of a null."""

CELL, UNIT, VALUE = "_cell", "_unit", "_value"


@dataclass(frozen=True)
class Relation:
    """A sum that readers know: one cell is the total of others."""

    total: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class CellTable:
    """Cells, margins among them, and the sums between them.

    Attributes:
        cells: A row per cell: its categories, `(total)` in margins, in cell order.
        values: What each cell adds up to; never negative.
        units: Distinct units in each cell.
        largest: What the largest unit of each cell contributes.
        relations: The sums.
        contributions: Cell, unit and value of what is inside cells, margins left out.
    """

    cells: pl.DataFrame
    values: Floats
    units: Integers
    largest: Floats
    relations: tuple[Relation, ...]
    contributions: pl.DataFrame

    @property
    def count(self) -> int:
        """Number of cells, margins included."""
        return len(self.values)

    def matrix(self) -> csr_array:
        """One row per relation: 1 for each part and -1 for the total."""
        rows, columns, entries = [], [], []
        for number, relation in enumerate(self.relations):
            rows += [number] * (len(relation.parts) + 1)
            columns += [relation.total, *relation.parts]
            entries += [-1.0, *([1.0] * len(relation.parts))]
        return csr_array(
            (entries, (rows, columns)), shape=(len(self.relations), self.count)
        )

    def inside(self, cells: Sequence[int]) -> tuple[int, float, float]:
        """Units, value and largest unit of some inner cells taken together."""
        together = (
            self.contributions.filter(pl.col(CELL).is_in(list(cells)))
            .group_by(UNIT)
            .agg(pl.col(VALUE).sum())[VALUE]
        )
        largest = together.max()
        total = float(together.sum())
        return len(together), total, float(largest or 0)  # type: ignore[arg-type]


def cell_table(
    frame: pl.DataFrame, dimensions: Sequence[str], *, unit: str, value: str
) -> CellTable:
    """The table of a quantity by some dimensions, with every margin.

    Args:
        frame: A row per contribution; several of one unit to one cell are added up.
        dimensions: Columns that make the cells, in any number.
        unit: Column that says whose contribution it is.
        value: Column with the quantity, not negative; nulls contribute nothing.

    Raises:
        ValueError: a quantity is negative: what adds up could then hide anything.
    """
    rows = frame.filter(pl.col(value).is_not_null())
    if rows.height and rows.select(pl.col(value).min() < 0).item():
        msg = f"{value}: negative quantities cannot be protected by what adds up"
        raise ValueError(msg)
    names = list(dimensions)
    categories = [
        [*rows[name].cast(pl.String).fill_null(ABSENT_CATEGORY).unique().sort(), TOTAL]
        for name in names
    ]
    cells = pl.DataFrame(
        list(product(*categories)), schema=names, orient="row"
    ).with_row_index(CELL)
    numbered = rows.select(
        *(pl.col(n).cast(pl.String).fill_null(ABSENT_CATEGORY) for n in names),
        pl.col(unit).alias(UNIT),
        pl.col(value).cast(pl.Float64).alias(VALUE),
    ).join(cells, on=names, how="left")
    inner = numbered.group_by(CELL, UNIT).agg(pl.col(VALUE).sum())
    measured = _measured(numbered, cells, names)
    return CellTable(
        cells=cells.drop(CELL),
        values=measured[VALUE].to_numpy(),
        units=measured["units"].cast(pl.Int64).to_numpy(),
        largest=measured["largest"].to_numpy(),
        relations=tuple(_relations([len(c) for c in categories])),
        contributions=inner,
    )


def _measured(
    numbered: pl.DataFrame, cells: pl.DataFrame, names: Sequence[str]
) -> pl.DataFrame:
    """Value, units and largest unit of every cell, margins included."""
    found = []
    for kept in product((True, False), repeat=len(names)):
        keys = [
            pl.col(n) if keep else pl.lit(TOTAL).alias(n)
            for n, keep in zip(names, kept, strict=True)
        ]
        per_unit = (
            numbered.select(*keys, UNIT, VALUE)
            .group_by(*names, UNIT)
            .agg(pl.col(VALUE).sum())
        )
        found.append(
            per_unit.group_by(names).agg(
                pl.col(VALUE).sum(),
                pl.len().alias("units"),
                pl.col(VALUE).max().alias("largest"),
            )
        )
    joined = cells.join(pl.concat(found), on=list(names), how="left")
    return joined.sort(CELL).with_columns(
        pl.col(VALUE, "largest").fill_null(0.0), pl.col("units").fill_null(0)
    )


def _relations(sizes: Sequence[int]) -> Iterator[Relation]:
    """The sums along each dimension, for every choice of the other ones."""
    numbers = np.arange(int(np.prod(sizes))).reshape(sizes)
    for axis in range(len(sizes)):
        lines = np.moveaxis(numbers, axis, -1).reshape(-1, sizes[axis])
        for line in lines:
            *parts, total = (int(cell) for cell in line)
            yield Relation(total, tuple(parts))
