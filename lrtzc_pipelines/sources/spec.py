"""The models of a source specification and of an endpoint.

They are frozen and refuse unknown keys, so a misspelt option fails when it is loaded
rather than being ignored. What belongs here: the shape of a specification and the
rules that hold inside one file. Finding the files is `registry`'s work.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.formats import FORMATS_OF, Format
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.processing import Processing
from lrtzc_pipelines.sources.protection import Protection
from lrtzc_pipelines.sources.protocols import Connector
from lrtzc_pipelines.sources.pseudonymised import Pseudonymised

LICENCES = frozenset(
    {
        "etalab-2.0",
        "ODbL-1.0",
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "Apache-2.0",
        "LicenseRef-partner-agreement",
    }
)
"""Licences a source may declare: SPDX identifiers, plus France's `etalab-2.0`."""

ID_PATTERN = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")
"""A source id: `<producer>_<dataset>` in snake_case."""


class Tier(StrEnum):
    """Who may read a dataset."""

    OPEN = "open"
    PARTNERS = "partners"
    RESTRICTED = "restricted"


class Cadence(StrEnum):
    """How often a source is collected; one nightly schedule serves each value."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Theme(StrEnum):
    """Catalogue group a source is shown under."""

    TERRITORY = "territory"
    ENERGY = "energy"
    MOBILITY = "mobility"
    WASTE = "waste"
    AIR = "air"
    WATER = "water"
    BIODIVERSITY = "biodiversity"
    FOOD = "food"
    TOURISM = "tourism"
    ECONOMY = "economy"
    PARTICIPATION = "participation"
    CARBON = "carbon"
    CATALOGUE = "catalogue"


class SourceSpec(Frozen):
    """Everything the platform knows about one dataset before it is collected.

    A source partitioned by day is asked for one day at a time; `late_days` is how many
    days back each night looks for data that came late. `for_day` gives the slice of a
    day, which goes through the platform as a source of its own.

    `id` is `<producer>_<dataset>` and names the YAML file, the suite, the asset keys,
    the folders, the dbt source and the test case alike. `ignored_columns` are names
    the producer is known to send and that are left in raw; any other unknown column is
    reported.
    """

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    title: Annotated[str, Field(min_length=5)]
    description: Annotated[str, Field(min_length=20)]
    producer: str
    homepage: Annotated[str, Field(pattern=r"^https?://")]
    licence: str
    tier: Tier
    axis: Annotated[int, Field(ge=1, le=10)]
    theme: Theme
    owner: Annotated[str, Field(pattern=r"^(team:[a-z0-9_-]+|[^@\s]+@[^@\s]+)$")]
    endpoint: str
    connector: Connector
    format: Format
    cadence: Cadence
    partitioning: Literal["none", "daily"] = "none"
    first_day: date | None = None
    late_days: Annotated[int, Field(ge=0, le=60)] = 0
    primary_key: Annotated[tuple[str, ...], Field(min_length=1)]
    freshness_days: Annotated[int, Field(ge=1)]
    raw_retention_days: Annotated[int, Field(ge=1)]
    ignored_columns: tuple[str, ...] = ()
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    protection: Protection | None = None
    # Not part of what decides how rows are made: other words make no other data.
    pseudonymised: Pseudonymised | None = Field(default=None, exclude=True)
    processing: Processing | None = Field(default=None, exclude=True)
    _day: date | None = PrivateAttr(default=None)

    @field_validator("licence")
    @classmethod
    def _known_licence(cls, value: str) -> str:
        if value not in LICENCES:
            msg = f"{value!r} is not one of {', '.join(sorted(LICENCES))}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _known_open_licence(self) -> Self:
        if self._open_licence and self._open_licence not in LICENCES:
            msg = f"open_licence: {self._open_licence!r} is not one that is known"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        allowed = FORMATS_OF[self.connector.kind]
        if self.format.kind not in allowed:
            msg = (
                f"format {self.format.kind} does not come from connector "
                f"{self.connector.kind}, which gives {' or '.join(sorted(allowed))}"
            )
            raise ValueError(msg)
        names = [column.name for column in self.columns]
        for label, values in (
            ("column", names),
            (
                "source column",
                [c.source for c in self.columns if c.source and not c.point],
            ),
            ("primary_key", self.primary_key),
        ):
            repeated = sorted({v for v in values if values.count(v) > 1})
            if repeated:
                msg = f"{label} declared twice: {', '.join(repeated)}"
                raise ValueError(msg)
        for key in self.primary_key:
            if key not in names:
                msg = f"primary_key names {key!r}, which is not a column"
                raise ValueError(msg)
            if not self.column(key).required:
                msg = f"column {key}: part of the primary key, so required: true"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _partitioned_from_a_day(self) -> Self:
        if (self.partitioning == "daily") != (self.first_day is not None):
            msg = "first_day: goes with partitioning: daily, and is needed there"
            raise ValueError(msg)
        if self.late_days and self.partitioning == "none":
            msg = "late_days: only for partitioning: daily"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _columns_that_follow_others(self) -> Self:
        names = {column.name for column in self.columns}
        sources = {column.source for column in self.columns}
        for column in self.columns:
            if column.state_of and column.state_of not in names:
                msg = f"column {column.name}: state_of names no column"
                raise ValueError(msg)
            if not sources.issuperset(column.ambiguous_within):
                msg = f"column {column.name}: ambiguous_within names no source column"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _protected_as_classified(self) -> Self:
        """Every column says what it is to the protection, and the protection agrees."""
        classes = {"subject", "quasi", "sensitive"}
        used = self.protection.used if self.protection else {}
        for column in self.columns:
            expected = used.pop(column.name, None)
            if expected and column.privacy != expected:
                msg = (
                    f"column {column.name}: privacy: {expected}, as protection uses it"
                )
                raise ValueError(msg)
            if not expected and column.privacy in classes:
                msg = f"column {column.name}: no protection uses it as {column.privacy}"
                raise ValueError(msg)
            aggregated = self.protection and self.protection.release != "microdata"
            if aggregated and not expected and column.privacy != "drop":
                msg = f"column {column.name}: is in no cell, so privacy: drop"
                raise ValueError(msg)
        if used:
            msg = f"protection: uses {', '.join(used)}, which are no columns"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _pseudonymised_of_columns(self) -> Self:
        policy = self.pseudonymised
        if policy is None:
            return self
        types = {column.name: column.type for column in self.columns}
        unknown = sorted(set(policy.used) - set(types))
        if unknown:
            msg = f"pseudonymised: uses {', '.join(unknown)}, which are no columns"
            raise ValueError(msg)
        if types[policy.period_of] not in {ColumnType.DATE, ColumnType.DATETIME}:
            msg = f"pseudonymised: period_of: {policy.period_of} is no day or moment"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _protected_columns(self) -> Self:
        if self.protection:
            columns = {column.name: column for column in self.columns}
            self.protection.check_columns(columns, is_daily=self.is_daily)
        return self

    @property
    def linked(self) -> tuple[str, ...]:
        """Sources that publish other tables of the same rows."""
        policy = self.protection
        return policy.linked if isinstance(policy, CellProtection) else ()

    def for_day(self, day: date) -> SourceSpec:
        """The slice of one day: its connector asks for that day only."""
        part = self.model_copy(update={"connector": self.connector.for_day(day)})
        part._day = day  # noqa: SLF001 - our own
        return part

    @property
    def released_tier(self) -> Tier:
        """Who may read what goes on."""
        return Tier.OPEN if self._open_licence else self.tier

    @property
    def released_licence(self) -> str:
        """Licence of what goes on."""
        return self._open_licence or self.licence

    @property
    def _open_licence(self) -> str | None:
        return self.protection.open_licence if self.protection else None

    @property
    def is_daily(self) -> bool:
        """Whether the source is partitioned by day."""
        return self.partitioning == "daily"

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the folders that this source, or this slice of it, has."""
        return (self.id, self._day.isoformat()) if self._day else (self.id,)

    @property
    def label(self) -> str:
        """What messages call it: its id, and the day of a slice."""
        return " ".join(self.parts)

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @cached_property
    def published_columns(self) -> tuple[Column, ...]:
        """Columns of what goes on, in order: those left, or those of the protection."""
        if self.protection:
            return self.protection.columns({c.name: c for c in self.columns})
        return tuple(c for c in self.columns if c.privacy != "drop")


class Endpoint(Frozen):
    """One outside service: where it is and how gently to use it."""

    id: Annotated[str, Field(pattern=re.compile(r"^[a-z][a-z0-9_]*$"))]
    title: str
    base_url: Annotated[str, Field(pattern=r"^(https?|mqtts?|file)://")]
    requests_per_second: Annotated[float, Field(gt=0)]
    contact: str
    key_required: bool = False
