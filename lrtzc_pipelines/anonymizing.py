"""From validated to anonymized Parquet: the last step before the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import polars as pl

from lrtzc_pipelines.errors import AuditFailed
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.anonymize import ANONYMIZATION_VERSION, anonymize
from lrtzc_pipelines.privacy.audit import Finding, audit
from lrtzc_pipelines.privacy.code_tables import tables_digest
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.linked_registers import held_registers, register_versions
from lrtzc_pipelines.privacy.released import Released, linked_releases
from lrtzc_pipelines.privacy.releasing import release
from lrtzc_pipelines.slicing import TIMEZONE
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import (
    DATA,
    STATE,
    AnonymizedState,
    ValidatedState,
    file_sha256,
    fingerprint,
    read_state,
    write_state,
)
from lrtzc_pipelines.storage import read_json, replacing, write_json

REPORT = "privacy.json"
"""File beside the data that says how they were protected, and at what cost."""

_ZONE = ZoneInfo(TIMEZONE)
_NONE: Mapping[str, SourceSpec] = MappingProxyType({})


def anonymization_fingerprint(
    spec: SourceSpec,
    validated: ValidatedState,
    registers: Mapping[str, str] | None = None,
) -> str:
    """Hash of everything an anonymization depends on, and its audit.

    Args:
        spec: The source.
        validated: What it is made of.
        registers: Content of the registers that it is set against, by source.
    """
    rules = [column.model_dump(mode="json") for column in spec.columns]
    parts = [ANONYMIZATION_VERSION, validated.content_sha256, rules]
    if spec.protection is None:
        return fingerprint(*parts, None)
    policy = spec.protection.model_dump(mode="json")
    tables = tables_digest(spec.protection.code_tables)
    return fingerprint(*parts, policy, tables, dict(registers or {}))


def write_anonymized(
    spec: SourceSpec,
    layout: Layout,
    *,
    run_id: str,
    specs: Mapping[str, SourceSpec] = _NONE,
) -> tuple[AnonymizedState, bool]:
    """Replaces a source's anonymized file.

    Args:
        spec: The source.
        layout: Where everything is.
        run_id: Who does it.
        specs: The sources that it is linked with, by id; others are not looked at.

    Returns:
        The new state, and whether the data differ from what was there.

    Raises:
        FileNotFoundError: the source has no validated data.
        AuditFailed: what a protection made does not pass its audit; what was there
            before is withdrawn, since nobody knows any more that it would.
    """
    source, folder = layout.validated(*spec.parts), layout.anonymized(*spec.parts)
    validated = read_state(ValidatedState, source)
    if validated is None:
        msg = f"{spec.label}: no validated data to anonymize"
        raise FileNotFoundError(msg)
    before = read_state(AnonymizedState, folder)
    row_count = validated.row_count
    registers = held_registers(spec, layout, validated.origin)
    versions = register_versions(spec, layout, validated.origin)
    with replacing(folder / DATA) as temporary:
        if spec.protection:
            linked = linked_releases(spec, layout, specs, validated.origin)
            beside = _Beside(linked, registers)
            row_count = _write_protected(spec, layout, temporary, validated, beside)
        else:
            frame = anonymize(spec, pl.scan_parquet(source / DATA))
            frame.sink_parquet(temporary, compression="zstd", statistics=True)
    content = file_sha256(folder / DATA)
    changed = before is None or before.content_sha256 != content
    state = AnonymizedState(
        source_id=spec.id,
        fingerprint=anonymization_fingerprint(spec, validated, versions),
        snapshot_id=validated.snapshot_id,
        content_sha256=content,
        row_count=row_count,
        quarantined_count=validated.quarantined_count,
        origin=validated.origin,
        collected_at=validated.collected_at,
        data_changed_at=(
            datetime.now(UTC).isoformat(timespec="seconds")
            if before is None or changed
            else before.data_changed_at
        ),
        run_id=run_id,
    )
    write_state(folder, state)
    return state, changed


def audited(spec: SourceSpec, layout: Layout) -> list[Finding]:
    """What the audit of a source's anonymized file found; nothing without protection.

    Every check passed: a file that fails one is not there.
    """
    report = read_json(layout.anonymized(*spec.parts) / REPORT)
    if spec.protection is None or report is None:
        return []
    return [
        Finding(name, passed=True, details=details)
        for name, details in report["audit"].items()
    ]


@dataclass(frozen=True)
class _Beside:
    """What others hold of the same persons or firms.

    Attributes:
        released: Linked sources, as they were released.
        registers: Validated files of registers, by source.
    """

    released: Sequence[Released]
    registers: Mapping[str, Path]


def _write_protected(
    spec: SourceSpec,
    layout: Layout,
    written: Path,
    state: ValidatedState,
    beside: _Beside,
) -> int:
    """Writes what a protection lets go on, once it has been audited; its rows.

    The report stands beside the data, for the manifest of releases.
    """
    ledger = Ledger(
        layout.ledger(state.origin, *spec.parts),
        spec.label,
        invented=state.origin == "sandbox",
    )
    validated = layout.validated(*spec.parts) / DATA
    folder = layout.anonymized(*spec.parts)
    collected = datetime.fromisoformat(state.collected_at).astimezone(_ZONE).date()
    rows = pl.read_parquet(validated)
    released = release(spec, rows, ledger, beside.released, collected)
    released.rows.write_parquet(written, compression="zstd", statistics=True)
    findings = audit(
        spec,
        written,
        validated,
        ledger,
        released=beside.released,
        registers=beside.registers,
    )
    failed = [finding for finding in findings if not finding.passed]
    if failed:
        for name in (STATE, DATA, REPORT):
            (folder / name).unlink(missing_ok=True)
        told = "; ".join(f"{f.check}: {f.details}" for f in failed)
        msg = f"{spec.label}: the audit of what was written failed: {told}"
        raise AuditFailed(msg, findings)
    report = {
        **released.report,
        "policy_sha256": fingerprint(released.report["policy"]),
        "audit": {finding.check: finding.details for finding in findings},
    }
    released.write_down(ledger)
    write_json(folder / REPORT, report)
    return released.rows.height
