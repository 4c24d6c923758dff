"""What a release is made of, and that a build's inputs hold still."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.inputs import (
    ABSENT,
    ReleaseInput,
    current_inputs,
    freeze_inputs,
    input_name,
    read_frozen,
)
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.states import DATA, AnonymizedState, file_sha256, write_state

SPECS = load_sources()
COLLECTED = "larochelle_agglomeration_communes"
TYPES = {
    ColumnType.TEXT: pl.String(),
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.NUMBER: pl.Float64(),
    ColumnType.BOOLEAN: pl.Boolean(),
    ColumnType.DATE: pl.Date(),
    ColumnType.DATETIME: pl.Datetime("us", "UTC"),
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def hold(layout: Layout, *names: str, content: str | None = None) -> str:
    """Leaves an anonymized file and its state; returns the hash of the file."""
    folder = layout.anonymized(COLLECTED)
    temporary = folder / "new"
    pl.DataFrame({"commune_name": names}).write_parquet(temporary)
    temporary.replace(folder / DATA)
    digest = file_sha256(folder / DATA)
    write_state(
        folder,
        AnonymizedState(
            source_id=COLLECTED,
            fingerprint="f",
            snapshot_id="s",
            content_sha256=content or digest,
            row_count=len(names),
            quarantined_count=1,
            origin="sandbox",
            collected_at="2026-06-17T05:54:39+00:00",
            data_changed_at="2026-06-16T05:54:39+00:00",
            run_id="r",
        ),
    )
    return digest


def test_a_source_never_collected_is_absent(layout: Layout) -> None:
    inputs = current_inputs(SPECS, layout)
    assert list(inputs) == sorted(SPECS)
    assert set(inputs.values()) == {ReleaseInput(source_id=s) for s in SPECS}
    assert {item.origin for item in inputs.values()} == {ABSENT}


def test_a_collected_source_is_told_by_its_state(layout: Layout) -> None:
    digest = hold(layout, "Aytré")
    assert current_inputs(SPECS, layout)[COLLECTED] == ReleaseInput(
        source_id=COLLECTED,
        content_sha256=digest,
        origin="sandbox",
        row_count=1,
        quarantined_count=1,
        snapshot_id="s",
        collected_at="2026-06-17T05:54:39+00:00",
        data_changed_at="2026-06-16T05:54:39+00:00",
    )


def test_the_file_itself_is_hashed_whatever_its_state_says(layout: Layout) -> None:
    digest = hold(layout, "Aytré", content="hash of a file that was replaced since")
    assert current_inputs(SPECS, layout)[COLLECTED].content_sha256 == digest


@pytest.mark.parametrize("source_id", sorted(SPECS))
def test_an_absent_source_is_an_empty_table_with_its_columns(
    layout: Layout, tmp_path: Path, source_id: str
) -> None:
    freeze_inputs(SPECS, layout, tmp_path / "inputs")
    frame = pl.read_parquet(tmp_path / "inputs" / input_name(SPECS[source_id]))
    columns = SPECS[source_id].published_columns
    assert frame.is_empty()
    assert dict(frame.schema) == {c.name: TYPES[c.type] for c in columns}


def test_what_was_frozen_does_not_follow_a_later_collection(
    layout: Layout, tmp_path: Path
) -> None:
    digest = hold(layout, "Aytré")
    frozen = freeze_inputs(SPECS, layout, tmp_path / "inputs")
    hold(layout, "Aytré", "Périgny")
    path = tmp_path / "inputs" / f"{COLLECTED}.parquet"
    assert file_sha256(path) == frozen[COLLECTED].content_sha256 == digest
    assert current_inputs(SPECS, layout)[COLLECTED].content_sha256 != digest


def test_freezing_again_takes_what_is_there_now(layout: Layout, tmp_path: Path) -> None:
    freeze_inputs(SPECS, layout, tmp_path / "inputs")
    digest = hold(layout, "Aytré")
    frozen = freeze_inputs(SPECS, layout, tmp_path / "inputs")
    assert frozen[COLLECTED].content_sha256 == digest


def test_what_was_frozen_can_be_read_again(layout: Layout, tmp_path: Path) -> None:
    hold(layout, "Aytré")
    frozen = freeze_inputs(SPECS, layout, tmp_path / "inputs")
    assert read_frozen(tmp_path / "inputs") == frozen


def test_nothing_frozen_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no frozen inputs"):
        read_frozen(tmp_path)
