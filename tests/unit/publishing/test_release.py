"""Releases on disk: what is current, what is due, and going back."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.inputs import ReleaseInput
from lrtzc_pipelines.publishing.release import (
    ReleaseManifest,
    candidate_folder,
    inputs_sha256,
    is_up_to_date,
    list_releases,
    publish,
    rollback,
    sweep,
    verify,
    write_manifest,
)

CODE = "0.1+test"


def inputs(content: str) -> dict[str, ReleaseInput]:
    one = ReleaseInput(source_id="a_b", content_sha256=content, origin="live")
    return {"a_b": one}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def build(layout: Layout, name: str, *, rows: int = 1, counted: int | None = None):
    folder = candidate_folder(layout, f"run-{name}")
    (folder / "parquet").mkdir(parents=True)
    with duckdb.connect(folder / "lrtzc.duckdb") as con:
        con.execute(f"create table t as select * from range({rows})")
        con.execute(f"copy t to '{folder}/parquet/t.parquet'")
    write_manifest(
        folder,
        ReleaseManifest(
            release_id=name,
            created_at="2026-01-01T00:00:00+00:00",
            code_version=CODE,
            inputs_sha256=inputs_sha256(inputs(name), CODE),
            origin="live",
            run_id=f"run-{name}",
            inputs=inputs(name),
            tables={"t": rows if counted is None else counted},
        ),
    )
    return folder


def release(layout: Layout, name: str, *, keep: int = 10) -> None:
    build(layout, name)
    publish(layout, f"run-{name}", keep=keep)


def test_a_published_release_is_current_read_only_and_checks(layout: Layout) -> None:
    release(layout, "r1")
    folder = layout.releases / "r1"
    assert layout.current_release_id == "r1"
    assert stat.S_IMODE((folder / "lrtzc.duckdb").stat().st_mode) == 0o444
    verify(folder)


def test_a_candidate_that_does_not_count_is_not_published(layout: Layout) -> None:
    release(layout, "r1")
    build(layout, "r2", rows=2, counted=3)
    with pytest.raises(ReleaseError, match="does not hold 3 rows"):
        publish(layout, "run-r2", keep=10)
    assert layout.current_release_id == "r1"


def test_a_candidate_with_a_log_beside_it_is_refused(layout: Layout) -> None:
    folder = build(layout, "r1")
    (folder / "lrtzc.duckdb.wal").touch()
    with pytest.raises(ReleaseError, match="not closed"):
        publish(layout, "run-r1", keep=10)


def test_a_damaged_file_is_found(layout: Layout) -> None:
    release(layout, "r1")
    path = layout.releases / "r1" / "manifest.json"
    path.chmod(0o644)
    path.write_text("{}")
    with pytest.raises(ReleaseError, match=r"manifest\.json is missing or damaged"):
        verify(layout.releases / "r1")


def test_going_back_by_default_and_by_name(layout: Layout) -> None:
    for name in ("r1", "r2", "r3"):
        release(layout, name)
    assert rollback(layout).release_id == "r2"
    assert rollback(layout, "r1").release_id == "r1"
    with pytest.raises(ReleaseError, match="older"):
        rollback(layout)
    with pytest.raises(ReleaseError, match="no release 'r9'"):
        rollback(layout, "r9")


def test_what_someone_turned_away_from_does_not_come_back(layout: Layout) -> None:
    release(layout, "r1")
    release(layout, "r2")
    rollback(layout)
    assert is_up_to_date(layout, inputs("r2"), CODE)
    assert not is_up_to_date(layout, inputs("r3"), CODE)


def test_a_release_that_was_never_switched_to_is_due_again(layout: Layout) -> None:
    release(layout, "r1")
    # Killed between the rename of the folder and that of the link.
    build(layout, "r2").rename(layout.releases / "r2")
    assert layout.current_release_id == "r1"
    assert not is_up_to_date(layout, inputs("r2"), CODE)


def test_another_code_makes_a_release_due(layout: Layout) -> None:
    release(layout, "r1")
    assert is_up_to_date(layout, inputs("r1"), CODE)
    assert not is_up_to_date(layout, inputs("r1"), "0.2")


def test_old_releases_go_but_never_the_current_one(layout: Layout) -> None:
    for name in ("r1", "r2", "r3", "r4"):
        release(layout, name, keep=2)
    assert [r.release_id for r in list_releases(layout)] == ["r4", "r3"]
    rollback(layout)
    build(layout, "r5")
    publish(layout, "run-r5", keep=2)
    assert layout.current_release_id == "r5"


def test_sweeping_spares_what_is_going_on(layout: Layout) -> None:
    build(layout, "r1")
    build(layout, "r2")
    (layout.private("build", "run-r1") / "x").touch()
    layout.private("build", "run-r2")
    sweep(layout, keep={"run-r2"})
    assert [p.name for p in layout.build.iterdir()] == ["run-r2"]
    assert candidate_folder(layout, "run-r2").exists()
    assert not candidate_folder(layout, "run-r1").exists()
