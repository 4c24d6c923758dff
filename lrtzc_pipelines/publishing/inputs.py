"""What a release is made of: one anonymized file per source, frozen for one build.

A source that was never collected is an empty table with its declared columns, so that
every model builds, and the release says that it is absent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.slicing import slices
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import (
    DATA,
    AnonymizedState,
    file_sha256,
    fingerprint,
    read_state,
)
from lrtzc_pipelines.storage import read_json, write_json

ABSENT = "absent"
FROZEN = "inputs.json"


class ReleaseInput(BaseModel):
    """One source as a release uses it.

    Attributes:
        content_sha256: Hash of the anonymized file; empty for an absent source.
        origin: `live`, `sandbox`, `replay`, or `absent` if never collected.
    """

    model_config = ConfigDict(frozen=True)

    source_id: str
    content_sha256: str = ""
    origin: str = ABSENT
    row_count: int = 0
    quarantined_count: int = 0
    snapshot_id: str | None = None
    collected_at: str | None = None
    data_changed_at: str | None = None


def current_inputs(
    specs: Mapping[str, SourceSpec], layout: Layout
) -> dict[str, ReleaseInput]:
    """What a release built now would be made of, by source id."""
    return {
        source_id: _merged(
            source_id,
            [
                _input(source_id, layout.anonymized(*part.parts))
                for part in slices(specs[source_id], layout)
            ],
        )
        for source_id in sorted(specs)
    }


def _merged(source_id: str, found: Sequence[ReleaseInput]) -> ReleaseInput:
    """One input out of those of a source's days, in their order."""
    parts = [part for part in found if part.origin != ABSENT]
    if len(parts) < 2:  # noqa: PLR2004 - nothing to merge
        return parts[0] if parts else ReleaseInput(source_id=source_id)
    origins = {part.origin for part in parts}
    newest = max(parts, key=lambda part: part.collected_at or "")
    return ReleaseInput(
        source_id=source_id,
        content_sha256=fingerprint([part.content_sha256 for part in parts]),
        # What was invented anywhere makes the whole no live data.
        origin=origins.pop() if len(origins) == 1 else "mixed",
        row_count=sum(part.row_count for part in parts),
        quarantined_count=sum(part.quarantined_count for part in parts),
        snapshot_id=newest.snapshot_id,
        collected_at=newest.collected_at,
        data_changed_at=max(part.data_changed_at or "" for part in parts),
    )


def _input(source_id: str, folder: Path) -> ReleaseInput:
    state = read_state(AnonymizedState, folder)
    if state is None:
        return ReleaseInput(source_id=source_id)
    fields = state.model_dump(include=set(ReleaseInput.model_fields))
    # The file itself is hashed: a run killed between the data and their state must
    # not put one file in a release and another's hash in its manifest.
    return ReleaseInput(**{**fields, "content_sha256": file_sha256(folder / DATA)})


def freeze_inputs(
    specs: Mapping[str, SourceSpec], layout: Layout, folder: Path
) -> dict[str, ReleaseInput]:
    """Links every source's file into `folder`, as `<source id>.parquet`.

    Hard links hold the files of this moment: a collection that ends meanwhile
    replaces names, not what was linked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {}
    for source_id, spec in sorted(specs.items()):
        parts = slices(spec, layout)
        linked = [_freeze(part, layout, folder / input_name(part)) for part in parts]
        inputs[source_id] = _merged(source_id, linked)
        if inputs[source_id].origin == ABSENT:
            schema = {c.name: TYPES[c.type] for c in spec.published_columns}
            path = folder / input_name(spec)
            path.parent.mkdir(exist_ok=True)
            pl.DataFrame(schema=schema).write_parquet(path)
    write_json(
        folder / FROZEN, {name: item.model_dump() for name, item in inputs.items()}
    )
    return inputs


def input_name(spec: SourceSpec) -> str:
    """Name of the file that holds a source, or a slice of it, in a build."""
    if spec.is_daily:
        return f"{spec.id}/{'-'.join(spec.parts[1:]) or ABSENT}.parquet"
    return f"{spec.id}.parquet"


def _freeze(spec: SourceSpec, layout: Layout, path: Path) -> ReleaseInput:
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    found = _input(spec.id, layout.anonymized(*spec.parts))
    if found.origin == ABSENT:
        return found
    os.link(layout.anonymized(*spec.parts) / DATA, path)
    return found.model_copy(update={"content_sha256": file_sha256(path)})


def read_frozen(folder: Path) -> dict[str, ReleaseInput]:
    """What `freeze_inputs` linked into `folder`.

    Raises:
        ReleaseError: nothing was frozen there.
    """
    found = read_json(folder / FROZEN)
    if found is None:
        msg = f"{folder}: no frozen inputs: build the models in the same run"
        raise ReleaseError(msg)
    return {name: ReleaseInput.model_validate(item) for name, item in found.items()}
