"""From a raw snapshot to validated Parquet, or to a refusal.

A refusal leaves the last good data in place (write, audit, publish). The order is:
parse, conform to the declared types, run the suite, set bad rows aside, and only then
replace the validated file. Refused rows go to quarantine with rule, reason, raw hash
and run, whether or not the rest went through.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from lrtzc_pipelines.checks import Check, built_in_results, drift
from lrtzc_pipelines.conforming import (
    COLUMN,
    REASON,
    RECORD,
    REFUSED_SCHEMA,
    RULE,
    conform,
    record_of_typed,
)
from lrtzc_pipelines.errors import SchemaError, ValidationBlocked
from lrtzc_pipelines.expectations.runner import Finding, run_suite
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.quarantine import write_quarantine
from lrtzc_pipelines.raw_store import RawStore, Snapshot, read_pages
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import (
    DATA,
    ValidatedState,
    file_sha256,
    fingerprint,
    write_state,
)
from lrtzc_pipelines.storage import replacing

VALIDATION_VERSION = 2
"""Raised when this code would validate the same bytes differently."""

_ROWS_PER_GROUP = 250_000


@dataclass(frozen=True)
class Validated:
    """Result of one validation; `state` is None when a check blocked it."""

    checks: tuple[Check, ...]
    state: ValidatedState | None
    quarantined_count: int

    def require(self, spec: SourceSpec) -> ValidatedState:
        """The state of a validation that went through.

        Raises:
            ValidationBlocked: with the checks that stopped it.
        """
        if self.state is None:
            failed = ", ".join(c.name for c in self.checks if c.blocking)
            msg = f"{spec.label}: blocked by {failed}; the previous good data stay"
            raise ValidationBlocked(msg)
        return self.state


def validation_fingerprint(spec: SourceSpec, suite: Suite, snapshot: Snapshot) -> str:
    """Hash of everything a validation depends on."""
    return fingerprint(
        VALIDATION_VERSION,
        snapshot.content_sha256,
        spec.model_dump(mode="json"),
        suite.model_dump(mode="json"),
    )


def validate(
    spec: SourceSpec, suite: Suite, snapshot: Snapshot, layout: Layout, *, run_id: str
) -> Validated:
    """Validates a snapshot and, if nothing blocks, replaces the validated file.

    Raises:
        ParseError: the bytes do not have the declared format.
        SpecError: an expectation cannot be evaluated.
    """
    store = RawStore(layout.raw(*spec.parts), spec.label)
    try:
        conformed = conform(spec, parse(spec, read_pages(store, snapshot)))
    except SchemaError as error:
        return Validated((drift(error),), None, 0)
    checks = built_in_results(spec, conformed, snapshot.announced_total)
    if any(check.blocking for check in checks):
        quarantined = _set_aside(spec, snapshot, layout, conformed.refused, run_id)
        return Validated(tuple(checks), None, quarantined)
    findings = run_suite(conformed.rows, suite)
    checks += [_check(spec, finding) for finding in findings]
    rows, refused = _apply(spec, conformed.rows, findings)
    refused = pl.concat([conformed.refused, refused])
    quarantined = _set_aside(spec, snapshot, layout, refused, run_id)
    if any(check.blocking for check in checks):
        return Validated(tuple(checks), None, quarantined)
    state = ValidatedState(
        source_id=spec.id,
        fingerprint=validation_fingerprint(spec, suite, snapshot),
        snapshot_id=snapshot.id,
        content_sha256=_write(spec, layout, rows),
        row_count=rows.height,
        quarantined_count=quarantined,
        origin=snapshot.origin,
        collected_at=snapshot.collected_at,
        validated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        run_id=run_id,
        continuity=asdict(conformed.continuity),
    )
    write_state(layout.validated(*spec.parts), state)
    return Validated(tuple(checks), state, quarantined)


def _check(spec: SourceSpec, finding: Finding) -> Check:
    expectation = finding.expectation
    action = expectation.meta.on_failure
    failed = not finding.within_tolerance
    details: dict[str, Any] = {
        "rows": finding.element_count,
        "unexpected": finding.unexpected_count,
        "observed": finding.observed,
        "columns": list(expectation.columns),
    }
    # A value that is none of its column's may be a person's that slipped into it.
    personal = [column.name for column in spec.columns if column.is_personal]
    if finding.examples and not personal:
        details["examples"] = list(finding.examples)
    if finding.examples and personal:
        details["examples_hidden"] = f"personal: {', '.join(personal)}"
    return Check(
        expectation.meta.check,
        passed=finding.clean if action == "quarantine" else not failed,
        blocking=failed and action in {"block", "quarantine"},
        action="block" if failed and action == "quarantine" else action,
        details={key: value for key, value in details.items() if value is not None},
    )


def _apply(
    spec: SourceSpec, rows: pl.DataFrame, findings: list[Finding]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that go on, and the ones a suite sets aside."""
    for finding in findings:
        meta = finding.expectation.meta
        if meta.on_failure == "withhold" and not finding.within_tolerance:
            rows = rows.with_columns(
                pl.lit(None, rows.schema[name]).alias(name)
                for name in meta.withheld_columns
            )
    failing = [finding for finding in findings if finding.failing_rows]
    if not failing:
        return rows, pl.DataFrame(schema=REFUSED_SCHEMA)
    lines = pl.concat(
        rows[list(finding.failing_rows)].select(
            PAGE,
            ROW,
            pl.lit(finding.expectation.meta.check).alias(RULE),
            pl.lit(", ".join(finding.expectation.columns)).alias(COLUMN),
            pl.lit(finding.expectation.description).alias(REASON),
            record_of_typed(spec).alias(RECORD),
        )
        for finding in failing
    ).unique(subset=[PAGE, ROW], keep="first", maintain_order=True)
    positions = {row for finding in failing for row in finding.failing_rows}
    bad = pl.Series(sorted(positions), dtype=pl.UInt32)
    at = pl.int_range(pl.len(), dtype=pl.UInt32)
    return rows.filter(~at.is_in(bad.implode())), lines


def _set_aside(
    spec: SourceSpec,
    snapshot: Snapshot,
    layout: Layout,
    refused: pl.DataFrame,
    run_id: str,
) -> int:
    write_quarantine(spec, snapshot, layout, refused, run_id=run_id)
    return refused.height


def _write(spec: SourceSpec, layout: Layout, rows: pl.DataFrame) -> str:
    """Replaces the validated file; sorted by key, so equal data give equal bytes."""
    path = layout.validated(*spec.parts) / DATA
    order = rows.select(pl.arg_sort_by(list(spec.primary_key)))[:, 0]
    schema = rows.drop(PAGE, ROW).clear().to_arrow().schema
    # A slice at a time: a sorted copy of millions of rows would not fit beside them.
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for start in range(0, max(rows.height, 1), _ROWS_PER_GROUP):
            part = rows[order[start : start + _ROWS_PER_GROUP]].drop(PAGE, ROW)
            writer.write_table(part.to_arrow())
    return file_sha256(path)
