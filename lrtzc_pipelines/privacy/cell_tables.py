"""Tables of cells with their margins: what is in each, and how they add up.

A table of establishments by sector and commune publishes cells and totals. Whatever is
left out can be worked out again from what adds up, so tables are kept here with their
sums as relations. Tables that share cells, of one source or of several, are one system:
a cell that several of them have stands in it once, with the sums of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_sums import (
    Contributions,
    Flags,
    Relation,
    Source,
    Sums,
)

TOTAL, ABSENT = "(total)", "(absent)"
"""Category of a margin, and of a null: a value like any other."""

UNIT, VALUE = "_unit", "_value"
_CELL, _NODE, _PARENT, _NUMBER = "_cell", "_node", "_parent", "_number"
_SAME = 1e-9

Node = tuple[int, ...]
"""How fine the cells of a table are: a level per side, the number of levels for all."""


@dataclass(frozen=True)
class Side:
    """One dimension of a table, with the columns of its categories, finest first."""

    name: str
    levels: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """Columns of the categories that a cell is in, null where it is coarser."""
        return tuple(f"{self.name}@{level}" for level in range(len(self.levels)))


@dataclass(frozen=True)
class Tables:
    """Rows of one source, and the tables that are made of them.

    Attributes:
        frame: A row per contribution: the columns of the sides, `UNIT` and `VALUE`.
        sides: Every dimension that some table has.
        finest: For each table, its dimensions and the finest level it has of each;
            what is coarser are its margins.
    """

    frame: pl.DataFrame
    sides: tuple[Side, ...]
    finest: tuple[Mapping[str, int], ...]


@dataclass(frozen=True)
class CellTable(Sums):
    """Those cells by their categories, and whose they are.

    Attributes:
        cells: A row per cell: for each side its category, `(total)` in margins, and
            in `<side>_level` the level of it.
    """

    cells: pl.DataFrame


def joint_table(sources: Sequence[Tables]) -> CellTable:
    """The tables of one or several sources, with every margin, as one system.

    Args:
        sources: What has dimensions of the same name has the same cells there.

    Raises:
        LrtzcError: a quantity is negative, and what adds up could hide anything; a
            level tears apart what a finer one holds together; or sources whose tables
            share cells are not of the same units and quantities.
    """
    sides = list({side.name: side for each in sources for side in each.sides}.values())
    path = [column for side in sides for column in side.path]
    rows = [_rows(each, sides) for each in sources]
    together = pl.concat(rows)
    for side in sides:
        _check_nested(together, side)
    nodes: dict[Node, list[int]] = {}
    for number, each in enumerate(sources):
        for node in sorted(_nodes(each, sides)):
            nodes.setdefault(node, []).append(number)
    inside = []
    for place, (node, owners) in enumerate(nodes.items()):
        found = [_contributed(rows[owner], sides, node) for owner in owners]
        if any(not _is_same(found[0], other, path) for other in found[1:]):
            msg = (
                "tables that are linked share totals, but not all units or quantities "
                "behind them are the same: collect both again"
            )
            raise LrtzcError(msg)
        inside.append(found[0].with_columns(pl.lit(place, pl.Int64).alias(_NODE)))
    return _assembled(
        pl.concat(inside), sides, nodes, list(zip(sources, rows, strict=True))
    )


def _rows(source: Tables, sides: Sequence[Side]) -> pl.DataFrame:
    """Rows with the path of categories of every side; null in those it lacks."""
    known = source.frame.filter(pl.col(VALUE).is_not_null())
    if known.height and known.select(pl.col(VALUE).min() < 0).item():
        msg = "negative quantities cannot be protected by what adds up"
        raise LrtzcError(msg)
    own = {side.name for side in source.sides}
    columns = [
        pl.col(column).cast(pl.String).fill_null(ABSENT).alias(name)
        if side.name in own
        else pl.lit(None, pl.String).alias(name)
        for side in sides
        for column, name in zip(side.levels, side.path, strict=True)
    ]
    unit = pl.col(UNIT).cast(pl.String).fill_null(ABSENT)
    return known.select(*columns, unit, pl.col(VALUE).cast(pl.Float64))


def _check_nested(rows: pl.DataFrame, side: Side) -> None:
    for level, column in enumerate(side.path):
        if (rows[column] == TOTAL).any():
            msg = f"{side.name}: {TOTAL} is a margin, and a category in the rows"
            raise LrtzcError(msg)
        chains = rows.select(side.path[level:]).drop_nulls().unique()
        if chains[column].n_unique() < chains.height:
            msg = f"{side.name}: a level tears apart what a finer one holds together"
            raise LrtzcError(msg)


def _nodes(source: Tables, sides: Sequence[Side]) -> set[Node]:
    """Every choice of levels that some table of a source has, margins included."""
    return {
        node
        for finest in source.finest
        for node in product(
            *(
                range(finest.get(side.name, len(side.levels)), len(side.levels) + 1)
                for side in sides
            )
        )
    }


def _contributed(rows: pl.DataFrame, sides: Sequence[Side], node: Node) -> pl.DataFrame:
    """What each unit contributes to each cell of some levels."""
    names = [name for side in sides for name in side.path]
    return (
        rows.select(*_keys(sides, node), UNIT, VALUE)
        .group_by(*names, UNIT)
        .agg(pl.col(VALUE).sum())
    )


def _keys(sides: Sequence[Side], node: Node) -> list[pl.Expr]:
    """The path of categories as far as some levels tell it."""
    return [
        pl.col(name) if level >= finest else pl.lit(None, pl.String).alias(name)
        for side, finest in zip(sides, node, strict=True)
        for level, name in enumerate(side.path)
    ]


def _is_same(one: pl.DataFrame, other: pl.DataFrame, path: Sequence[str]) -> bool:
    both = one.join(other, on=[*path, UNIT], how="inner", nulls_equal=True)
    apart = (pl.col(VALUE) - pl.col(f"{VALUE}_right")).abs()
    near = both.filter(apart <= _SAME * (1 + pl.col(VALUE).abs()))
    return one.height == other.height == near.height


def _assembled(
    inside: pl.DataFrame,
    sides: Sequence[Side],
    nodes: Mapping[Node, list[int]],
    sources: Sequence[tuple[Tables, pl.DataFrame]],
) -> CellTable:
    path = [column for side in sides for column in side.path]
    cells = inside.group_by(*path, _NODE).agg(
        pl.col(VALUE).sum(), pl.len().alias("units"), pl.col(VALUE).max().alias("most")
    )
    # By category from the coarsest, each margin after what it adds up.
    order = [column for side in sides for column in reversed(side.path)]
    cells = cells.sort(order, nulls_last=True).with_row_index(_CELL)
    numbers = inside.select(UNIT).unique().sort(UNIT).with_row_index(_NUMBER)
    parts = (
        inside.join(cells.select(*path, _CELL), on=path, nulls_equal=True)
        .join(numbers, on=UNIT)
        .sort(_CELL, _NUMBER)
    )
    node = cells[_NODE].to_numpy()
    return CellTable(
        cells=cells.select(c for side in sides for c in _named(side)),
        values=cells[VALUE].to_numpy(),
        units=cells["units"].cast(pl.Int64).to_numpy(),
        largest=cells["most"].to_numpy(),
        relations=tuple(_relations(cells, sides, path)),
        contributions=Contributions(
            starts=np.searchsorted(parts[_CELL].to_numpy(), np.arange(len(node) + 1)),
            units=parts[_NUMBER].cast(pl.Int64).to_numpy(),
            values=parts[VALUE].to_numpy(),
        ),
        sources=tuple(
            _source(
                tables,
                rows.join(numbers, on=UNIT),
                cells,
                sides,
                np.isin(node, [n for n, own in enumerate(nodes.values()) if k in own]),
            )
            for k, (tables, rows) in enumerate(sources)
        ),
    )


def _source(
    tables: Tables,
    rows: pl.DataFrame,
    cells: pl.DataFrame,
    sides: Sequence[Side],
    members: Flags,
) -> Source:
    """The rows of a source, those in the same cells together, and where they are."""
    path = [column for side in sides for column in side.path]
    rows = rows.group_by(*path, _NUMBER).agg(pl.col(VALUE).sum()).sort(*path, _NUMBER)
    places = []
    for finest in tables.finest:
        node = tuple(finest.get(side.name, len(side.levels)) for side in sides)
        found = rows.select(_keys(sides, node)).join(
            cells.select(*path, _CELL),
            on=path,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        places.append(found[_CELL].cast(pl.Int64).to_numpy())
    return Source(
        members,
        rows[_NUMBER].cast(pl.Int64).to_numpy(),
        rows[VALUE].to_numpy(),
        np.column_stack(places),
    )


def _named(side: Side) -> tuple[pl.Expr, pl.Expr]:
    level = pl.sum_horizontal(pl.col(c).is_null().cast(pl.Int64) for c in side.path)
    category = pl.coalesce(*side.path).fill_null(TOTAL)
    return category.alias(side.name), level.alias(f"{side.name}_level")


def _relations(
    cells: pl.DataFrame, sides: Sequence[Side], path: Sequence[str]
) -> Iterator[Relation]:
    """The sums along each side, from each level to the next, for all of the others."""
    known = cells.select(*path, pl.col(_CELL).alias(_PARENT))
    for side in sides:
        for level, column in enumerate(side.path):
            own = pl.col(column).is_not_null()
            if level:
                own &= pl.col(side.path[level - 1]).is_null()
            sums = (
                cells.filter(own)
                .with_columns(pl.lit(None, pl.String).alias(column))
                .join(known, on=path, nulls_equal=True)
                .group_by(_PARENT)
                .agg(pl.col(_CELL).sort())
                .sort(_PARENT)
            )
            for total, parts in sums.iter_rows():
                yield Relation(total, tuple(parts))
