"""From validated to anonymized Parquet: the last step before the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import polars as pl

from lrtzc_pipelines.errors import LrtzcError, PrivacyError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.anonymize import ANONYMIZATION_VERSION, anonymize
from lrtzc_pipelines.privacy.audit import audit
from lrtzc_pipelines.privacy.protecting import protect_source
from lrtzc_pipelines.privacy.released import Released
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
from lrtzc_pipelines.storage import replacing, write_json

REPORT = "privacy.json"
"""File beside the data that says how they were protected, and at what cost."""


_NONE: Mapping[str, SourceSpec] = MappingProxyType({})


def anonymization_fingerprint(spec: SourceSpec, validated: ValidatedState) -> str:
    """Hash of everything an anonymization depends on."""
    rules = [column.model_dump(mode="json") for column in spec.columns]
    policy = spec.protection.model_dump(mode="json") if spec.protection else None
    return fingerprint(ANONYMIZATION_VERSION, validated.content_sha256, rules, policy)


def write_anonymized(
    spec: SourceSpec,
    layout: Layout,
    *,
    run_id: str,
    specs: Mapping[str, SourceSpec] = _NONE,
) -> tuple[AnonymizedState, bool]:
    """Replaces a source's anonymized file.

    What a linked source has published of the rows it now holds is given, and protected
    together with this. What it published of other rows, which it is to publish anew, is
    withdrawn: one could be subtracted from the other.

    Args:
        spec: The source.
        layout: Where everything is.
        run_id: Who does it.
        specs: The sources that it is linked with, by id; others are not looked at.

    Returns:
        The new state, and whether the data differ from what was there.

    Raises:
        FileNotFoundError: the source has no validated data.
        PrivacyError: what a protection made does not pass its audit; what was there
            before is withdrawn, since nobody knows any more that it would.
    """
    source, folder = layout.validated(*spec.parts), layout.anonymized(*spec.parts)
    validated = read_state(ValidatedState, source)
    if validated is None:
        msg = f"{spec.label}: no validated data to anonymize"
        raise FileNotFoundError(msg)
    before = read_state(AnonymizedState, folder)
    row_count = validated.row_count
    with replacing(folder / DATA) as temporary:
        if spec.protection:
            released, outdated = linked_releases(spec, layout, specs)
            row_count = _write_protected(
                spec, source / DATA, temporary, folder, released
            )
            for other in outdated:
                _withdraw(other)
        else:
            frame = anonymize(spec, pl.scan_parquet(source / DATA))
            frame.sink_parquet(temporary, compression="zstd", statistics=True)
    content = file_sha256(folder / DATA)
    changed = before is None or before.content_sha256 != content
    state = AnonymizedState(
        source_id=spec.id,
        fingerprint=anonymization_fingerprint(spec, validated),
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


def linked_releases(
    spec: SourceSpec, layout: Layout, specs: Mapping[str, SourceSpec]
) -> tuple[list[Released], list[Path]]:
    """What linked sources have published of the rows they hold.

    Returns:
        Those releases, and the folders of releases of other rows or by other rules.

    Raises:
        LrtzcError: a linked source has published something, and is not among `specs`.
    """
    released, outdated = [], []
    for other_id in spec.linked:
        folder = layout.anonymized(other_id)
        done = read_state(AnonymizedState, folder)
        if done is None:
            continue
        if other_id not in specs:
            msg = f"{spec.label}: linked with {other_id}, which is no source"
            raise LrtzcError(msg)
        other, source = specs[other_id], layout.validated(other_id)
        held = read_state(ValidatedState, source)
        if held and done.fingerprint == anonymization_fingerprint(other, held):
            released.append(Released(other, source / DATA, folder / DATA))
        else:
            outdated.append(folder)
    return released, outdated


def _withdraw(folder: Path) -> None:
    for name in (STATE, DATA, REPORT):
        (folder / name).unlink(missing_ok=True)


def _write_protected(
    spec: SourceSpec,
    validated: Path,
    written: Path,
    folder: Path,
    released: Sequence[Released],
) -> int:
    """Writes what a protection lets go on, once it has been audited; its rows.

    The report stands beside the data, for the manifest of releases.
    """
    protected = protect_source(spec, pl.read_parquet(validated), released)
    protected.rows.write_parquet(written, compression="zstd", statistics=True)
    findings = audit(spec, written, validated, released)
    failed = [finding for finding in findings if not finding.passed]
    if failed:
        _withdraw(folder)
        told = "; ".join(f"{f.check}: {f.details}" for f in failed)
        msg = f"{spec.label}: the audit of what was written failed: {told}"
        raise PrivacyError(msg)
    report = {
        **protected.report,
        "policy_sha256": fingerprint(protected.report["policy"]),
        "audit": {finding.check: finding.details for finding in findings},
    }
    write_json(folder / REPORT, report)
    return protected.rows.height
