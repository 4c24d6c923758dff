"""The last asset of a source before the warehouse, and the checks of its audit.

A protected source's file was written and audited before it got its name; an audit that
fails yields its failed checks, which block whatever builds on the asset.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import dagster as dg

from lrtzc_pipelines.anonymizing import audited, write_anonymized
from lrtzc_pipelines.assets.metadata import table_metadata
from lrtzc_pipelines.assets.steps import common, failures, slice_of
from lrtzc_pipelines.errors import AuditFailed
from lrtzc_pipelines.privacy.audit import CHECKS, Finding
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA

Events = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


def build_anonymized_asset(spec: SourceSpec) -> dg.AssetsDefinition:
    """The anonymized asset of a source, with the checks of its audit if it has any."""
    key = dg.AssetKey(["anonymized", spec.id])

    @dg.asset(
        key=key,
        deps=_deps(spec),
        description=(
            f"{spec.title}: what is left once every column's privacy rule is applied. "
            "Only this layer feeds the warehouse."
        ),
        kinds={"polars", "parquet", "gold"},
        check_specs=_check_specs(key, spec),
        freshness_policy=_freshness(spec),
        **common(spec),
    )
    def anonymized(
        context: dg.AssetExecutionContext, platform: Platform, progress: Progress
    ) -> Events:
        progress.step("anonymized", spec.id)
        part = slice_of(context, spec)
        try:
            with failures():
                state, changed = write_anonymized(
                    part,
                    platform.layout,
                    run_id=context.run.run_id,
                    specs=platform.specs,
                )
        except AuditFailed as failed:
            findings = failed.findings
        else:
            findings = audited(part, platform.layout)
        yield from _check_results(key, findings)
        if not all(finding.passed for finding in findings):
            context.log.error(f"{part.label}: its audit failed; it was withdrawn")
            return
        path = platform.layout.anonymized(*part.parts) / DATA
        yield dg.MaterializeResult(
            metadata={
                **table_metadata(spec.published_columns, state.row_count, str(path)),
                "changed": changed,
                "origin": state.origin,
                "licence": spec.released_licence,
            },
            data_version=dg.DataVersion(state.content_sha256),
        )

    return anonymized


def _deps(spec: SourceSpec) -> list[dg.AssetKey]:
    """What has to be there before: all that tells of the same rows, in one order.

    All linked sources have their new rows before the first of them goes on, and each
    sees what went on before it.
    """
    earlier = [other for other in sorted(spec.linked) if other < spec.id]
    return [
        *(dg.AssetKey(["validated", one]) for one in (spec.id, *spec.linked)),
        *(dg.AssetKey(["anonymized", one]) for one in earlier),
    ]


def _check_specs(key: dg.AssetKey, spec: SourceSpec) -> list[dg.AssetCheckSpec]:
    if spec.protection is None:
        return []
    return [
        dg.AssetCheckSpec(f"audit_{name}", asset=key, description=text, blocking=True)
        for name, text in CHECKS.items()
    ]


def _check_results(
    key: dg.AssetKey, findings: Iterable[Finding]
) -> Iterator[dg.AssetCheckResult]:
    for finding in findings:
        yield dg.AssetCheckResult(
            check_name=f"audit_{finding.check}",
            asset_key=key,
            passed=finding.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata=finding.details,
        )


def _freshness(spec: SourceSpec) -> dg.FreshnessPolicy:
    window = timedelta(days=spec.freshness_days)
    return dg.FreshnessPolicy.time_window(fail_window=window)
