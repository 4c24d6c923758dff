"""The retention clock: what goes, what stays, and what is written down."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.raw_store import RawStore, Snapshot, StoredPage, Writer
from lrtzc_pipelines.retention import Purged, purge
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, STATE, ValidatedState, write_state

SPECS = load_sources()
OPEN = SPECS["insee_iris"]
PERSONAL = SPECS["ademe_dpe_dwellings"]
CURVES = SPECS["linky_load_curves"]
TRIPS = SPECS["partner_mobility_trips"]
UPLINKS = SPECS["lorawan_uplinks"]
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def collected(
    spec: SourceSpec, layout: Layout, body: bytes, days: int, *shared: bytes
) -> None:
    """A snapshot of some days ago."""
    at = (NOW - timedelta(days=days)).isoformat()
    store = RawStore(layout.raw(*spec.parts))
    with Writer(store) as writer:
        pages = tuple(
            StoredPage(f"page-{n}", "json", writer.add(b, "json"), "c", len(b))
            for n, b in enumerate((body, *shared))
        )
        snapshot = Snapshot(
            id=f"s{days}",
            source_id=spec.id,
            run_id="r",
            collected_at=at,
            origin="sandbox",
            licence="etalab-2.0",
            content_sha256="c",
            announced_total=None,
            pages=pages,
        )
        writer.seal([json.dumps({"fetched_at": at, "page": str(days)})], snapshot)
    moment = (NOW - timedelta(days=days)).timestamp()
    for page in pages:
        path = store.blob(page.sha256, page.suffix)
        if path.stat().st_mtime > moment:
            os.utime(path, (moment, moment))


def validated(spec: SourceSpec, layout: Layout, days: int) -> Path:
    folder = layout.validated(*spec.parts)
    pl.DataFrame({"a": [1]}).write_parquet(folder / DATA)
    state = ValidatedState(
        source_id=spec.id,
        fingerprint="f",
        snapshot_id="s",
        content_sha256="c",
        row_count=1,
        quarantined_count=0,
        origin="sandbox",
        collected_at=(NOW - timedelta(days=days)).isoformat(),
        validated_at="2026-01-01T00:00:00+00:00",
        run_id="r",
        continuity={},
    )
    write_state(folder, state)
    return folder


def aged(path: Path, days: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


def run(layout: Layout, *specs: SourceSpec, **more: Any) -> list[Purged]:
    return purge(specs, layout, NOW, **{"dry_run": False, **more})


def blobs(spec: SourceSpec, layout: Layout) -> int:
    return len(list(layout.raw(*spec.parts).glob("blobs/*/*")))


def test_what_is_within_its_time_stays(layout: Layout) -> None:
    collected(PERSONAL, layout, b"[1]", PERSONAL.raw_retention_days - 1)
    validated(PERSONAL, layout, PERSONAL.raw_retention_days - 1)
    assert run(layout, PERSONAL) == []
    assert not layout.purges.exists()


def test_old_snapshots_go_with_the_blobs_that_only_they_need(layout: Layout) -> None:
    old = PERSONAL.raw_retention_days + 1
    collected(PERSONAL, layout, b"[1]", old, b"[0]")
    collected(PERSONAL, layout, b"[2]", 1, b"[0]")
    (entry,) = run(layout, PERSONAL)
    assert (entry.layer, entry.files) == ("raw", 1)
    store = RawStore(layout.raw(PERSONAL.id))
    assert [s.id for s in store.all()] == ["s1"]
    assert [store.read(page) for page in store.all()[0].pages] == [b"[2]", b"[0]"]
    assert "page" in store.manifest.read_text()
    assert str(old) not in store.manifest.read_text()


def test_nothing_about_persons_outlives_its_time(layout: Layout) -> None:
    old = PERSONAL.raw_retention_days + 1
    collected(PERSONAL, layout, b"[1]", old)
    folder = validated(PERSONAL, layout, old)
    refused = aged(layout.quarantine(PERSONAL.id) / "rows.parquet", old)
    seen = aged(layout.raw(PERSONAL.id) / "refused" / "a.bin.zst", old)
    anonymized = aged(layout.anonymized(PERSONAL.id) / DATA, old)
    layers = [entry.layer for entry in run(layout, PERSONAL)]
    assert layers == ["raw", "validated", "quarantine"]
    assert blobs(PERSONAL, layout) == 0
    assert RawStore(layout.raw(PERSONAL.id)).latest() is None
    assert not (folder / DATA).exists()
    assert not (folder / STATE).exists()
    assert not refused.exists()
    assert not seen.exists()
    assert anonymized.exists()
    assert run(layout, PERSONAL) == []


def test_the_newest_of_what_is_about_nobody_stays(layout: Layout) -> None:
    old = OPEN.raw_retention_days
    collected(OPEN, layout, b"[1]", old + 9)
    collected(OPEN, layout, b"[2]", old + 5)
    validated(OPEN, layout, old + 5)
    (entry,) = run(layout, OPEN)
    assert entry.files == 1
    assert [s.id for s in RawStore(layout.raw(OPEN.id)).all()] == [f"s{old + 5}"]
    assert (layout.validated(OPEN.id) / DATA).exists()


def test_days_go_one_by_one(layout: Layout) -> None:
    old = CURVES.raw_retention_days + 1
    past = CURVES.for_day((NOW - timedelta(days=old)).date())
    recent = CURVES.for_day((NOW - timedelta(days=2)).date())
    collected(past, layout, b"[1]", old)
    collected(recent, layout, b"[2]", 2)
    (entry,) = run(layout, CURVES)
    assert (entry.source, entry.part) == (CURVES.id, past.label)
    assert (blobs(past, layout), blobs(recent, layout)) == (0, 1)


def test_deposits_go_with_their_receipts(layout: Layout) -> None:
    old = NOW - timedelta(days=TRIPS.raw_retention_days + 1)
    folder = layout.deposits("mobility_trips", "velo")
    names = [f"{m:%Y%m%dT%H%M%SZ}-0123abcd-trajets.csv" for m in (old, NOW)]
    for name in names:
        aged(folder / name, 0)
        aged(folder / "receipts" / f"{name}.json", 0)
    for name in ("gone", "again"):
        aged(folder / "contents" / f"{name}.csv", TRIPS.raw_retention_days + 1)
    # What was deposited again is one file, as old as it first was.
    receipt = folder / "receipts" / f"{names[1]}.json"
    receipt.write_text(json.dumps({"content_sha256": "again"}))
    (entry,) = run(layout, TRIPS)
    assert (entry.layer, entry.files) == ("deposits", 3)
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left == {names[1], f"{names[1]}.json", "again.csv"}


def test_sealed_messages_go_and_those_that_come_in_stay(layout: Layout) -> None:
    old = NOW - timedelta(days=UPLINKS.raw_retention_days + 1)
    folder = layout.spool("lorawan")
    stale = aged(folder / f"{old:%Y%m%dT%H%M%S%fZ}-0123abcd.jsonl", 0)
    fresh = aged(folder / f"{NOW:%Y%m%dT%H%M%S%fZ}-0123abcd.jsonl", 0)
    current = aged(folder / "current.jsonl", 9999)
    (entry,) = run(layout, UPLINKS)
    assert (entry.layer, entry.files) == ("spool", 1)
    assert (stale.exists(), fresh.exists(), current.exists()) == (False, True, True)


def test_a_dry_run_touches_nothing(layout: Layout) -> None:
    old = PERSONAL.raw_retention_days + 1
    collected(PERSONAL, layout, b"[1]", old)
    validated(PERSONAL, layout, old)
    before = sorted(p for p in layout.data_dir.rglob("*") if p.is_file())
    told = run(layout, PERSONAL, dry_run=True)
    assert [entry.layer for entry in told] == ["raw", "validated"]
    after = sorted(p for p in layout.data_dir.rglob("*") if p.is_file())
    assert after == before
    assert run(layout, PERSONAL) == told


def test_what_went_is_written_down_without_any_value(layout: Layout) -> None:
    collected(PERSONAL, layout, b"[1]", PERSONAL.raw_retention_days + 1)
    (entry,) = run(layout, PERSONAL)
    (line,) = layout.purges.read_text().splitlines()
    told = json.loads(line)
    assert told["purged_at"] == "2026-11-24T04:00:00+00:00"
    assert told["source"] == PERSONAL.id
    assert told["bytes"] == entry.bytes > 0
    assert layout.purges.stat().st_mode & 0o777 == 0o600


def test_killed_after_the_list_was_shortened_it_goes_on(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected(PERSONAL, layout, b"[1]", PERSONAL.raw_retention_days + 1)

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            run(layout, PERSONAL)
    assert RawStore(layout.raw(PERSONAL.id)).latest() is None
    run(layout, PERSONAL)
    assert blobs(PERSONAL, layout) == 0
