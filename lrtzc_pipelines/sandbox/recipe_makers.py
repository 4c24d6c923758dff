"""The makers of recipe columns: how seeded values come about, one word each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from lrtzc_pipelines.sandbox import recipe_moments
from lrtzc_pipelines.sandbox.recipe_grammar import ColumnRecipe
from lrtzc_pipelines.sandbox.recipe_rows import (
    KM_PER_DEGREE,
    Floats,
    Rows,
    scalars,
)
from lrtzc_pipelines.sandbox.recipe_values import (
    IntegerRange,
    Lookup,
    Number,
    PerInhabitant,
    Sequence,
)
from lrtzc_pipelines.sandbox.territory import COMMUNES, EPCI_NAME, EPCI_SIREN

_POSITION_DECIMALS = 6
_NINE_OF_TEN = 1.645


@dataclass(frozen=True)
class Draw:
    """What one column's values are drawn with."""

    rows: Rows
    column: ColumnRecipe
    rng: np.random.Generator
    day: date

    @property
    def wanted(self) -> Any:
        """What the recipe says after the word that makes the column."""
        maker = self.column.maker
        return getattr(self.column, "from_" if maker == "from" else maker)


def rounded(values: Floats, decimals: int) -> pl.Series:
    """Numbers of so many decimals; integers if there are none."""
    if decimals == 0:
        return pl.Series(values.round()).cast(pl.Int64)
    return pl.Series(values.round(decimals))


def _of_constant(draw: Draw) -> pl.Series:
    constant = draw.wanted
    if constant is None:
        return pl.Series([None] * draw.rows.count, dtype=pl.String)
    return pl.Series([constant]).new_from_index(0, draw.rows.count)


def _of_for_each(draw: Draw) -> pl.Series:
    return draw.rows.values[draw.wanted]


def _of_commune(draw: Draw) -> pl.Series:
    attributes: dict[str, Callable[[Any], Any]] = {
        "epci": lambda _: EPCI_SIREN,
        "epci_name": lambda _: EPCI_NAME,
        "population": lambda commune: commune.population_municipal,
    }
    asked = draw.wanted
    read = attributes.get(asked) or (lambda commune: getattr(commune, asked))
    return pl.Series([read(commune) for commune in COMMUNES]).gather(draw.rows.communes)


def positions(draw: Draw) -> pl.Series:
    """Where the rows lie, in the shape that is asked for."""
    column, rows = draw.column, draw.rows
    decimals = _POSITION_DECIMALS if column.decimals is None else column.decimals
    longitude, latitude = rows.longitude.round(decimals), rows.latitude.round(decimals)
    match column.near_commune:
        case "latitude":
            return pl.Series(latitude)
        case "longitude":
            return pl.Series(longitude)
        case "polygon":
            pairs = zip(rows.longitude.tolist(), rows.latitude.tolist(), strict=True)
            return pl.Series(
                [_square(*pair, column.metres) for pair in pairs], dtype=pl.String
            )
    return _pairs(column, longitude, latitude)


def _pairs(column: ColumnRecipe, longitude: Floats, latitude: Floats) -> pl.Series:
    """Two coordinates in one text."""
    shapes = {
        "lat,lon": "{1},{0}",
        "[lon,lat]": "[{0},{1}]",
        "point": '{{"type":"Point","coordinates":[{0},{1}]}}',
    }
    shape = shapes[column.near_commune or ""]
    pairs = zip(longitude.tolist(), latitude.tolist(), strict=True)
    return pl.Series([shape.format(*pair) for pair in pairs], dtype=pl.String)


def _square(longitude: float, latitude: float, metres: float) -> str:
    """A square around a place, as GeoJSON."""
    north = metres / 2000 / KM_PER_DEGREE
    east = north / float(np.cos(np.radians(latitude)))
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ring = [
        [round(longitude + x * east, 6), round(latitude + y * north, 6)]
        for x, y in corners
    ]
    return json.dumps({"type": "Polygon", "coordinates": [ring]}, separators=(",", ":"))


def _of_choice(draw: Draw) -> pl.Series:
    column = draw.column
    values = draw.wanted
    weights = column.weights
    odds = np.array(weights, dtype=float) / sum(weights) if weights else None
    picked = draw.rng.choice(len(values), draw.rows.count, p=odds)
    return scalars(values).gather(picked)


def _of_number(draw: Draw) -> pl.Series:
    number: Number = draw.wanted
    return rounded(_numbers(number, draw.rng, draw.rows.count), number.decimals)


def _numbers(number: Number, rng: np.random.Generator, count: int) -> Floats:
    if number.distribution == "uniform":
        return rng.uniform(number.low, number.high, count)
    # The middle nine tenths of a normal distribution, so that both ends hold.
    drawn = rng.normal(size=count)
    while (outside := np.abs(drawn) > _NINE_OF_TEN).any():
        drawn[outside] = rng.normal(size=int(outside.sum()))
    share = (drawn + _NINE_OF_TEN) / (2 * _NINE_OF_TEN)
    logarithms = np.log(number.low) + share * np.log(number.high / number.low)
    return np.asarray(np.exp(logarithms))


def _of_integer(draw: Draw) -> pl.Series:
    integer: IntegerRange = draw.wanted
    high = integer.high + 1
    return pl.Series(draw.rng.integers(integer.low, high, draw.rows.count))


def _of_inhabitants(draw: Draw) -> pl.Series:
    made: PerInhabitant = draw.wanted
    population = np.array([c.population_municipal for c in COMMUNES], dtype=float)
    differing = np.exp(draw.rng.normal(0, made.spread, draw.rows.count))
    quantity = population[draw.rows.communes] * made.factor * differing
    return rounded(quantity, made.decimals)


def _of_sequence(draw: Draw) -> pl.Series:
    sequence: Sequence = draw.wanted
    numbers = sequence.start + sequence.step * np.arange(draw.rows.count)
    if sequence.format is None:
        return pl.Series(numbers, dtype=pl.Int64)
    texts = [sequence.format.format(number) for number in numbers.tolist()]
    return pl.Series(texts, dtype=pl.String)


def _of_moment(draw: Draw) -> pl.Series:
    return recipe_moments.drawn(draw.wanted, draw.day, draw.rng, draw.rows.count)


def _of_signs(draw: Draw) -> pl.Series:
    """Texts of random digits, decimal or hexadecimal."""
    column = draw.column
    signs, width = (
        ("0123456789", column.digits)
        if column.digits
        else ("0123456789abcdef", column.hexadecimal)
    )
    drawn = draw.rng.integers(0, len(signs), (draw.rows.count, width or 1))
    return pl.Series(
        ["".join(signs[n] for n in row) for row in drawn.tolist()], dtype=pl.String
    )


def _of_template(draw: Draw) -> pl.Series:
    template: str = draw.wanted
    values = {name: one.to_list() for name, one in draw.rows.values.items()}
    texts = [
        template.format_map({name: one[row] for name, one in values.items()})
        for row in range(draw.rows.count)
    ]
    return pl.Series(texts, dtype=pl.String)


def _of_lookup(draw: Draw) -> pl.Series:
    lookup: Lookup = draw.wanted
    known = list(lookup.values)
    found = scalars((*lookup.values.values(), lookup.otherwise))
    places = (
        draw.rows.values[lookup.of]
        .cast(pl.String)
        .replace_strict(
            known, list(range(len(known))), default=len(known), return_dtype=pl.Int64
        )
    )
    return found.gather(places)


MAKERS: dict[str, Callable[[Draw], pl.Series]] = {
    "constant": _of_constant,
    "from": _of_for_each,
    "commune": _of_commune,
    "near_commune": positions,
    "choice": _of_choice,
    "number": _of_number,
    "integer": _of_integer,
    "per_inhabitant": _of_inhabitants,
    "sequence": _of_sequence,
    "date": _of_moment,
    "moment": _of_moment,
    "digits": _of_signs,
    "hexadecimal": _of_signs,
    "template": _of_template,
    "lookup": _of_lookup,
}
