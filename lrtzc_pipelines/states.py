"""What each step last did for a source, beside the data it wrote.

A step compares fingerprints of what goes into it: equal ones mean that its output is
already right, whoever was killed in between. States hold counts and hashes, never
values.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from lrtzc_pipelines.storage import read_json, write_json

DATA = "data.parquet"
STATE = "state.json"

Model = TypeVar("Model", bound=BaseModel)


class State(BaseModel):
    """Base of the states: immutable, unknown keys ignored so that older ones read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ValidatedState(State):
    """The last good validation of a source.

    Attributes:
        fingerprint: Hash of all that went in: content, specification, suite, code.
        content_sha256: Hash of the validated file.
        collected_at: When the service gave these data, UTC, ISO 8601.
    """

    source_id: str
    fingerprint: str
    snapshot_id: str
    content_sha256: str
    row_count: int
    quarantined_count: int
    origin: str
    collected_at: str
    validated_at: str
    run_id: str
    continuity: dict[str, int | float | None]


class AnonymizedState(State):
    """The last anonymized file of a source, which is what a release is made of."""

    source_id: str
    fingerprint: str
    snapshot_id: str
    content_sha256: str
    row_count: int
    quarantined_count: int
    origin: str
    collected_at: str
    data_changed_at: str
    run_id: str


def read_state(model: type[Model], folder: Path) -> Model | None:
    """The state in a folder; None if there is none that can be read."""
    found = read_json(folder / STATE)
    if found is None or not (folder / DATA).exists():
        return None
    try:
        return model.model_validate(found)
    except ValidationError:
        return None


def write_state(folder: Path, state: BaseModel) -> None:
    """Replaces the state in a folder, durably; the data must already be there."""
    write_json(folder / STATE, state.model_dump(mode="json"))


def fingerprint(*parts: Any) -> str:
    """A hash that changes when any part does."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
