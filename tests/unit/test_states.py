"""What a step remembers, and what makes it forget."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

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

STATES = [
    ValidatedState(
        source_id="town_counts",
        fingerprint="f1",
        snapshot_id="20260617T055439Z-0a1b2c3d",
        content_sha256="c1",
        row_count=3,
        quarantined_count=1,
        origin="sandbox",
        collected_at="2026-06-17T05:54:39+00:00",
        validated_at="2026-06-17T05:55:00+00:00",
        run_id="r1",
        continuity={"received": 4, "longest_gap_hours": 1.5, "holes": None},
    ),
    AnonymizedState(
        source_id="town_counts",
        fingerprint="f1",
        snapshot_id="20260617T055439Z-0a1b2c3d",
        content_sha256="c1",
        row_count=3,
        quarantined_count=1,
        origin="sandbox",
        collected_at="2026-06-17T05:54:39+00:00",
        data_changed_at="2026-06-17T05:55:00+00:00",
        run_id="r1",
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / DATA).write_bytes(b"PAR1")
    return tmp_path


@pytest.mark.parametrize("state", STATES, ids=["validated", "anonymized"])
class TestAState:
    def test_comes_back_as_it_was(self, folder: Path, state: Any) -> None:
        write_state(folder, state)
        assert read_state(type(state), folder) == state

    def test_does_not_count_without_its_data(self, folder: Path, state: Any) -> None:
        write_state(folder, state)
        (folder / DATA).unlink()
        assert read_state(type(state), folder) is None

    def test_of_a_newer_version_is_read(self, folder: Path, state: Any) -> None:
        newer = {**state.model_dump(mode="json"), "added_later": 1}
        (folder / STATE).write_text(json.dumps(newer))
        assert read_state(type(state), folder) == state

    def test_that_lacks_a_field_counts_as_none(self, folder: Path, state: Any) -> None:
        older = state.model_dump(mode="json", exclude={"fingerprint"})
        (folder / STATE).write_text(json.dumps(older))
        assert read_state(type(state), folder) is None

    def test_is_not_changed_in_place(self, folder: Path, state: Any) -> None:
        with pytest.raises(ValidationError):
            state.row_count = 0


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', "{}"])
def test_a_state_that_cannot_be_read_counts_as_none(folder: Path, content: str) -> None:
    (folder / STATE).write_text(content)
    assert read_state(ValidatedState, folder) is None


def test_a_torn_state_is_set_aside(folder: Path) -> None:
    (folder / STATE).write_text('{"source_id": "tow')
    read_state(ValidatedState, folder)
    assert (folder / f"{STATE}.corrupt").exists()


def test_no_state_counts_as_none(folder: Path) -> None:
    assert read_state(ValidatedState, folder) is None


# Fingerprints

PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.lists(PARTS, max_size=3), st.lists(PARTS, max_size=3))
def test_a_fingerprint_tells_parts_apart(first: list[Any], second: list[Any]) -> None:
    # As JSON, for which True is not 1.
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert (fingerprint(*first) == fingerprint(*second)) == same


def test_the_order_of_keys_is_no_part_of_a_fingerprint() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_the_order_of_parts_is() -> None:
    assert fingerprint("a", "b") != fingerprint("b", "a")


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    expected = hashlib.sha256(b'[1, "\xc3\xa9", null]').hexdigest()
    assert fingerprint(1, "é", None) == expected


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"x" * 300_000)
    assert file_sha256(path) == hashlib.sha256(b"x" * 300_000).hexdigest()
