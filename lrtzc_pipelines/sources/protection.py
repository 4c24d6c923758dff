"""How a source about persons or firms is protected before anything of it goes on.

Where a specification has a `protection`, rows never leave the private zone: what goes
on is an aggregate, a table of cells, counts with noise, or rows made coarser until
nobody stands out. Each threshold says which text or policy it comes from.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.base_protection import BaseProtection
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.columns import Column
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.sources.sides import (
    Counted,
    Dimension,
    Measure,
    Quasi,
    grain_of,
    label_of,
    measured,
    side,
    subjects_of,
)
from lrtzc_pipelines.sources.takes import Take, check_nesting, check_take

__all__ = [
    "AggregateProtection",
    "CellProtection",
    "Measure",
    "MicrodataProtection",
    "NoiseProtection",
    "Protection",
]

_FEWEST = 3
"""Fewest persons in a cell, whatever a policy says."""


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
        min_subjects: Fewest persons in a cell, or of what is counted for them.
        max_share: Largest share that one person may have of a sum.
        counted: What the subject is, where it is no person.
    """

    release: Literal["aggregate"]
    subject: str
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    grains: Annotated[tuple[dict[str, Take], ...], Field(min_length=1)]
    fall_back: Literal["blocks", "cells"] = "blocks"
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)]
    min_subjects: Annotated[int, Field(ge=3)]
    max_share: Annotated[float, Field(gt=0, lt=1)] = 0.85
    counted: Counted = Counted(what="personnes distinctes")

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
        for name in names:
            check_nesting([grain[name] for grain in self.grains])
        if self.min_subjects < _FEWEST * self.counted.per_person:
            msg = f"min_subjects: of {self.counted.what}, those of {_FEWEST} persons"
            raise ValueError(msg)
        return self

    def taken(self) -> list[tuple[str, tuple[str, ...]]]:
        """Columns and points, with what is taken of each, from finest to coarsest."""
        return [
            (d.column, tuple(grain[d.name] for grain in self.grains))
            for d in self.dimensions
            if all(d.name in grain for grain in self.grains)
        ]

    @property
    def used(self) -> dict[str, str]:
        """What each column of the source is used for."""
        return {
            self.subject: "subject",
            **self.quasi_columns(),
            **{m.column: "sensitive" for m in self.measures if m.column},
        }

    def columns(self, declared: dict[str, Column]) -> tuple[Column, ...]:
        """The columns of what goes on."""
        sides: list[Column] = []
        for dimension in self.dimensions:
            takes = [grain[dimension.name] for grain in self.grains]
            sides.append(side(dimension, takes, declared, self.points))
            if len(set(takes)) > 1:
                sides.append(grain_of(dimension))
        return (
            *sides,
            subjects_of(self.counted),
            *(measured(m) for m in self.measures),
        )


class MicrodataProtection(BaseProtection):
    """Rows made coarser until each looks like enough others.

    Attributes:
        subject: Column that says whose a row is; each row is a person's if None.
        quasi: What somebody might know of a person.
        sensitive: What nobody may infer.
        k: Fewest persons that look alike.
        k_map: Fewest of the population that a row could be of, if that is asked for.
        l: Fewest distinct sensitive values among them.
        t: Largest distance of their sensitive values from everybody's.
        suppression_limit: Largest share of rows that may be left out.
        search: `optimal`, the least loss there is; or `greedy`, quick and lossier, for
            more quasi-identifiers and levels than can be searched.
    """

    release: Literal["microdata"]
    subject: str | None = None
    quasi: Annotated[tuple[Quasi, ...], Field(min_length=1)]
    sensitive: tuple[str, ...] = ()
    k: Annotated[int, Field(ge=3)]
    k_map: Annotated[int, Field(ge=3)] | None = None
    l: Annotated[int, Field(ge=1)] = 1  # noqa: E741 - the term of the field
    t: Annotated[float, Field(gt=0, le=1)] = 1.0
    suppression_limit: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    search: Literal["optimal", "greedy"] = "optimal"

    def taken(self) -> list[tuple[str, tuple[str, ...]]]:
        """Columns and points, with what may be taken of each, from the finest."""
        return [(quasi.column, quasi.levels) for quasi in self.quasi]

    @property
    def used(self) -> dict[str, str]:
        """What each column of the source is used for."""
        return {
            **({self.subject: "subject"} if self.subject else {}),
            **self.quasi_columns(),
            **dict.fromkeys(self.sensitive, "sensitive"),
        }

    def columns(self, declared: dict[str, Column]) -> tuple[Column, ...]:
        """The columns of what goes on: labels of the levels, values, what is safe."""
        told = {name: column.description for name, column in declared.items()}
        told |= {point.name: point.description for point in self.points}
        labels = [label_of(quasi, told[quasi.column]) for quasi in self.quasi]
        others = [
            column.model_copy(update={"privacy": "keep"})
            for name, column in declared.items()
            if name in self.sensitive or column.privacy == "keep"
        ]
        return (*labels, *others)


Protection: TypeAlias = Annotated[
    AggregateProtection | CellProtection | MicrodataProtection | NoiseProtection,
    Field(discriminator="release"),
]
