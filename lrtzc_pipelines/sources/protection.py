"""How a source about persons or firms is protected before anything of it goes on.

Where a specification has a `protection`, rows never leave the private zone: what goes
on is an aggregate, a table of cells, or rows made coarser until nobody stands out. Each
threshold says which text or policy it comes from.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.frozen import Frozen

_DURATION = re.compile(r"^[1-9]\d*(m|h|d|w|mo|y)$")
_FIRST = re.compile(r"^first:[1-9]\d*$")
_BINS = re.compile(r"^below:-?\d+(\.\d+)?(,-?\d+(\.\d+)?)*$")
_WHOLE = ("value", "all", "hour_of_day", "day_type")

Take = Annotated[str, Field(min_length=1)]
"""What is taken of a value: `value`, `all` (nothing is told), a duration such as `30m`
(the start of its period), `hour_of_day` or `day_type` of a moment, `first:5` characters
of a code, or `below:3,6,9` the bin of a number."""


def check_take(take: str) -> str:
    """Raises ValueError if there is no such thing to take of a value."""
    known = take in _WHOLE or any(p.match(take) for p in (_DURATION, _FIRST, _BINS))
    if not known:
        msg = f"{take!r} is nothing that can be taken of a value"
        raise ValueError(msg)
    return take


class Dimension(Frozen):
    """One side of the cells: what is taken of a column, under which name.

    Attributes:
        name: Column of what goes on.
        column: Column of the source.
        description: For whoever reads it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    column: str
    description: Annotated[str, Field(min_length=3)]


class Measure(Frozen):
    """A quantity of a cell: a sum, a mean, or the number of rows."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    function: Literal["sum", "mean", "rows"]
    column: str | None = None
    unit: str | None = None
    description: Annotated[str, Field(min_length=3)]

    @model_validator(mode="after")
    def _of_a_column(self) -> Self:
        if (self.column is None) != (self.function == "rows"):
            msg = f"measure {self.name}: rows are counted without a column"
            raise ValueError(msg)
        return self


class BaseProtection(Frozen):
    """What every protection says.

    Attributes:
        source: Text or policy that the thresholds come from.
        is_open: Whether what goes on is open data, whatever the tier of the rows.
    """

    source: Annotated[str, Field(min_length=10)]
    is_open: bool = False


class AggregateProtection(BaseProtection):
    """Cells of enough persons; those with fewer fall back to coarser ones.

    Each row counts in one cell only, so that no cell can be subtracted from another.

    Attributes:
        subject: Column that says whose a row is: distinct ones are counted.
        dimensions: Sides of the cells.
        grains: What is taken of each dimension, from the finest cells to the coarsest.
        fall_back: What falls to the next grain: `blocks`, all the cells that would be
            one there, as soon as one of them fails (a day is told by half-hours or not
            at all); or `cells`, only those that fail (the rest of the destinations).
        measures: Quantities of the cells.
        min_subjects: Fewest persons in a cell.
        max_share: Largest share that one person may have of a sum.
    """

    release: Literal["aggregate"]
    subject: str
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    grains: Annotated[tuple[dict[str, Take], ...], Field(min_length=1)]
    fall_back: Literal["blocks", "cells"] = "blocks"
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)]
    min_subjects: Annotated[int, Field(ge=3)]
    max_share: Annotated[float, Field(gt=0, lt=1)] = 0.85

    @field_validator("grains")
    @classmethod
    def _known(cls, grains: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
        for grain in grains:
            for take in grain.values():
                check_take(take)
        return grains

    @model_validator(mode="after")
    def _every_dimension(self) -> Self:
        names = {dimension.name for dimension in self.dimensions}
        for grain in self.grains:
            if set(grain) != names:
                msg = f"grains: each takes something of {', '.join(sorted(names))}"
                raise ValueError(msg)
        return self

    @property
    def used(self) -> dict[str, str]:
        """What each column of the source is used for."""
        return {
            self.subject: "subject",
            **{dimension.column: "quasi" for dimension in self.dimensions},
            **{m.column: "sensitive" for m in self.measures if m.column},
        }

    def columns(self, declared: dict[str, Column]) -> tuple[Column, ...]:
        """The columns of what goes on."""
        sides: list[Column] = []
        for dimension in self.dimensions:
            takes = [grain[dimension.name] for grain in self.grains]
            sides.append(side_column(dimension, takes, declared[dimension.column]))
            if len(set(takes)) > 1:
                sides.append(grain_column(dimension))
        counted = Column(
            name="subject_count",
            source="subject_count",
            type=ColumnType.INTEGER,
            required=True,
            description="Nombre de personnes distinctes de la case.",
            privacy="keep",
        )
        return (*sides, counted, *(measure_column(m) for m in self.measures))


class Quasi(Frozen):
    """A quasi-identifier: what may be taken of it, from finest to coarsest."""

    column: str
    levels: Annotated[tuple[Take, ...], Field(min_length=1)]

    @field_validator("levels")
    @classmethod
    def _known(cls, levels: tuple[str, ...]) -> tuple[str, ...]:
        for level in levels:
            check_take(level)
        if levels[0] == "all":
            msg = "levels: the first one tells something"
            raise ValueError(msg)
        return levels


class MicrodataProtection(BaseProtection):
    """Rows made coarser until each looks like enough others.

    Attributes:
        subject: Column that says whose a row is; each row is a person's if None.
        quasi: What somebody might know of a person.
        sensitive: What nobody may infer.
        k: Fewest persons that look alike.
        l: Fewest distinct sensitive values among them.
        t: Largest distance of their sensitive values from everybody's.
        suppression_limit: Largest share of rows that may be left out.
    """

    release: Literal["microdata"]
    subject: str | None = None
    quasi: Annotated[tuple[Quasi, ...], Field(min_length=1)]
    sensitive: tuple[str, ...] = ()
    k: Annotated[int, Field(ge=3)]
    l: Annotated[int, Field(ge=1)] = 1  # noqa: E741 - the term of the field
    t: Annotated[float, Field(gt=0, le=1)] = 1.0
    suppression_limit: Annotated[float, Field(ge=0, le=0.5)] = 0.05

    @property
    def used(self) -> dict[str, str]:
        """What each column of the source is used for."""
        return {
            **({self.subject: "subject"} if self.subject else {}),
            **{quasi.column: "quasi" for quasi in self.quasi},
            **dict.fromkeys(self.sensitive, "sensitive"),
        }

    def columns(self, declared: dict[str, Column]) -> tuple[Column, ...]:
        """The columns of what goes on: labels of the levels, values, what is safe."""
        labels = [
            Column(
                name=quasi.column,
                source=quasi.column,
                type=ColumnType.TEXT,
                description=declared[quasi.column].description,
                privacy="keep",
                required=True,
            )
            for quasi in self.quasi
        ]
        others = [
            column.model_copy(update={"privacy": "keep"})
            for name, column in declared.items()
            if name in self.sensitive or column.privacy == "keep"
        ]
        return (*labels, *others)


def side_column(dimension: Dimension, takes: list[str], column: Column) -> Column:
    """The column of a dimension, of the type that what is taken of it has."""
    moments = [take for take in takes if _DURATION.match(take)]
    kind, timezone = column.type, None
    if moments and column.type is ColumnType.DATETIME:
        timezone = "UTC"
    elif any(take == "hour_of_day" for take in takes):
        kind = ColumnType.INTEGER
    elif takes != ["value"] * len(takes) and not moments:
        kind = ColumnType.TEXT
    return Column(
        name=dimension.name,
        source=dimension.name,
        type=kind,
        description=dimension.description,
        privacy="keep",
        required="all" not in takes,
        timezone=timezone,
    )


def grain_column(dimension: Dimension) -> Column:
    """The column that says which of several takes a dimension is told by."""
    return Column(
        name=f"{dimension.name}_grain",
        source=f"{dimension.name}_grain",
        type=ColumnType.TEXT,
        description=f"Finesse de {dimension.name} dans cette case.",
        privacy="keep",
        required=True,
    )


def measure_column(measure: Measure) -> Column:
    """The column of a quantity."""
    return Column(
        name=measure.name,
        source=measure.name,
        type=ColumnType.INTEGER if measure.function == "rows" else ColumnType.NUMBER,
        unit=measure.unit,
        description=measure.description,
        privacy="keep",
    )
