"""Checks that every source has, whatever its suite: what they are and what they find.

They tell of columns that came and went, of rows that cannot be read, of pages that
leave holes, and of coordinates that look wrong; what values must satisfy is the
suite's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lrtzc_pipelines.conforming import COLUMN, RULE, Conformed
from lrtzc_pipelines.continuity import Continuity
from lrtzc_pipelines.errors import SchemaError
from lrtzc_pipelines.sources.spec import SourceSpec

TOLERATED_REFUSALS = 0.05
_FEW_ROWS = 10


@dataclass(frozen=True)
class Check:
    """One result as the Dagster UI shows it; free of personal values.

    Attributes:
        blocking: Whether this result stops the source.
        action: What was done: `block`, `quarantine`, `withhold` or `report`.
    """

    name: str
    passed: bool
    blocking: bool = False
    action: str = "report"
    details: dict[str, Any] = field(default_factory=dict)


_BUILT_IN_CHECKS = {
    "schema": "Declared columns are all there; unknown ones are named.",
    "not_empty": "The service sent rows; an empty table is not an update.",
    "readable": "Rows that cannot be read as declared stay within 5 %.",
    "complete": "As many distinct rows came as the service announced.",
    "coordinates": "No pair of coordinates had its axes inverted or is rounded off.",
}
BLOCKING_CHECKS = frozenset({"schema", "not_empty", "readable"})
"""Built-in checks that can stop a source; the others only tell."""


def built_in_checks(spec: SourceSpec) -> dict[str, str]:
    """Checks that a source has besides its suite, and what each is about."""
    has_coordinates = any(column.point for column in spec.columns)
    return {
        name: text
        for name, text in _BUILT_IN_CHECKS.items()
        if name != "coordinates" or has_coordinates
    }


def built_in_results(
    spec: SourceSpec, conformed: Conformed, announced: int | None
) -> list[Check]:
    """What the built-in checks say of rows that were conformed.

    Args:
        spec: The source.
        conformed: Its rows.
        announced: Rows that the service said there are, if it did.
    """
    received = conformed.continuity.distinct
    unreadable = conformed.refused.height
    too_many = unreadable > TOLERATED_REFUSALS * received and unreadable >= _FEW_ROWS
    nothing_left = received > 0 and conformed.rows.is_empty()
    blocked = too_many or nothing_left
    reasons = conformed.refused.group_by(RULE, COLUMN).len().sort("len", RULE, COLUMN)
    results = [
        Check(
            "schema",
            passed=not conformed.unknown_columns,
            details={"unknown_columns": list(conformed.unknown_columns)},
        ),
        Check(
            "not_empty",
            passed=received > 0,
            blocking=received == 0,
            action="block",
            details={"rows": received},
        ),
        Check(
            "readable",
            passed=unreadable == 0,
            blocking=blocked,
            action="block" if blocked else "quarantine",
            details={
                "rows": received,
                "refused": unreadable,
                "by_rule": reasons.to_dicts(),
            },
        ),
        _complete(conformed.continuity, announced),
        Check(
            "coordinates",
            passed=not any(conformed.notes.values()),
            details=dict(conformed.notes),
        ),
    ]
    declared = built_in_checks(spec)
    return [check for check in results if check.name in declared]


def drift(error: SchemaError) -> Check:
    """The check that stops a source whose columns are not those declared."""
    return Check(
        "schema",
        passed=False,
        blocking=True,
        action="block",
        details={
            "drift": str(error),
            "missing_columns": list(error.missing),
            "unknown_columns": list(error.unknown),
        },
    )


def _complete(continuity: Continuity, announced: int | None) -> Check:
    """Pages that overlap add up to the total and yet leave a hole: told, not refused.

    The connectors refuse totals that the pages do not reach.
    """
    # A row that contradicts another is one of those announced.
    came = continuity.received - continuity.repeats
    missing = max(0, (announced or 0) - came)
    details: dict[str, Any] = {"distinct_rows": came, "repeats": continuity.repeats}
    if announced is not None:
        details |= {"announced": announced, "missing_rows": missing}
    return Check("complete", passed=missing == 0, details=details)
