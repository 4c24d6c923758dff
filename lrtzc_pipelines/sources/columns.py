"""One column of a source: its name, type, unit and privacy rule."""

from __future__ import annotations

from enum import StrEnum
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


PrivacyRule = Literal["keep", "drop"] | Generalize
"""What happens to a column between validated and anonymized data."""


class Column(Frozen):
    """One column: what the producer calls it and what the platform makes of it.

    Exactly one of `source` (the producer's name) and `constant` is given.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    source: str | None = None
    constant: int | float | str | None = None
    type: ColumnType
    description: Annotated[str, Field(min_length=3)]
    privacy: PrivacyRule
    unit: str | None = None
    required: bool = False
    timezone: str | None = None
    datetime_format: str | None = None

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            msg = f"unknown time zone {value!r}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.source is None) == (self.constant is None):
            msg = f"column {self.name}: give either source or constant"
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
        return self

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
