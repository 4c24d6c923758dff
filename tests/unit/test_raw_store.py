"""Raw bytes stay as they came; a snapshot that can be read is whole."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrtzc_pipelines import raw_store
from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.raw_store import (
    RawStore,
    Snapshot,
    StoredPage,
    Writer,
    read_pages,
    snapshot_id,
)

MOMENT = datetime(2026, 6, 17, 5, 54, 39, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(Layout(tmp_path).raw("town_counts"))


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def page(body: bytes, name: str = "offset-1", **changes: Any) -> StoredPage:
    stored = StoredPage(name, "xml", sha256(body), sha256(body), len(body))
    return dataclasses.replace(stored, **changes)


def snapshot(*pages: StoredPage, **changes: Any) -> Snapshot:
    made = Snapshot(
        id=snapshot_id(MOMENT, "0a1b2c3d4e"),
        source_id="town_counts",
        run_id="r1",
        collected_at=MOMENT.isoformat(),
        origin="sandbox",
        licence="etalab-2.0",
        content_sha256="0a1b2c3d4e",
        announced_total=None,
        pages=pages,
    )
    return dataclasses.replace(made, **changes)


def keep(store: RawStore, *bodies: bytes, **changes: Any) -> Snapshot:
    """Stores pages and seals them."""
    with Writer(store) as writer:
        for body in bodies:
            writer.add(body, "xml")
        sealed = snapshot(*(page(body) for body in bodies), **changes)
        writer.seal(["{}"] * len(bodies), sealed)
    return sealed


def only_blob(store: RawStore) -> Path:
    (path,) = (store.folder / "blobs").glob("*/*")
    return path


# Bytes


@given(st.binary(max_size=2000))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_bytes_come_back_as_they_came(store: RawStore, body: bytes) -> None:
    keep(store, body)
    assert store.read(page(body)) == body


def test_pages_of_a_snapshot_come_in_their_order(store: RawStore) -> None:
    sealed = keep(store, b"second", b"first", b"")
    assert [body for _, body in read_pages(store, sealed)] == [b"second", b"first", b""]


def test_many_pages_are_all_there(store: RawStore) -> None:
    bodies = [b"%d" % number for number in range(40)]
    sealed = keep(store, *bodies)
    assert [body for _, body in read_pages(store, sealed)] == bodies


def test_bytes_are_named_by_their_hash_and_compressed(store: RawStore) -> None:
    body = b"<row>1</row>" * 999
    keep(store, body)
    digest = sha256(body)
    path = only_blob(store)
    assert path == store.folder / "blobs" / digest[:2] / f"{digest}.xml.zst"
    assert path.stat().st_size < 200


def test_bytes_that_are_there_are_not_written_again(store: RawStore) -> None:
    keep(store, b"same")
    path = only_blob(store)
    os.utime(path, (1, 1))
    keep(store, b"same")
    assert path.stat().st_mtime == 1


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_only_the_owner_can_look_inside(store: RawStore) -> None:
    keep(store, b"a", b"b")
    modes = {
        path: stat.S_IMODE(path.stat().st_mode) for path in store.folder.rglob("*")
    }
    assert {m for path, m in modes.items() if path.is_file()} == {0o600}
    assert {m for path, m in modes.items() if path.is_dir()} == {0o700}
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda p: p.write_bytes(b""), "is damaged", id="empty"),
        pytest.param(lambda p: p.write_bytes(b"zstd?"), "is damaged", id="no zstd"),
        pytest.param(
            lambda p: p.write_bytes(p.read_bytes()[:-3]), "is damaged", id="cut short"
        ),
        pytest.param(lambda p: p.unlink(), "No such file", id="gone"),
        pytest.param(
            lambda p: p.write_bytes(p.read_bytes().replace(b"12", b"21")),
            "is damaged",
            id="bits turned",
        ),
    ],
)
def test_bytes_that_changed_on_the_disk_are_not_read(
    store: RawStore, damage: Any, reason: str
) -> None:
    body = os.urandom(99).replace(b"12", b"00") + b"12"
    sealed = keep(store, body)
    damage(only_blob(store))
    with pytest.raises(LrtzcError, match=rf"town_counts: raw page offset-1.* {reason}"):
        list(read_pages(store, sealed))


def test_damaged_bytes_are_set_aside_and_can_be_stored_again(store: RawStore) -> None:
    sealed = keep(store, b"body")
    blob = only_blob(store)
    blob.write_bytes(b"zstd?")
    with pytest.raises(LrtzcError, match=r"the next refresh asks for it again"):
        list(read_pages(store, sealed))
    assert not blob.exists()
    again = keep(store, b"body")
    assert [body for _, body in read_pages(store, again)] == [b"body"]
    assert blob.with_suffix(".damaged").read_bytes() == b"zstd?"


def test_refused_bytes_are_kept_with_what_is_known_of_them(store: RawStore) -> None:
    kept = store.set_aside(b"<html>", {"reason": "a page"})
    assert kept
    assert zstandard.decompress(kept.read_bytes(), 6) == b"<html>"
    (about,) = kept.parent.glob("*.json")
    assert json.loads(about.read_text()) == {"reason": "a page", "file": kept.name}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_only_the_last_refused_answers_are_kept(store: RawStore) -> None:
    kept = [store.set_aside(bytes([n]), {}) for n in range(1, 9)]
    there = sorted(kept[-1].parent.glob("*.zst")) if kept[-1] else []
    assert there == kept[-5:]


def test_nothing_is_kept_of_an_answer_without_body(store: RawStore) -> None:
    assert store.set_aside(b"", {"reason": "refused"}) is None
    assert not (store.folder / "refused").exists()


# Snapshots


def test_before_the_first_there_is_no_snapshot(store: RawStore) -> None:
    assert store.latest() is None


def test_the_last_snapshot_is_the_latest(store: RawStore) -> None:
    keep(store, b"a", run_id="r1")
    second = keep(store, b"a", b"b", run_id="r2", announced_total=2)
    assert store.latest() == second


def test_a_snapshot_comes_back_from_its_line() -> None:
    kept = snapshot(
        page(b"a", items=3, etag='"é"', last_modified="x"), page(b"b", "offset-5001")
    )
    assert Snapshot.from_line(kept.to_line()) == kept
    assert "\n" not in kept.to_line()


@pytest.mark.parametrize(
    "torn",
    [
        b'{"id":"2026',
        b'{"id":"2026","licence":"\xc3',
        b"\x00" * 64,
        b"",
        b"\n\n",
        b"\xff\xfe",
        b'{"id":"2026","pages":[{"name":"x"}]}',
        b"{}",
    ],
)
def test_a_line_that_a_crash_left_is_passed_over(store: RawStore, torn: bytes) -> None:
    whole = keep(store, b"a")
    with store.snapshots.open("ab") as file:
        file.write(torn)
    assert store.latest() == whole
    later = keep(store, b"b", run_id="r2")
    assert store.latest() == later


def test_a_mark_with_a_line_separator_does_not_break_its_line(store: RawStore) -> None:
    marked = page(b"a", etag='"\x85\u2028"')
    with Writer(store) as writer:
        writer.add(b"a", "xml")
        writer.seal([], snapshot(marked))
    assert store.latest() == snapshot(marked)


def test_a_snapshot_is_not_sealed_before_its_bytes_are_stored(
    store: RawStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(raw_store, "replacing", full)
    with pytest.raises(OSError, match=r"No space left"):
        keep(store, b"a")
    assert store.latest() is None
    assert not store.manifest.exists()


def test_a_collection_that_fails_leaves_the_last_snapshot(store: RawStore) -> None:
    def fail_halfway() -> None:
        with Writer(store) as writer:
            writer.add(b"b", "xml")
            raise LrtzcError

    before = keep(store, b"a")
    with pytest.raises(LrtzcError):
        fail_halfway()
    assert store.latest() == before


def test_answers_without_news_leave_lines_and_no_snapshot(store: RawStore) -> None:
    before = keep(store, b"a")
    with Writer(store) as writer:
        writer.seal([store.record_answer({"page": "é"})], None)
    assert store.latest() == before
    assert store.manifest.read_text("utf-8") == '{}\n{"page":"é"}\n'


def test_what_is_asked_again_is_known_by_its_marks() -> None:
    stored = page(b"a", items=3, etag='"1"', last_modified="x")
    assert stored.known == KnownPage(sha256(b"a"), 3, '"1"', "x")


def test_a_snapshot_has_the_size_of_its_pages() -> None:
    assert snapshot(page(b"abc"), page(b"de")).size == 5


def test_a_snapshot_id_sorts_by_time_and_names_the_content() -> None:
    assert snapshot_id(MOMENT, "0a1b2c3d4e5f") == "20260617T055439Z-0a1b2c3d"
