"""From validated to anonymized Parquet: the last step before the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.anonymize import ANONYMIZATION_VERSION, anonymize
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import (
    DATA,
    AnonymizedState,
    ValidatedState,
    file_sha256,
    fingerprint,
    read_state,
    write_state,
)
from lrtzc_pipelines.storage import replacing


def anonymization_fingerprint(spec: SourceSpec, validated: ValidatedState) -> str:
    """Hash of everything an anonymization depends on."""
    rules = [column.model_dump(mode="json") for column in spec.columns]
    return fingerprint(ANONYMIZATION_VERSION, validated.content_sha256, rules)


def write_anonymized(
    spec: SourceSpec, layout: Layout, *, run_id: str
) -> tuple[AnonymizedState, bool]:
    """Replaces a source's anonymized file.

    Returns:
        The new state, and whether the data differ from what was there.

    Raises:
        FileNotFoundError: the source has no validated data.
    """
    source, folder = layout.validated(*spec.parts), layout.anonymized(*spec.parts)
    validated = read_state(ValidatedState, source)
    if validated is None:
        msg = f"{spec.label}: no validated data to anonymize"
        raise FileNotFoundError(msg)
    before = read_state(AnonymizedState, folder)
    with replacing(folder / DATA) as temporary:
        frame = anonymize(spec, pl.scan_parquet(source / DATA))
        frame.sink_parquet(temporary, compression="zstd", statistics=True)
    content = file_sha256(folder / DATA)
    changed = before is None or before.content_sha256 != content
    state = AnonymizedState(
        source_id=spec.id,
        fingerprint=anonymization_fingerprint(spec, validated),
        snapshot_id=validated.snapshot_id,
        content_sha256=content,
        row_count=validated.row_count,
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
