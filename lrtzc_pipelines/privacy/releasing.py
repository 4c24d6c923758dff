"""From validated rows to what may be released, given what already was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_units import unit_rows
from lrtzc_pipelines.privacy.code_tables import tables_digest
from lrtzc_pipelines.privacy.contributions import contributions, summed
from lrtzc_pipelines.privacy.grid import with_points
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise_releasing import release_noisy
from lrtzc_pipelines.privacy.protecting import Protected, protect_source
from lrtzc_pipelines.privacy.released import Released
from lrtzc_pipelines.privacy.republishing import ChangeRule, Settled, settle
from lrtzc_pipelines.privacy.row_contributions import row_contributions
from lrtzc_pipelines.privacy.table_republishing import settle_tables
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
    NoiseProtection,
    Protection,
)
from lrtzc_pipelines.sources.spec import SourceSpec

_MADE_BY: dict[str, tuple[str, ...]] = {
    "aggregate": ("subject", "dimensions", "grains", "fall_back", "measures"),
    "cells": (
        "subject",
        "dimensions",
        "takes",
        "separate_by",
        "tables",
        "linked",
        "measure",
    ),
    "microdata": ("subject", "quasi", "sensitive"),
    "noisy_counts": ("subject", "dimensions", "takes", "categories", "period"),
}
"""What of a policy decides what its cells are; thresholds may change."""

_LEVELS = "levels"


@dataclass(frozen=True)
class Releasable:
    """What goes on of a source, once it is written down.

    Attributes:
        rows: The source's published columns.
        report: What was asked, what was achieved, what it cost, what was held back.
    """

    rows: pl.DataFrame
    report: dict[str, Any]
    _series: dict[str, Any]
    _settled: Settled

    def write_down(self, ledger: Ledger) -> None:
        """Enters the release into the ledger; to be done before it happens."""
        settled = self._settled
        if settled.changed.height:
            ledger.record(self._series, settled.changed, settled.persons)


def release(
    spec: SourceSpec,
    frame: pl.DataFrame,
    ledger: Ledger,
    linked: Sequence[Released] = (),
    collected: date | None = None,
) -> Releasable:
    """What goes on of a source, by its protection and by what went on before.

    Args:
        spec: A source that has a protection.
        frame: Its validated rows.
        ledger: What of it was released before.
        linked: What linked sources have released of the same rows.
        collected: Day the rows were collected, which decides what is over; today by
            default.

    Raises:
        LrtzcError: nothing can be let go on.
        PrivacyError: its rules changed since, or its budget is spent.
    """
    if spec.protection is None:
        msg = f"{spec.label}: has no protection"
        raise LrtzcError(msg)
    series = _series(spec.protection)
    ledger.check(series)
    frame = with_points(frame, spec.protection.points)
    if isinstance(policy := spec.protection, NoiseProtection):
        day = collected or datetime.now(UTC).date()
        report, settled = release_noisy(spec, policy, frame, ledger, day)
        report["republication"] = settled.report
        return Releasable(settled.cells, report, series, settled)
    # Classes of rows can be compared only if they are made alike.
    levels = ledger.series.get(_LEVELS)
    protected = protect_source(spec, frame, levels, linked)
    settled = _settled(spec, frame, protected, ledger)
    if isinstance(spec.protection, MicrodataProtection):
        series[_LEVELS] = protected.report[_LEVELS]
    report = {**protected.report, "republication": settled.report}
    return Releasable(settled.cells, report, series, settled)


def _series(policy: Protection) -> dict[str, Any]:
    """What decides which cells a policy makes, points and tables of codes included."""
    told = policy.model_dump(mode="json")
    series = {name: told[name] for name in _MADE_BY[policy.release]}
    if policy.points:
        series["points"] = told["points"]
    if policy.code_tables:
        series["code_tables"] = tables_digest(policy.code_tables)
    return series


def _settled(
    spec: SourceSpec, frame: pl.DataFrame, protected: Protected, ledger: Ledger
) -> Settled:
    match spec.protection:
        case AggregateProtection() as policy:
            found = contributions(frame, protected.rows, policy, ledger.salt)
            rule = ChangeRule(policy.min_subjects, policy.max_share, summed(policy))
            return settle(*found, ledger, rule)
        case MicrodataProtection() as policy:
            levels = protected.report[_LEVELS]
            rows, persons = row_contributions(
                spec, frame, protected.rows, levels, ledger.salt
            )
            return settle(rows, persons, ledger, ChangeRule(policy.k, rows=True))
        case CellProtection() as policy:
            units = unit_rows(frame, policy)
            now = datetime.now(UTC)
            return settle_tables(units, protected.rows, policy, ledger, now)
        case NoiseProtection() | None:
            msg = f"{spec.label}: has no protection that is settled by persons"
            raise LrtzcError(msg)
