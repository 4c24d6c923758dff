"""The rows of a recipe before their columns: combinations, communes and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.sandbox.draws import generator
from lrtzc_pipelines.sandbox.recipe_grammar import COMMUNE, Recipe
from lrtzc_pipelines.sandbox.recipe_moments import series
from lrtzc_pipelines.sandbox.recipe_values import IntegerRange, Series, Values
from lrtzc_pipelines.sandbox.territory import COMMUNES

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

KM_PER_DEGREE = 111.32
_PLACES = {commune.code: place for place, commune in enumerate(COMMUNES)}


@dataclass(frozen=True)
class Rows:
    """The rows of a recipe while their columns are made.

    Attributes:
        count: How many there are.
        communes: Index in `COMMUNES` of each row's commune.
        longitude: Degrees, near the commune's town hall.
        latitude: Degrees, near the commune's town hall.
        values: What is known of each row by name: values of `for_each`, and of the
            columns made so far before anything disturbed them.
        combinations: Number, per name of `for_each`, of the value that each row has.
    """

    count: int
    communes: Integers
    longitude: Floats
    latitude: Floats
    values: dict[str, pl.Series] = field(default_factory=dict)
    combinations: dict[str, Integers] = field(default_factory=dict)

    def only(self, places: Integers) -> Rows:
        """Some of the rows."""
        return replace(
            self,
            count=len(places),
            communes=self.communes[places],
            longitude=self.longitude[places],
            latitude=self.latitude[places],
            values={name: one.gather(places) for name, one in self.values.items()},
        )

    def groups(self, per: tuple[str, ...]) -> tuple[Integers, Integers]:
        """First row of each combination of some names, and each row's combination."""
        number = np.zeros(self.count, dtype=np.int64)
        for name in per:
            of_name = self.combinations[name]
            number = number * (int(of_name.max(initial=0)) + 1) + of_name
        _, first, group = np.unique(number, return_index=True, return_inverse=True)
        return first, group


def combination_count(recipe: Recipe, day: date) -> int:
    """How many rows a recipe has before any is left out or repeated."""
    if recipe.rows is not None:
        return recipe.rows
    return prod(len(_each(values, day)) for values in recipe.for_each.values())


def _each(values: Values, day: date) -> pl.Series:
    """The values that a name of `for_each` goes through."""
    match values:
        case Series():
            return series(values, day)
        case IntegerRange(low=low, high=high):
            return pl.Series(range(low, high + 1), dtype=pl.Int64)
        case "all":
            return pl.Series([commune.code for commune in COMMUNES])
    return scalars(tuple(values))


def scalars(values: tuple[Any, ...]) -> pl.Series:
    """Values of one type as they are, of several as text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 and kinds != {int, float}:
        texts = [None if value is None else str(value) for value in values]
        return pl.Series(texts, dtype=pl.String)
    return pl.Series(values, dtype=None if kinds else pl.String, strict=False)


def bare_rows(recipe: Recipe, seed: int, source_id: str, day: date) -> Rows:
    """The rows with their places, before any column is made."""
    count = combination_count(recipe, day)
    each = {name: _each(values, day) for name, values in recipe.for_each.items()}
    combinations = _cartesian({name: len(one) for name, one in each.items()})
    values = {name: one.gather(combinations[name]) for name, one in each.items()}
    blank = np.zeros(count)
    rows = Rows(
        count, np.zeros(count, dtype=np.int64), blank, blank, values, combinations
    )
    return _placed(recipe, rows, generator(seed, f"{source_id} places"))


def _cartesian(sizes: Mapping[str, int]) -> dict[str, Integers]:
    """For each name, the number of its value in every combination, last one fastest."""
    grids = np.indices(tuple(sizes.values()))
    return {name: grid.ravel() for name, grid in zip(sizes, grids, strict=True)}


def _placed(recipe: Recipe, rows: Rows, rng: np.random.Generator) -> Rows:
    """The rows, each in a commune and near its town hall."""
    place = recipe.place
    first, group = rows.groups(place.per) if place.per else (np.arange(rows.count),) * 2
    if COMMUNE in recipe.for_each:
        codes = rows.values[COMMUNE].to_list()
        communes = np.array([_PLACES[code] for code in codes], dtype=np.int64)[first]
    else:
        communes = _drawn_communes(recipe, rng, len(first))
    away, turn = rng.random(len(first)), rng.uniform(0, 2 * np.pi, len(first))
    # The square root spreads places evenly over the disc.
    degrees = np.sqrt(away) * place.within_km / KM_PER_DEGREE
    centre = np.array([(c.longitude, c.latitude) for c in COMMUNES])[communes]
    latitude = centre[:, 1] + degrees * np.sin(turn)
    longitude = centre[:, 0] + degrees * np.cos(turn) / np.cos(np.radians(latitude))
    return Rows(
        rows.count,
        communes[group],
        longitude[group],
        latitude[group],
        rows.values,
        rows.combinations,
    )


def _drawn_communes(recipe: Recipe, rng: np.random.Generator, count: int) -> Integers:
    chosen = [_PLACES[code] for code in recipe.place.only] or list(_PLACES.values())
    inhabitants = np.array([float(COMMUNES[n].population_municipal) for n in chosen])
    by_population = recipe.place.drawn == "by_population"
    odds = inhabitants / inhabitants.sum() if by_population else None
    return np.array(chosen)[rng.choice(len(chosen), count, p=odds)]
