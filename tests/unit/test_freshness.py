"""Whether what is held of a source is as fresh as its specification promises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lrtzc_pipelines.freshness import Freshness, held
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, AnonymizedState, write_state

SPECS = load_sources()
BIKES = SPECS["yelo_bike_stations"]
COUNTS = SPECS["ecocounter_bike_counts"]
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


def hold(layout: Layout, part: SourceSpec, changed_at: datetime) -> None:
    layout.raw(*part.parts)
    folder = layout.anonymized(*part.parts)
    (folder / DATA).write_bytes(b"rows")
    state = AnonymizedState(
        source_id=part.id,
        fingerprint="f",
        snapshot_id="s",
        content_sha256="c",
        row_count=1,
        quarantined_count=0,
        origin="live",
        collected_at=NOW.isoformat(),
        data_changed_at=changed_at.isoformat(),
        run_id="r",
    )
    write_state(folder, state)


def test_nothing_held_was_never_collected(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    for spec in (BIKES, COUNTS):
        assert held(spec, layout, NOW).freshness is Freshness.NEVER
    assert not layout.data_dir.exists()


@pytest.mark.parametrize(
    ("seconds_over", "freshness"), [(0, Freshness.FRESH), (1, Freshness.LATE)]
)
def test_data_are_fresh_for_the_days_that_are_promised(
    tmp_path: Path, seconds_over: int, freshness: Freshness
) -> None:
    layout = Layout(tmp_path)
    age = timedelta(days=BIKES.freshness_days, seconds=seconds_over)
    hold(layout, BIKES, NOW - age)
    found = held(BIKES, layout, NOW)
    assert (found.changed_at, found.freshness) == (NOW - age, freshness)


def test_the_day_that_changed_last_counts(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for days in (40, 2, 30):
        part = COUNTS.for_day(date(2026, 3, 1) - timedelta(days=days))
        hold(layout, part, NOW - timedelta(days=days))
    found = held(COUNTS, layout, NOW)
    assert found.changed_at == NOW - timedelta(days=2)
    assert found.freshness is Freshness.FRESH
