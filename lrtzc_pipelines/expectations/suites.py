"""Suites as files: Great Expectations' own JSON, plus what to do when one fails.

Each expectation carries in its `meta` a `check` (its name in the Dagster UI) and an
`on_failure`:

- `block`: nothing is published, the previous good data stay;
- `quarantine`: the failing rows leave the data, which go on without them, unless more
  fail than `mostly` allows: then it blocks;
- `withhold`: the columns in `withheld_columns` are emptied, the rows go on;
- `report`: said, and nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.frozen import Frozen
from lrtzc_pipelines.sources.registry import SUITES_DIR, explain
from lrtzc_pipelines.sources.spec import SourceSpec

OnFailure = Literal["block", "quarantine", "withhold", "report"]


class ExpectationMeta(Frozen):
    """What the platform adds to an expectation."""

    check: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    on_failure: OnFailure
    withheld_columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.on_failure == "withhold") != bool(self.withheld_columns):
            msg = "withheld_columns goes with on_failure: withhold, and only with it"
            raise ValueError(msg)
        return self


class Expectation(BaseModel):
    """One expectation, in the keys Great Expectations reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(pattern=r"^expect_[a-z_]+$")
    kwargs: dict[str, Any]
    meta: ExpectationMeta
    description: str = Field(min_length=5)
    severity: Literal["critical", "warning", "info"]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the expectation looks at."""
        names = [
            self.kwargs[key]
            for key in ("column", "column_A", "column_B")
            if key in self.kwargs
        ]
        return (*names, *self.kwargs.get("column_list", ()))

    @property
    def is_row_level(self) -> bool:
        """Whether single rows can fail, so that `mostly` and quarantine make sense."""
        return "_values_" in self.type or "select_column" in self.type

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        action = self.meta.on_failure
        if action in {"block", "quarantine"} and self.severity != "critical":
            msg = f"{self.meta.check}: on_failure {action} needs severity critical"
            raise ValueError(msg)
        if action in {"withhold", "report"} and self.severity == "critical":
            msg = f"{self.meta.check}: severity critical blocks; {action} does not"
            raise ValueError(msg)
        if action == "quarantine" and not self.is_row_level:
            msg = f"{self.meta.check}: {self.type} has no failing rows to quarantine"
            raise ValueError(msg)
        return self

    def as_configuration(self) -> dict[str, Any]:
        """The expectation as Great Expectations takes it."""
        return {
            "type": self.type,
            "kwargs": self.kwargs,
            "meta": {"check": self.meta.check},
            "severity": self.severity,
        }


class Suite(Frozen):
    """The expectations of one source."""

    name: str
    expectations: tuple[Expectation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [item.meta.check for item in self.expectations]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            msg = f"check declared twice: {', '.join(repeated)}"
            raise ValueError(msg)
        return self


def load_suite(spec: SourceSpec, directory: Path = SUITES_DIR) -> Suite:
    """The suite of a source, from `<id>.json`.

    Raises:
        SpecError: absent, not JSON, of another shape, or about unknown columns.
    """
    path = directory / f"{spec.id}.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        suite = Suite.model_validate(data)
    except FileNotFoundError:
        msg = f"{path.name}: every source needs a suite, and this one has none"
        raise SpecError(msg) from None
    except json.JSONDecodeError as error:
        msg = f"{path.name}: not JSON: {error}"
        raise SpecError(msg) from error
    except ValidationError as error:
        raise explain(path, data, error) from None
    if suite.name != spec.id:
        msg = f"{path.name}: name: is {suite.name!r}, the file name says {spec.id!r}"
        raise SpecError(msg)
    for item in suite.expectations:
        if problem := _column_problem(spec, item):
            msg = f"{path.name}: {item.meta.check}: {problem}"
            raise SpecError(msg)
    return suite


def _column_problem(spec: SourceSpec, item: Expectation) -> str | None:
    """What keeps an expectation from being evaluated on a source's columns."""
    declared = {column.name for column in spec.columns}
    for name in (*item.columns, *item.meta.withheld_columns):
        if name not in declared:
            return f"unknown column {name!r}"
    compared = item.type.startswith("expect_column_pair_")
    blank = [name for name in item.columns if not spec.column(name).required]
    if compared and blank and "ignore_row_if" not in item.kwargs:
        return f"{blank[0]} may be blank: say ignore_row_if"
    return None
