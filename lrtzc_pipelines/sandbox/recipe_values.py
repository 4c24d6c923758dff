"""The words of a recipe that hold others: series, ranges, numbers, places, lookups."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from lrtzc_pipelines.sandbox.territory import COMMUNES
from lrtzc_pipelines.sources.frozen import Frozen

Scalar = bool | int | float | str | None
Share = Annotated[float, Field(ge=0, le=1)]
Bound = Literal["day", "next_day"] | datetime | date
"""A moment (UTC), or the day that a source partitioned by day is asked for."""


def _as_text(value: object) -> object:
    """Keys that YAML reads as numbers, years for instance, as they are written."""
    return str(value) if isinstance(value, int | float) else value


Key = Annotated[str, BeforeValidator(_as_text)]
"""A value of another column, as text."""

COMMUNE_CODES = {commune.code for commune in COMMUNES}


def in_order(low: float, high: float) -> None:
    """Raises ValueError if `low` is more than `high`."""
    if low > high:
        msg = f"low ({low}) is more than high ({high})"
        raise ValueError(msg)


class Series(Frozen):
    """Moments at equal steps from `start` on, `end` itself left out; UTC."""

    start: Bound
    end: Bound
    step: Annotated[str, Field(pattern=r"^[1-9]\d*(s|m|h|d|w|mo|y)$")]


class IntegerRange(Frozen):
    """Integers from `low` to `high`, both included."""

    low: int
    high: int

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(self.low, self.high)
        return self


def _kind_of_values(value: object) -> str:
    if isinstance(value, dict):
        return "range" if "low" in value or "high" in value else "series"
    return "all" if isinstance(value, str) else "list"


Values = Annotated[
    Annotated[Literal["all"], Tag("all")]
    | Annotated[tuple[Scalar, ...], Field(min_length=1), Tag("list")]
    | Annotated[IntegerRange, Tag("range")]
    | Annotated[Series, Tag("series")],
    Discriminator(_kind_of_values),
]
"""What a name of `for_each` goes through."""


class Number(Frozen):
    """A number from `low` to `high`; lognormal: small ones are the most frequent."""

    low: float
    high: float
    decimals: Annotated[int, Field(ge=0, le=12)] = 2
    distribution: Literal["uniform", "lognormal"] = "uniform"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        in_order(self.low, self.high)
        if self.distribution == "lognormal" and self.low <= 0:
            msg = "low must be more than 0 where the distribution is lognormal"
            raise ValueError(msg)
        return self


class PerInhabitant(Frozen):
    """A quantity that follows the commune's population.

    Attributes:
        factor: Quantity per inhabitant.
        spread: Standard deviation of the logarithm of what the communes differ by.
        decimals: Decimals it is rounded to; 0 makes integers.
    """

    factor: Annotated[float, Field(gt=0)]
    spread: Annotated[float, Field(ge=0, le=2)] = 0.1
    decimals: Annotated[int, Field(ge=0, le=12)] = 2


class Sequence(Frozen):
    """Numbers one after the other, as text if there is a format such as `FR{:05}`."""

    start: int = 1
    step: int = 1
    format: str | None = None


class Between(Frozen):
    """A day or moment drawn between two, the second left out; UTC.

    With a `step`, it is drawn among those that a series would have.
    """

    start: Bound
    end: Bound
    step: Annotated[str, Field(pattern=r"^[1-9]\d*(s|m|h|d|w|mo|y)$")] | None = None


class Lookup(Frozen):
    """The value that belongs to the value of another column, such as a label."""

    of: str
    values: dict[Key, Scalar]
    otherwise: Scalar = None


class Place(Frozen):
    """Where a row lies, for its `commune` and `near_commune` columns alike.

    Attributes:
        drawn: How a commune is drawn where `for_each` does not give one.
        only: INSEE codes of the communes that may be drawn; all of them if empty.
        within_km: How far from the town hall a place may be.
        per: Names of `for_each` whose every combination has one place of its own.
    """

    drawn: Literal["by_population", "evenly"] = "by_population"
    only: tuple[str, ...] = ()
    within_km: Annotated[float, Field(gt=0, le=20)] = 1.5
    per: tuple[str, ...] = ()

    @field_validator("only")
    @classmethod
    def _communes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code not in COMMUNE_CODES:
                msg = f"{code!r} is no commune of the agglomeration"
                raise ValueError(msg)
        return codes
