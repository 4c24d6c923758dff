"""Rows under pseudonyms, for work inside the private zone: still personal data."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.takes import Take, check_take


class Pseudonymised(Frozen):
    """What an extract under pseudonyms holds, and how long its pseudonyms last.

    Attributes:
        purpose: What it is for, and who decided so.
        domain: What may be joined with what: one identifier has other pseudonyms in
            another domain.
        rotation: How long an identifier keeps its pseudonym.
        period_of: Column whose day says which period a row is in.
        identifiers: Columns that become pseudonyms.
        columns: What is taken of each other column that is kept.
    """

    purpose: Annotated[str, Field(min_length=20)]
    domain: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    rotation: Literal["month", "year"]
    period_of: str
    identifiers: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: dict[str, Take]

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: dict[str, str]) -> dict[str, str]:
        for take in columns.values():
            check_take(take)
        return columns

    @model_validator(mode="after")
    def _once(self) -> Self:
        both = sorted(set(self.identifiers) & set(self.columns))
        if both:
            msg = f"pseudonymised: {', '.join(both)} would stand beside its pseudonym"
            raise ValueError(msg)
        return self

    @property
    def used(self) -> list[str]:
        """Columns of the source that it needs."""
        return [*self.identifiers, *self.columns, self.period_of]
