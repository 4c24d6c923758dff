"""How tables of firms are protected: which they are, and what no cell may tell.

What is published of the same rows is one system, whether it stands in one table or in
several, of this source or of one that it is linked with: see docs/adr.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.base_protection import BaseProtection
from lrtzc_pipelines.sources.circles import close_circle
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.sides import Dimension, Measure, grain_of, measured, side
from lrtzc_pipelines.sources.takes import Take, check_nesting, check_take


class CellTableOf(Frozen):
    """One of the tables of a protection.

    Attributes:
        dimensions: Its sides; the others are totals in it.
        down_to: Finest that it takes of a side that has several takes; by default the
            finest there is.
    """

    dimensions: Annotated[tuple[str, ...], Field(min_length=1)]
    down_to: dict[str, Take] = Field(default_factory=dict)


class CellProtection(BaseProtection):
    """Tables of firms with their margins, cells suppressed so that none is worked out.

    Attributes:
        subject: Column that says whose a row is.
        dimensions: Sides of the tables.
        takes: What is taken of each dimension; where it is several things, from the
            finest to the coarsest, each adds up to the next.
        separate_by: Dimensions whose values are tables of their own, such as years.
        tables: Which dimensions are told together; all of them by default. Cells that
            several tables have are one, and what adds up in one protects the others.
        linked: Sources that publish other tables of the same rows, released or not.
        measure: The quantity, which adds up.
        min_units: Fewest firms in a cell.
        dominance: Largest share of the largest firm.
        protection: How far off a suppressed cell must stay, as a share of its value.
    """

    release: Literal["cells"]
    subject: str
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    takes: dict[str, Annotated[tuple[Take, ...], Field(min_length=1)]]
    separate_by: tuple[str, ...] = ()
    tables: tuple[CellTableOf, ...] = ()
    linked: tuple[str, ...] = ()
    measure: Measure
    min_units: Annotated[int, Field(ge=3)]
    dominance: Annotated[float, Field(gt=0, le=0.85)]
    protection: Annotated[float, Field(ge=0.05, le=1)] = 0.10

    @field_validator("takes", mode="before")
    @classmethod
    def _several(cls, takes: object) -> object:
        if not isinstance(takes, dict):
            return takes
        return {
            n: (take,) if isinstance(take, str) else take for n, take in takes.items()
        }

    @field_validator("takes")
    @classmethod
    def _known(cls, takes: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, several in takes.items():
            for take in several:
                check_take(take)
            if "all" in several or len(set(several)) < len(several):
                msg = f"takes: {name}: each once, and not all, which every table has"
                raise ValueError(msg)
            check_nesting(several)
        return takes

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        names = {dimension.name for dimension in self.dimensions}
        if set(self.takes) != names:
            msg = f"takes: takes something of {', '.join(sorted(names))}"
            raise ValueError(msg)
        if not names.issuperset(self.separate_by) or not names - set(self.separate_by):
            msg = "separate_by: names some of the dimensions, not all"
            raise ValueError(msg)
        if any(len(self.takes[name]) > 1 for name in self.separate_by):
            msg = "separate_by: one thing is taken of what tables are separated by"
            raise ValueError(msg)
        if self.measure.function != "sum":
            msg = "measure: a table of cells adds up, so its measure is a sum"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _every_table(self) -> Self:
        sides = set(self.sides)
        for table in self.tables:
            if not sides.issuperset(table.dimensions):
                msg = f"tables: each has dimensions among {', '.join(self.sides)}"
                raise ValueError(msg)
            for name, take in table.down_to.items():
                if name not in table.dimensions or take not in self.takes[name]:
                    msg = f"tables: down_to: {name}: {take} is not taken of it"
                    raise ValueError(msg)
        if unused := sides - {n for table in self.finest for n in table}:
            msg = f"tables: none has {', '.join(sorted(unused))}"
            raise ValueError(msg)
        if close_circle(self.told_apart):
            msg = (
                "tables: they close a circle, so that more can be worked out than adds "
                "up: declare one table of all their dimensions"
            )
            raise ValueError(msg)
        return self

    @property
    def sides(self) -> tuple[str, ...]:
        """Dimensions that add up: those that no tables are separated by."""
        names = (dimension.name for dimension in self.dimensions)
        return tuple(name for name in names if name not in self.separate_by)

    @property
    def finest(self) -> tuple[dict[str, int], ...]:
        """For each table, its sides and the place of the finest take of each."""
        if not self.tables:
            return (dict.fromkeys(self.sides, 0),)
        return tuple(
            {
                name: self.takes[name].index(
                    table.down_to.get(name, self.takes[name][0])
                )
                for name in table.dimensions
            }
            for table in self.tables
        )

    @property
    def told_apart(self) -> tuple[frozenset[tuple[str, int]], ...]:
        """For each table, the takes of its sides."""
        return tuple(
            frozenset(
                (name, place)
                for name, first in table.items()
                for place in range(first, len(self.takes[name]))
            )
            for table in self.finest
        )

    def taken(self) -> list[tuple[str, tuple[str, ...]]]:
        """Columns and points, with what is taken of each, from finest to coarsest."""
        named = [d for d in self.dimensions if d.name in self.takes]
        return [(d.column, self.takes[d.name]) for d in named]

    @property
    def used(self) -> dict[str, str]:
        """What each column of the source is used for."""
        return {
            self.subject: "subject",
            **self.quasi_columns(),
            str(self.measure.column): "sensitive",
        }

    def columns(self, declared: dict[str, Column]) -> tuple[Column, ...]:
        """The columns of what goes on; `(total)` stands for a margin."""
        sides: list[Column] = []
        for dimension in self.dimensions:
            takes = self.takes[dimension.name]
            told = side(dimension, takes, declared, self.points)
            if dimension.name not in self.separate_by:
                text = {"type": ColumnType.TEXT, "timezone": None}
                told = told.model_copy(update=text)
            sides.append(told)
            if len(takes) > 1:
                sides.append(grain_of(dimension))
        state = Column(
            name=f"{self.measure.name}_state",
            state_of=self.measure.name,
            type=ColumnType.TEXT,
            required=True,
            description="observed : publié ; secret : secret statistique.",
            privacy="keep",
        )
        return (*sides, measured(self.measure), state)
