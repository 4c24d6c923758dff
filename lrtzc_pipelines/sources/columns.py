"""One column of a source: its name, type, unit and privacy rule."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.frozen import Frozen


class ColumnType(StrEnum):
    """Type of a validated column."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


_CONSTANTS: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.TEXT: (str,),
    ColumnType.INTEGER: (int,),
    ColumnType.NUMBER: (int, float),
    ColumnType.BOOLEAN: (int,),
}


@cache
def _timezones() -> set[str]:
    # A walk through hundreds of files.
    return available_timezones()


class GeneralizeTime(Frozen):
    """Truncate a date or datetime to the start of a period (Polars duration)."""

    time: Annotated[str, Field(pattern=r"^[1-9]\d*(m|h|d|w|mo|y)$")]


class GeneralizeNumber(Frozen):
    """Round a number down to a multiple of `step`."""

    step: Annotated[float, Field(gt=0)]


class GeneralizeText(Frozen):
    """Keep only the first `prefix` characters of a text."""

    prefix: Annotated[int, Field(ge=1)]


class Generalize(Frozen):
    """Privacy rule that keeps a coarser value."""

    generalize: GeneralizeTime | GeneralizeNumber | GeneralizeText


PrivacyRule = Literal["keep", "drop", "subject", "quasi", "sensitive"] | Generalize
"""What happens to a column between validated and anonymized data.

`subject`, `quasi` and `sensitive` are for sources with a `protection`: whose the row
is, what somebody might know of them, and what nobody may learn.
"""


class State(StrEnum):
    """Why a cell has no value, where a producer tells; zero is a value."""

    OBSERVED = "observed"
    MISSING = "missing"
    SECRET = "secret"  # noqa: S105 - a statistical secret
    NOT_OCCURRING = "not_occurring"


class Point(Frozen):
    """Reads one coordinate out of a text that holds two, in degrees.

    Attributes:
        order: How the producer orders them, whatever stands around and between.
        part: The coordinate that this column takes.
        swap: Whether pairs that lie in mainland France only with their axes swapped
            are swapped, and counted.
    """

    order: Literal["lat,lon", "lon,lat"]
    part: Literal["latitude", "longitude"]
    swap: bool = True


class Column(Frozen):
    """One column: what the producer calls it and what the platform makes of it.

    Exactly one of `source` (the producer's name), `constant` and `state_of` is given.

    Attributes:
        state_of: Column whose state (`State`) this one tells, as text.
        states: Texts that stand for a state in place of a value, such as
            `{secret: [S], missing: [ND, "-999"]}`; a blank is missing unless said.
        strip: Characters taken off both ends of a value, such as quotes that the
            producer left in it; white space always is.
        blank_as: Text that stands for a blank, so that it can be part of a key.
        point: For a coordinate inside a text that holds two.
        decimal: Decimal mark, where it is not the format's.
        epoch: Unit of a datetime written as a number since 1970.
        stamp: Where in its step a value is stamped; `end` with a `step` is moved to
            the start of the step.
        step: Length of a step (Polars duration), for `stamp: end`.
        ambiguous: Which pass of the hour that comes twice in autumn is meant;
            `by_order` takes the first and then the second, within each value of the
            columns named in `ambiguous_within`.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    source: str | None = None
    constant: int | float | str | None = None
    state_of: str | None = None
    type: ColumnType
    description: Annotated[str, Field(min_length=3)]
    privacy: PrivacyRule
    unit: str | None = None
    required: bool = False
    states: dict[State, tuple[str, ...]] = Field(default_factory=dict)
    strip: Annotated[str, Field(min_length=1)] | None = None
    blank_as: Annotated[str, Field(min_length=1)] | None = None
    point: Point | None = None
    decimal: Literal[".", ","] | None = None
    timezone: str | None = None
    datetime_format: str | None = None
    epoch: Literal["s", "ms"] | None = None
    stamp: Literal["start", "end"] = "start"
    step: Annotated[str, Field(pattern=r"^[1-9]\d*(s|m|h|d)$")] | None = None
    ambiguous: Literal["earliest", "latest", "by_order"] = "earliest"
    ambiguous_within: tuple[str, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None and value not in _timezones():
            msg = f"unknown time zone {value!r}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        given = [self.source, self.constant, self.state_of]
        if sum(value is not None for value in given) != 1:
            msg = f"column {self.name}: give one of source, constant and state_of"
            raise ValueError(msg)
        suited = _CONSTANTS.get(self.type, ())
        if self.constant is not None and not isinstance(self.constant, suited):
            msg = f"column {self.name}: no constant {self.constant!r} in {self.type}"
            raise ValueError(msg)
        if self.type is ColumnType.DATETIME and self.source and not self.timezone:
            msg = f"column {self.name}: a datetime needs its timezone"
            raise ValueError(msg)
        if isinstance(self.privacy, Generalize):
            self._check_generalization(self.privacy)
        problem = self._option_problem()
        if problem:
            msg = f"column {self.name}: {problem}"
            raise ValueError(msg)
        return self

    def _option_problem(self) -> str | None:
        """An option that does not suit the column's type, or lacks its other half."""
        is_time = self.type is ColumnType.DATETIME
        unsuited = {
            "state_of is a text": self.state_of and self.type is not ColumnType.TEXT,
            "blank_as is a text": self.blank_as and self.type is not ColumnType.TEXT,
            "point gives a number": self.point and self.type is not ColumnType.NUMBER,
            "epoch makes a datetime": self.epoch and not is_time,
            "stamp: end moves a datetime by its step": self.stamp == "end"
            and not (is_time and self.step),
            "observed is what has a value": State.OBSERVED in self.states,
        }
        return next((text for text, is_wrong in unsuited.items() if is_wrong), None)

    @property
    def state_texts(self) -> list[str]:
        """Every text that stands for a state."""
        return [text for texts in self.states.values() for text in texts]

    def _check_generalization(self, rule: Generalize) -> None:
        suits: dict[type, set[ColumnType]] = {
            GeneralizeTime: {ColumnType.DATE, ColumnType.DATETIME},
            GeneralizeNumber: {ColumnType.INTEGER, ColumnType.NUMBER},
            GeneralizeText: {ColumnType.TEXT},
        }
        if self.type not in suits[type(rule.generalize)]:
            msg = f"column {self.name}: {rule.generalize!r} does not suit {self.type}"
            raise ValueError(msg)
        step = getattr(rule.generalize, "step", 1)
        if self.type is ColumnType.INTEGER and step != int(step):
            msg = f"column {self.name}: an integer needs a step without decimals"
            raise ValueError(msg)

    @property
    def is_personal(self) -> bool:
        """Whether a value may never be shown in logs, previews or check results."""
        return self.privacy != "keep"
