"""The grammar of recipes: what a file in `recipes/` may say.

The models are frozen and refuse unknown keys, so that a misspelt word fails when the
recipe is loaded. How values come about is the work of `recipe_columns`.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sandbox.recipe_values import (
    COMMUNE_CODES,
    Between,
    IntegerRange,
    Key,
    Lookup,
    Number,
    PerInhabitant,
    Place,
    Scalar,
    Sequence,
    Series,
    Share,
    Values,
)
from lrtzc_pipelines.sources.frozen import Frozen

COMMUNE = "commune"
"""Name in `for_each` whose values are the agglomeration's communes."""

Profile = Literal["winter", "summer", "daylight", "rush_hours"]

MAKERS = (
    "constant",
    "from",
    "commune",
    "near_commune",
    "choice",
    "number",
    "integer",
    "per_inhabitant",
    "sequence",
    "date",
    "moment",
    "digits",
    "hexadecimal",
    "template",
    "lookup",
)
"""The ways to make a column; each column names one."""

NUMERIC = ("number", "integer", "per_inhabitant", "constant", "from", "lookup")
MOMENTS = ("from", "date", "moment")


class ColumnRecipe(Frozen):
    """One column: how its values are made, and what is then done to them.

    Attributes:
        name: The producer's name of the column.
        hidden: Whether the column only serves others and is not delivered.
        per: Names of `for_each` whose every combination has one value.
        weights: Shares of the values of `choice`.
        decimals: Decimals of `near_commune`; 6 unless said (3 is a producer's habit).
        swapped: Share of the places of `near_commune` with their axes inverted.
        metres: Width of the squares of `near_commune: polygon`.
        format: How a day or moment is written (strftime, `epoch_s`, `epoch_ms`).
        zone: Time zone in which a moment is written; UTC unless said.
        profile: How a quantity follows the season or the hour of `profile_of`.
        profile_of: Name of the series in `for_each`; may be left out where there is
            only one.
        times: Factors of a quantity, by name and value of another column.
        spelling: How texts are respelt.
        decimal: Decimal mark, which makes a number a text.
        blank: Share of the rows that have no value.
        literal: Shares of the rows that have a text in place of their value.
        later: How much later a day or moment is than what makes it; `-` for earlier.
        only_where: Values of other columns, by name, at which there is a value here.
    """

    name: Annotated[str, Field(min_length=1)]
    hidden: bool = False
    constant: Scalar = None
    from_: Annotated[str | None, Field(alias="from")] = None
    commune: (
        Literal[
            "code",
            "name",
            "city_name",
            "siren",
            "latitude",
            "longitude",
            "population",
            "population_total",
            "epci",
            "epci_name",
        ]
        | None
    ) = None
    near_commune: (
        Literal["latitude", "longitude", "lat,lon", "[lon,lat]", "point", "polygon"]
        | None
    ) = None
    choice: Annotated[tuple[Scalar, ...] | None, Field(min_length=1)] = None
    number: Number | None = None
    integer: IntegerRange | None = None
    per_inhabitant: PerInhabitant | None = None
    sequence: Sequence | None = None
    date: Between | None = None
    moment: Between | None = None
    digits: Annotated[int | None, Field(ge=1, le=40)] = None
    hexadecimal: Annotated[int | None, Field(ge=1, le=64)] = None
    template: str | None = None
    lookup: Lookup | None = None

    per: tuple[str, ...] = ()
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None
    decimals: Annotated[int | None, Field(ge=0, le=12)] = None
    swapped: Share = 0.0
    metres: Annotated[float, Field(gt=0)] = 60.0
    format: str | None = None
    zone: str = "UTC"
    profile: tuple[Profile, ...] = ()
    profile_of: str | None = None
    times: dict[str, dict[Key, float]] = Field(default_factory=dict)
    spelling: Literal["upper", "unaccented", "upper_unaccented"] | None = None
    decimal: Literal[","] | None = None
    blank: Share = 0.0
    literal: dict[Key, Share] = Field(default_factory=dict)
    later: Annotated[str | None, Field(pattern=r"^-?[1-9]\d*(s|m|h|d|w|mo|y)$")] = None
    only_where: dict[str, tuple[Key, ...]] = Field(default_factory=dict)

    @field_validator("per_inhabitant", mode="before")
    @classmethod
    def _factor_alone(cls, value: object) -> object:
        return {"factor": value} if isinstance(value, int | float) else value

    @field_validator("profile", mode="before")
    @classmethod
    def _one_profile(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @property
    def maker(self) -> str:
        """The way this column is made."""
        return next(word for word in MAKERS if word in self._given())

    def _given(self) -> set[str]:
        return {"from" if word == "from_" else word for word in self.model_fields_set}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        given = [word for word in MAKERS if word in self._given()]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            msg = f"give one way to make the column ({said} given)"
            raise ValueError(msg)
        if self.weights and len(self.weights) != len(self.choice or ()):
            msg = "weights: give one for each value of choice"
            raise ValueError(msg)
        if self.weights and not sum(self.weights):
            msg = "weights: one at least must be more than 0"
            raise ValueError(msg)
        if (self.profile or self.times) and given[0] not in NUMERIC:
            msg = f"profile and times change a quantity, not {given[0]}"
            raise ValueError(msg)
        if self.later and given[0] not in MOMENTS:
            msg = f"later moves a day or a moment, not {given[0]}"
            raise ValueError(msg)
        if self.blank + sum(self.literal.values()) > 1:
            msg = "blank and literal take more than all of the rows"
            raise ValueError(msg)
        return self

    def references(self) -> Iterator[tuple[str, str]]:
        """Names of other columns or of `for_each`, each after the word that uses it."""
        if self.lookup:
            yield "lookup", self.lookup.of
        yield from (("times", name) for name in self.times)
        yield from (("only_where", name) for name in self.only_where)
        if self.template is not None:
            parsed = string.Formatter().parse(self.template)
            yield from (("template", name) for _, name, _, _ in parsed if name)


class Recipe(Frozen):
    """The rows of one source.

    Either `rows`, or `for_each` of every combination of some values. `skip` leaves a
    share of the rows out, `repeat` gives a share of them twice, `shuffle` loses their
    order. `files` is in how many files the rows stand, where a service has several.
    """

    rows: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    for_each: dict[str, Values] = Field(default_factory=dict)
    place: Place = Place()
    columns: Annotated[tuple[ColumnRecipe, ...], Field(min_length=1)]
    skip: Share = 0.0
    repeat: Share = 0.0
    shuffle: bool = False
    files: Annotated[int, Field(ge=1, le=20)] = 1

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.rows is None) == (not self.for_each):
            msg = "give either rows or for_each"
            raise ValueError(msg)
        for name, values in self.for_each.items():
            _check_values(name, values)
        self._check_names()
        self._check_moments()
        if unknown := [name for name in self.place.per if name not in self.for_each]:
            msg = f"place.per: {unknown[0]!r} is not in for_each"
            raise ValueError(msg)
        return self

    def _check_names(self) -> None:
        """Raises ValueError for a name that is unknown where it is used."""
        before: set[str] = set()
        for column in self.columns:
            if column.name in before:
                msg = f"columns: {column.name!r} is there twice"
                raise ValueError(msg)
            wanted = [("from", column.from_)] if column.from_ else []
            wanted += [("per", name) for name in column.per]
            wanted += [("profile_of", column.profile_of)] if column.profile_of else []
            for word, name in wanted:
                if name not in self.for_each:
                    msg = f"columns[{column.name}].{word}: {name!r} is not in for_each"
                    raise ValueError(msg)
            if column.profile and self.series_of(column) is None:
                msg = f"columns[{column.name}].profile: for_each has no such series"
                raise ValueError(msg)
            for word, name in column.references():
                if name not in before and name not in self.for_each:
                    msg = f"columns[{column.name}].{word}: no column {name!r} before it"
                    raise ValueError(msg)
            before.add(column.name)

    def _check_moments(self) -> None:
        """Raises ValueError for what is to be later and is no moment."""
        for column in self.columns:
            taken = self.for_each.get(column.from_ or "")
            if column.later and taken is not None and not isinstance(taken, Series):
                msg = f"columns[{column.name}].later: {column.from_!r} is no series"
                raise ValueError(msg)

    def series_of(self, column: ColumnRecipe) -> str | None:
        """Name of the series that a column's profile follows."""
        every = [n for n, v in self.for_each.items() if isinstance(v, Series)]
        if column.profile_of:
            return column.profile_of if column.profile_of in every else None
        return every[0] if len(every) == 1 else None


def _check_values(name: str, values: Any) -> None:
    if (values == "all" or name == COMMUNE) and not (
        name == COMMUNE and (values == "all" or isinstance(values, tuple))
    ):
        msg = f"for_each.{name}: only communes can be `all`, or a list of their codes"
        raise ValueError(msg)
    for code in values if name == COMMUNE and values != "all" else ():
        if code not in COMMUNE_CODES:
            msg = f"for_each.{name}: {code!r} is no commune of the agglomeration"
            raise ValueError(msg)
