"""How counts of persons are told with noise, and how much of it is told in a year.

With differential privacy the cells may not depend on the data: each says in advance
which values it may have, and every cell is published, whether anybody is in it or not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.base_protection import BaseProtection
from lrtzc_pipelines.sources.categories import (
    Categories,
    as_texts,
    check_categories,
    closed_values,
    values_of,
)
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.periods import (
    is_period_of_days,
    most_in_a_year,
    start_of,
)
from lrtzc_pipelines.sources.sides import Counted, Dimension, side, subjects_of
from lrtzc_pipelines.sources.takes import Take, check_take, is_duration, tables_of

MOST_CELLS = 100_000
"""Cells of one period, at most."""

NOISE_SCALE = "noise_scale"
_NEAR = 1e-9
"""Sums of epsilon are compared to within the last digits of a float."""


class NoiseBudget(Frozen):
    """How much may be told of one person in a year.

    Attributes:
        epsilon: Sum over the periods that begin in the year, at most.
        per: The year.
    """

    epsilon: Annotated[float, Field(gt=0, le=36)]
    per: Literal["1y"] = "1y"


class NoiseProtection(BaseProtection):
    """Counts of persons in every cell there may be, with noise, period by period.

    Attributes:
        subject: Column that says whose a row is: each counts once in a cell.
        dimensions: Sides of the cells.
        takes: What is taken of each dimension.
        categories: Which values a dimension has, where what is taken does not say it;
            any others, and none, go to `(autre)`.
        period: Dimension that is a period of days: one is released at a time.
        since: First day that is counted; it begins a period.
        wait_days: Days from the end of a period to its release, for what comes late.
        epsilon: How much a period tells of a person: the smaller, the less.
        max_cells: Cells of a period that one person counts in, at most.
        budget: How much may be told in a year.
    """

    release: Literal["noisy_counts"]
    subject: str
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    takes: dict[str, Take]
    categories: dict[str, Categories] = Field(default_factory=dict)
    period: str
    since: date
    wait_days: Annotated[int, Field(ge=0, le=400)]
    epsilon: Annotated[float, Field(ge=0.01, le=3)]
    max_cells: Annotated[int, Field(ge=1)]
    budget: NoiseBudget

    @field_validator("categories")
    @classmethod
    def _as_texts(cls, categories: dict[str, Categories]) -> dict[str, Categories]:
        return {name: as_texts(told) for name, told in categories.items()}

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        names = [dimension.name for dimension in self.dimensions]
        if set(self.takes) != set(names) or len(set(names)) < len(names):
            msg = (
                f"takes: takes something of {', '.join(sorted(set(names)))}, each once"
            )
            raise ValueError(msg)
        for take in self.takes.values():
            check_take(take)
        periods = [name for name in names if is_duration(self.takes[name])]
        if periods != [self.period]:
            msg = "period: names the one dimension that is a period"
            raise ValueError(msg)
        if not is_period_of_days(self.every):
            msg = f"period: {self.every} is no period of whole days"
            raise ValueError(msg)
        if start_of(self.since, self.every) != self.since:
            msg = f"since: {self.since} begins no period of {self.every}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _known_cells(self) -> Self:
        sides = [d.name for d in self.dimensions if d.name != self.period]
        if unknown := sorted(set(self.categories) - set(sides)):
            msg = f"categories: of {', '.join(unknown)}: no dimension, or the period"
            raise ValueError(msg)
        for name in sides:
            check_categories(name, self.takes[name], self.categories.get(name))
        cells = math.prod(len(self.values_of(name)) for name in sides)
        if cells > MOST_CELLS:
            msg = f"categories: make {cells} cells of a period, more than {MOST_CELLS}"
            raise ValueError(msg)
        if self.max_cells > cells:
            msg = f"max_cells: a period has {cells} cells"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _within_budget(self) -> Self:
        count = most_in_a_year(self.every)
        needed = count * self.epsilon
        if needed > self.budget.epsilon + _NEAR:
            msg = (
                f"budget: {count} periods of a year × epsilon {self.epsilon:g} = "
                f"{needed:g}, more than {self.budget.epsilon:g}"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _no_registers(self) -> Self:
        if self.linked_registers:
            msg = "linked_registers: every cell is public, and leads to nobody"
            raise ValueError(msg)
        return self

    @property
    def every(self) -> str:
        """How long a period is."""
        return self.takes[self.period]

    @property
    def counted_sides(self) -> tuple[Dimension, ...]:
        """The dimensions but for the period."""
        return tuple(d for d in self.dimensions if d.name != self.period)

    @property
    def period_column(self) -> str:
        """Column of the days or moments that the periods are of."""
        (found,) = (d.column for d in self.dimensions if d.name == self.period)
        return found

    def values_of(self, name: str) -> tuple[str, ...]:
        """Every value that a dimension has, whatever the data are."""
        return values_of(self.takes[name], self.categories.get(name))

    def is_closed(self, name: str) -> bool:
        """Whether what is taken of a dimension has no other values than it says."""
        return closed_values(self.takes[name]) is not None

    def taken(self) -> list[tuple[str, tuple[str, ...]]]:
        """Columns and points, with what is taken of each."""
        named = [d for d in self.dimensions if d.name in self.takes]
        return [(d.column, (self.takes[d.name],)) for d in named]

    @property
    def code_tables(self) -> list[str]:
        """Names of the tables of codes, those of the categories included."""
        levels = [told for told in self.categories.values() if isinstance(told, str)]
        return tables_of([*self.takes.values(), *levels])

    @property
    def used(self) -> dict[str, str]:
        """What each column of the source is used for."""
        return {self.subject: "subject", **self.quasi_columns()}

    def check_columns(self, columns: Mapping[str, Column], *, is_daily: bool) -> None:
        """Raises ValueError if columns are not such as these counts need."""
        super().check_columns(columns, is_daily=is_daily)
        if is_daily:
            msg = "noisy_counts: a budget is of a whole source, not of one day of it"
            raise ValueError(msg)
        if columns[self.period_column].type not in {
            ColumnType.DATE,
            ColumnType.DATETIME,
        }:
            msg = f"period: {self.period_column} is no day or moment"
            raise ValueError(msg)
        for dimension in self.counted_sides:
            self._check_column(dimension, columns)

    def _check_column(
        self, dimension: Dimension, columns: Mapping[str, Column]
    ) -> None:
        name, column = dimension.name, columns.get(dimension.column)
        if column is None:
            return
        takes = self.takes[name]
        told = {ColumnType.TEXT, ColumnType.INTEGER}
        if takes == "value" and column.type not in told:
            msg = f"column {column.name}: only texts and integers have categories"
            raise ValueError(msg)
        # An absent value would be in no cell: it has no group of others there.
        if self.is_closed(name) and not column.required:
            msg = f"column {column.name}: {takes} is taken of it, so required: true"
            raise ValueError(msg)

    def columns(self, declared: dict[str, Column]) -> tuple[Column, ...]:
        """The columns of what goes on."""
        scale = Column(
            name=NOISE_SCALE,
            source=NOISE_SCALE,
            type=ColumnType.NUMBER,
            unit="personnes",
            required=True,
            description=(
                "Échelle du bruit (loi de Laplace discrète) : dans une case sur vingt, "
                "l'écart dépasse trois fois cette valeur."
            ),
            privacy="keep",
        )
        told = (
            "Nombre de personnes, auquel un bruit est ajouté ; jamais négatif, si bien "
            "que la somme de beaucoup de petites cases est trop grande."
        )
        count = subjects_of(Counted(what="personnes"))
        return (
            *(self._side(d, declared) for d in self.dimensions),
            count.model_copy(update={"description": told}),
            scale,
        )

    def _side(self, dimension: Dimension, declared: dict[str, Column]) -> Column:
        takes = [self.takes[dimension.name]]
        told = side(dimension, takes, declared, self.points)
        update: dict[str, object] = {"required": True}
        if dimension.name != self.period and not self.is_closed(dimension.name):
            update |= {"type": ColumnType.TEXT, "timezone": None}
        return told.model_copy(update=update)
