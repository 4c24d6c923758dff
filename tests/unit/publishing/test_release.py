"""Releases on disk: what is current, what is due, and going back."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from lrtzc_pipelines.errors import Busy, ReleaseError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.inputs import ReleaseInput
from lrtzc_pipelines.publishing.release import (
    ReleaseManifest,
    candidate_folder,
    current_folder,
    inputs_sha256,
    is_up_to_date,
    list_releases,
    new_release_id,
    origin_of,
    publish,
    read_manifest,
    rollback,
    sweep,
    verify,
    write_manifest,
)
from lrtzc_pipelines.storage import locked

CODE = "0.1+test"


def inputs(content: str) -> dict[str, ReleaseInput]:
    one = ReleaseInput(source_id="a_b", content_sha256=content, origin="live")
    return {"a_b": one}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def build(
    layout: Layout, name: str, *, rows: int = 1, counted: int | None = None
) -> Path:
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


def test_nothing_but_a_reader_can_do_anything_with_a_release(layout: Layout) -> None:
    release(layout, "r1")
    folder = layout.releases / "r1"
    modes = {
        stat.S_IFMT(path.stat().st_mode): stat.S_IMODE(path.stat().st_mode)
        for path in [folder, *folder.rglob("*")]
    }
    assert modes == {stat.S_IFDIR: 0o755, stat.S_IFREG: 0o444}


def test_a_run_without_a_candidate_publishes_nothing(layout: Layout) -> None:
    with pytest.raises(ReleaseError, match="run r9 has no complete candidate"):
        publish(layout, "r9", keep=10)


def test_a_candidate_whose_parquet_differs_is_refused(layout: Layout) -> None:
    folder = build(layout, "r1", rows=2)
    path = folder / "parquet" / "t.parquet"
    duckdb.execute(f"copy (select 1) to '{path}'")
    with pytest.raises(ReleaseError, match=r"t\.parquet does not hold 2 rows"):
        publish(layout, "run-r1", keep=10)


@pytest.mark.parametrize("action", ["publish", "rollback"])
def test_two_switches_do_not_happen_at_once(layout: Layout, action: str) -> None:
    release(layout, "r1")
    release(layout, "r2")
    build(layout, "r3")
    with locked(layout.lock("publish"), "a publication"), pytest.raises(Busy):
        publish(layout, "run-r3", keep=10) if action == "publish" else rollback(layout)
    assert layout.current_release_id == "r2"


def test_a_damaged_release_cannot_be_gone_back_to(layout: Layout) -> None:
    release(layout, "r1")
    release(layout, "r2")
    (layout.releases / "r1" / "parquet" / "t.parquet").unlink()
    with pytest.raises(ReleaseError, match=r"t\.parquet is missing or damaged"):
        rollback(layout)
    assert layout.current_release_id == "r2"


def test_a_release_without_checksums_does_not_check(layout: Layout) -> None:
    release(layout, "r1")
    (layout.releases / "r1" / "SHA256SUMS").unlink()
    for name in ("r1", "r9"):
        with pytest.raises(ReleaseError, match=f"{name}: no such release, or"):
            verify(layout.releases / name)


def test_going_forward_again_is_going_back_by_name(layout: Layout) -> None:
    release(layout, "r1")
    release(layout, "r2")
    rollback(layout)
    assert rollback(layout, "r2").release_id == "r2"
    assert layout.current_release_id == "r2"
    assert is_up_to_date(layout, inputs("r2"), CODE)


def test_new_data_are_published_after_a_rollback(layout: Layout) -> None:
    release(layout, "r1")
    release(layout, "r2")
    rollback(layout)
    release(layout, "r3")
    assert layout.current_release_id == "r3"
    assert is_up_to_date(layout, inputs("r3"), CODE)


def test_nothing_is_up_to_date_before_the_first_release(layout: Layout) -> None:
    assert not is_up_to_date(layout, inputs("r1"), CODE)
    assert list_releases(layout) == []
    with pytest.raises(ReleaseError, match="no release yet"):
        current_folder(layout)


def test_what_is_being_built_is_not_listed(layout: Layout) -> None:
    release(layout, "r1")
    build(layout, "r2")
    assert [r.release_id for r in list_releases(layout)] == ["r1"]


@pytest.mark.parametrize("text", ["{}", "not JSON", "[]"])
def test_a_folder_whose_manifest_cannot_be_read_is_no_release(
    layout: Layout, text: str
) -> None:
    release(layout, "r1")
    folder = layout.releases / "r0"
    folder.mkdir()
    (folder / "manifest.json").write_text(text)
    assert [r.release_id for r in list_releases(layout)] == ["r1"]
    assert read_manifest(folder) is None


def test_a_link_that_a_kill_left_is_swept(layout: Layout) -> None:
    release(layout, "r1")
    (layout.releases / ".current-r2-4711").symlink_to("r2")
    assert sweep(layout, keep=set()) == [layout.releases / ".current-r2-4711"]
    assert {p.name for p in layout.releases.iterdir()} == {"r1", "current"}


def test_an_open_release_is_read_on_while_another_is_published(layout: Layout) -> None:
    release(layout, "r1")
    path = current_folder(layout) / "lrtzc.duckdb"
    with duckdb.connect(path, read_only=True) as reader:
        release(layout, "r2", keep=2)
        release(layout, "r3", keep=2)
        assert not path.exists()
        assert reader.execute("select count(*) from t").fetchone() == (1,)


def test_ids_sort_by_time_and_tell_contents_apart() -> None:
    moment = datetime(2026, 6, 17, 3, 30, 5, tzinfo=UTC)
    assert new_release_id(moment, "abcdef0123") == "20260617T033005Z-abcdef01"


@pytest.mark.parametrize(
    ("origins", "told"),
    [
        (["live", "live"], "live"),
        (["live", "absent"], "live"),
        (["sandbox", "live"], "mixed"),
        (["absent"], "absent"),
    ],
)
def test_a_release_says_what_its_data_are(origins: list[str], told: str) -> None:
    made_of = {
        f"s_{n}": ReleaseInput(source_id=f"s_{n}", origin=origin)
        for n, origin in enumerate(origins)
    }
    assert origin_of(made_of) == told


def test_the_hash_of_the_inputs_follows_content_origin_and_code() -> None:
    base = inputs("a")
    relabelled = {k: v.model_copy(update={"origin": "replay"}) for k, v in base.items()}
    recounted = {k: v.model_copy(update={"row_count": 9}) for k, v in base.items()}
    hashes = {
        inputs_sha256(base, CODE),
        inputs_sha256(inputs("b"), CODE),
        inputs_sha256(relabelled, CODE),
        inputs_sha256(base, "other"),
    }
    assert len(hashes) == 4
    assert inputs_sha256(recounted, CODE) == inputs_sha256(base, CODE)
