"""The three assets of every source: raw, validated, anonymized.

Bodies only read, call, write and report. A raw asset that finds nothing new yields
only an observation, so that nothing behind it is asked for; a validation that blocks
yields only its failed checks, so that the last good data stay (write, audit, publish).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lrtzc_pipelines.assets.anonymized_asset import build_anonymized_asset
from lrtzc_pipelines.assets.metadata import table_metadata
from lrtzc_pipelines.assets.steps import common, failures, slice_of
from lrtzc_pipelines.checks import BLOCKING_CHECKS, Check, built_in_checks
from lrtzc_pipelines.collecting import Collected, shown_address
from lrtzc_pipelines.errors import NothingYet
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.pending import is_anonymized, is_processed
from lrtzc_pipelines.raw_store import RawStore, Snapshot
from lrtzc_pipelines.resources.collector import Collector
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.validating import (
    Validated,
    validate,
)

Events = Iterator[dg.MaterializeResult | dg.AssetCheckResult | dg.AssetObservation]

_FIRST = {"dagster/priority": "1"}
"""Tag of what a run validates: all of it before anything is anonymized, since audits
read what was validated of other sources. Were it a dependency, a register that is
refused, or has nothing new, would skip every source that is set against it."""


def build_source_assets(spec: SourceSpec, suite: Suite) -> list[dg.AssetsDefinition]:
    """The raw, validated and anonymized assets of one source."""
    return [
        _raw_asset(spec, suite),
        _validated_asset(spec, suite),
        build_anonymized_asset(spec),
    ]


def _raw_asset(spec: SourceSpec, suite: Suite) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", spec.id],
        description=(
            f"{spec.title}. {spec.description}\n\n"
            "Bytes as received, write-once, with their provenance."
        ),
        kinds={"http", "bronze"},
        **common(spec),
    )
    def raw(
        context: dg.AssetExecutionContext,
        platform: Platform,
        collector: Collector,
        progress: Progress,
    ) -> Events:
        progress.step("raw", spec.id)
        part = slice_of(context, spec)
        with failures():
            try:
                collected = collector.collected(context, part)
            except NothingYet as error:
                yield dg.AssetObservation(context.asset_key, description=str(error))
                return
        if is_processed(part, suite, collected.snapshot, platform.layout):
            yield dg.AssetObservation(
                context.asset_key,
                description="Checked: nothing new.",
                metadata=_collection_metadata(collected),
            )
            return
        shown = _collection_metadata(collected)
        shown["address"] = shown_address(platform.target(spec))
        yield _raw_result(spec, collected.snapshot, shown)

    return raw


def _validated_asset(spec: SourceSpec, suite: Suite) -> dg.AssetsDefinition:
    key = dg.AssetKey(["validated", spec.id])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["raw", spec.id])],
        description=f"{spec.title}: typed, one row per key, every check passed.",
        kinds={"polars", "greatexpectations", "parquet", "silver"},
        check_specs=_check_specs(key, spec, suite),
        op_tags=_FIRST,
        **common(spec),
    )
    def validated(
        context: dg.AssetExecutionContext, platform: Platform, progress: Progress
    ) -> Events:
        progress.step("validated", spec.id)
        layout, part = platform.layout, slice_of(context, spec)
        with failures():
            snapshot = _held_snapshot(part, layout)
            result = validate(part, suite, snapshot, layout, run_id=context.run.run_id)
        yield from _check_results(result, spec, suite)
        if result.state is None:
            context.log.error(
                f"{part.label}: blocked; {result.quarantined_count} rows in quarantine"
            )
            return
        if is_anonymized(part, result.state, layout):
            context.log.info(f"{part.label}: the validated data are what they were")
            return
        path = layout.validated(*part.parts) / DATA
        yield dg.MaterializeResult(
            metadata={
                **table_metadata(spec.columns, result.state.row_count, str(path)),
                "quarantined": result.quarantined_count,
                "snapshot": snapshot.id,
                **{k: v for k, v in result.state.continuity.items() if v is not None},
            },
            data_version=dg.DataVersion(result.state.content_sha256),
        )

    return validated


def _held_snapshot(spec: SourceSpec, layout: Layout) -> Snapshot:
    snapshot = RawStore(layout.raw(*spec.parts)).latest()
    if snapshot is None:
        msg = f"{spec.label}: nothing was ever collected"
        raise dg.Failure(msg, allow_retries=False)
    return snapshot


def _raw_result(
    spec: SourceSpec, snapshot: Snapshot, metadata: dict[str, Any]
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "snapshot": snapshot.id,
            "pages": len(snapshot.pages),
            "bytes": snapshot.size,
            "origin": snapshot.origin,
            "licence": spec.licence,
            "collected_at": snapshot.collected_at,
            **metadata,
        },
        data_version=dg.DataVersion(snapshot.content_sha256),
    )


def _collection_metadata(collected: Collected) -> dict[str, Any]:
    return {
        "outcome": str(collected.outcome),
        "evidence": str(collected.evidence),
        "bytes_received": collected.bytes_received,
        "requests": collected.requests,
    }


def _check_specs(
    key: dg.AssetKey, spec: SourceSpec, suite: Suite
) -> list[dg.AssetCheckSpec]:
    built_in = [
        dg.AssetCheckSpec(
            name, asset=key, description=text, blocking=name in BLOCKING_CHECKS
        )
        for name, text in built_in_checks(spec).items()
    ]
    return built_in + [
        dg.AssetCheckSpec(
            item.meta.check,
            asset=key,
            description=f"{item.description} (on failure: {item.meta.on_failure})",
            blocking=item.severity == "critical",
        )
        for item in suite.expectations
    ]


def _check_results(
    result: Validated, spec: SourceSpec, suite: Suite
) -> Iterator[dg.AssetCheckResult]:
    """One result per declared check; those that were not reached say so."""
    found = {check.name: check for check in result.checks}
    names = [*built_in_checks(spec), *(item.meta.check for item in suite.expectations)]
    for name in names:
        check = found.get(name) or Check(
            name, passed=False, details={"not_evaluated": "an earlier check blocked"}
        )
        yield dg.AssetCheckResult(
            check_name=name,
            passed=check.passed,
            severity=(
                dg.AssetCheckSeverity.ERROR
                if check.blocking
                else dg.AssetCheckSeverity.WARN
            ),
            metadata={"action": check.action, **check.details},
        )
