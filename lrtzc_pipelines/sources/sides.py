"""What a protection is made of: points, sides of cells, measures, quasi-identifiers.

What belongs here: their shape in a specification, and the columns that they become.
Which of them a protection has, and what must hold of it, is in `protection`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.takes import GRID, Take, check_nesting, check_take
from lrtzc_pipelines.sources.takes import is_duration as _is_duration

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Point(Frozen):
    """Two columns that are a place together, under a name that dimensions use.

    Attributes:
        name: What `column` of a dimension or quasi-identifier calls it.
        longitude: Column of its longitude (degrees, WGS84).
        latitude: Column of its latitude (degrees, WGS84).
        description: For whoever reads it.
    """

    name: _Name
    longitude: str
    latitude: str
    description: Annotated[str, Field(min_length=3)]


class Dimension(Frozen):
    """One side of the cells: what is taken of a column, under which name.

    Attributes:
        name: Column of what goes on.
        column: Column of the source, or a point.
        description: For whoever reads it.
    """

    name: _Name
    column: str
    description: Annotated[str, Field(min_length=3)]


class Counted(Frozen):
    """What is counted where nothing tells persons apart.

    Attributes:
        what: What it is, in French and in the plural.
        per_person: How many of them one person may be in a cell, at most; the threshold
            is a multiple of it.
    """

    what: Annotated[str, Field(min_length=3)]
    per_person: Annotated[int, Field(ge=1)] = 1


class Measure(Frozen):
    """A quantity of a cell: a sum, a mean, or the number of rows."""

    name: _Name
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


class Quasi(Frozen):
    """A quasi-identifier: what may be taken of it, from finest to coarsest.

    Attributes:
        column: Column of the source, or a point.
        levels: What may be taken; that nothing is told comes last by itself.
        weight: How much what is lost of it matters beside the others.
    """

    column: str
    levels: Annotated[tuple[Take, ...], Field(min_length=1)]
    weight: Annotated[float, Field(gt=0)] = 1.0

    @field_validator("levels")
    @classmethod
    def _known(cls, levels: tuple[str, ...]) -> tuple[str, ...]:
        for level in levels:
            check_take(level)
        if levels[0] == "all":
            msg = "levels: the first one tells something"
            raise ValueError(msg)
        check_nesting(levels)
        return levels


def check_squares(column: str, takes: Sequence[str], points: Sequence[Point]) -> None:
    """Raises ValueError unless squares, and only they, are taken of points."""
    is_point = column in {point.name for point in points}
    suits = {take == "all" or take.startswith(f"{GRID}:") for take in takes}
    if is_point and suits != {True}:
        msg = f"{column}: is a point, of which only squares of a grid are taken"
        raise ValueError(msg)
    if not is_point and any(take.startswith(f"{GRID}:") for take in takes):
        msg = f"{column}: squares of a grid are taken of a point"
        raise ValueError(msg)


def side(
    dimension: Dimension,
    takes: Sequence[str],
    declared: Mapping[str, Column],
    points: Sequence[Point],
) -> Column:
    """The column of a dimension, of the type that what is taken of it has."""
    made_of = [declared[name] for name in spread([dimension.column], points)]
    own, timezone = made_of[0].type, None
    kind = own
    if any(_is_duration(take) for take in takes):
        timezone = "UTC" if own is ColumnType.DATETIME else None
    elif "hour_of_day" in takes:
        kind = ColumnType.INTEGER
    elif set(takes) != {"value"}:
        kind = ColumnType.TEXT
    return Column(
        name=dimension.name,
        source=dimension.name,
        type=kind,
        description=dimension.description,
        privacy="keep",
        required="all" not in takes and all(column.required for column in made_of),
        timezone=timezone,
    )


def spread(names: Sequence[str], points: Sequence[Point]) -> list[str]:
    """Columns of the source that some columns and points are made of."""
    of = {point.name: (point.longitude, point.latitude) for point in points}
    return [column for name in names for column in of.get(name, (name,))]


def grain_of(dimension: Dimension) -> Column:
    """The column that says how fine a dimension is in each cell."""
    return Column(
        name=f"{dimension.name}_grain",
        source=f"{dimension.name}_grain",
        type=ColumnType.TEXT,
        description=f"Finesse de {dimension.name} dans cette case.",
        privacy="keep",
        required=True,
    )


def subjects_of(counted: Counted) -> Column:
    """The column of how many persons, or whatever stands for them, a cell has."""
    return Column(
        name="subject_count",
        source="subject_count",
        type=ColumnType.INTEGER,
        required=True,
        description=f"Nombre de {counted.what} de la case.",
        privacy="keep",
    )


def label_of(quasi: Quasi, description: str) -> Column:
    """The column of what a quasi-identifier was made."""
    return Column(
        name=quasi.column,
        source=quasi.column,
        type=ColumnType.TEXT,
        description=description,
        privacy="keep",
        required=True,
    )


def measured(measure: Measure) -> Column:
    """The column of a measure."""
    return Column(
        name=measure.name,
        source=measure.name,
        type=ColumnType.INTEGER if measure.function == "rows" else ColumnType.NUMBER,
        unit=measure.unit,
        description=measure.description,
        privacy="keep",
    )
