"""A source partitioned by day: its window, late rows, and days asked for again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from pytest_httpserver import HTTPServer
from town import source, suite
from werkzeug import Request, Response

from lrtzc_pipelines.assembly import build_platform, collect_definitions, load_suites
from lrtzc_pipelines.jobs import (
    COLLECT_DAYS,
    PROCESS_DAYS,
    build_source_jobs,
    processed_keys,
    raw_keys,
)
from lrtzc_pipelines.pending import pending_slices
from lrtzc_pipelines.publishing.inputs import (
    current_inputs,
    freeze_inputs,
    input_name,
)
from lrtzc_pipelines.quarantine import read_quarantine
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.runs import run_job
from lrtzc_pipelines.schedules.cadences import build_day_schedule
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.slicing import held_days, last_complete_day, slices, window
from lrtzc_pipelines.sources.dbt_sources import render_sources
from lrtzc_pipelines.sources.spec import SourceSpec

COUNTERS = "town_counters"
FIRST = date(2026, 11, 1)
DAYS = {f"2026-11-{day:02}": f"id;count\n{day}1;5\n{day}2;7\n" for day in range(1, 6)}


def daily(**changes: Any) -> dict[str, Any]:
    values = source(COUNTERS)
    values["connector"]["path"] = "counters/{day:%Y-%m-%d}.csv"
    values |= {"partitioning": "daily", "first_day": FIRST, "late_days": 2}
    return values | changes


@pytest.fixture
def files() -> dict[str, str]:
    """What the service has, by day; a test may change it."""
    return dict(DAYS)


@pytest.fixture
def platform(
    tmp_path: Path,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
) -> Platform:
    sources = tmp_path / "sources"
    sources.mkdir()
    endpoint = {
        "title": "The town",
        "base_url": httpserver.url_for("/"),
        "requests_per_second": 1000,
        "contact": "donnees@town.example",
    }
    (sources / "endpoints.yaml").write_text(yaml.safe_dump({"town": endpoint}))
    (sources / f"{COUNTERS}.yaml").write_text(yaml.safe_dump(daily()))

    def answer(request: Request) -> Response:
        day = request.path.removeprefix("/counters/").removesuffix(".csv")
        return Response(files[day]) if day in files else Response(status=404)

    for day in [*DAYS, "2026-11-06"]:
        httpserver.expect_request(f"/counters/{day}.csv").respond_with_handler(answer)
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path / "data"))
    return build_platform(Settings(sources_dir=sources))


@pytest.fixture
def spec(platform: Platform) -> SourceSpec:
    return platform.specs[COUNTERS]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Days:
    """Collects and processes days, as a night or a backfill does."""

    def __init__(
        self, platform: Platform, instance: dg.DagsterInstance, folder: Path
    ) -> None:
        folder.mkdir()
        (folder / f"{COUNTERS}.json").write_text(json.dumps(suite(COUNTERS)))
        self.platform, self.instance = platform, instance
        self.suites = load_suites(platform, folder)
        self.definitions = collect_definitions(platform, self.suites)

    def collect(self, day: str) -> dg.ExecuteInProcessResult:
        keys = raw_keys([COUNTERS])
        return run_job(
            self.definitions, self.instance, COLLECT_DAYS, keys=keys, day=day
        )

    def process(self, day: str) -> dg.ExecuteInProcessResult:
        keys = processed_keys([COUNTERS])
        return run_job(
            self.definitions, self.instance, PROCESS_DAYS, keys=keys, day=day
        )

    def bring(self, *days: str) -> None:
        for day in days:
            self.collect(day)
        for day in self.pending:
            assert self.process(day).success

    @property
    def pending(self) -> list[str]:
        parts = pending_slices(
            self.platform.specs.values(), self.suites, self.platform.layout
        )
        return [part.parts[1] for part in parts]

    def rows(self, folder: Path) -> list[int]:
        """Ids that a release would hold."""
        freeze_inputs(self.platform.specs, self.platform.layout, folder)
        found = duckdb.sql(
            f"select id from read_parquet('{folder}/{COUNTERS}/*.parquet') order by id"
        ).fetchall()
        return [row[0] for row in found]


@pytest.fixture
def days(platform: Platform, instance: dg.DagsterInstance, tmp_path: Path) -> Days:
    return Days(platform, instance, tmp_path / "suites")


def materialized(result: dg.ExecuteInProcessResult) -> set[tuple[str, str | None]]:
    return {
        (event.asset_key.to_user_string(), event.partition)
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


# Which days


def test_a_window_goes_back_as_far_as_data_come_late(spec: SourceSpec) -> None:
    found = window(spec, date(2026, 11, 5))
    assert found == [date(2026, 11, day) for day in (3, 4, 5)]


def test_a_window_does_not_go_back_before_the_first_day(spec: SourceSpec) -> None:
    assert window(spec, date(2026, 11, 2)) == [FIRST, date(2026, 11, 2)]
    assert window(spec, date(2026, 11, 2), since=date(2020, 1, 1))[0] == FIRST
    assert window(spec, date(2026, 10, 31)) == []


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 5, 2, 10, tzinfo=UTC), date(2026, 11, 4)),
        (datetime(2026, 11, 4, 23, 30, tzinfo=UTC), date(2026, 11, 4)),
        (datetime(2026, 7, 4, 22, 30, tzinfo=UTC), date(2026, 7, 4)),
        (datetime(2026, 7, 4, 21, 30, tzinfo=UTC), date(2026, 7, 3)),
    ],
)
def test_a_day_is_complete_when_it_ends_in_paris(now: datetime, day: date) -> None:
    assert last_complete_day(now) == day


def test_a_slice_asks_for_its_day_and_has_a_folder_of_its_own(
    spec: SourceSpec,
) -> None:
    part = spec.for_day(date(2026, 11, 5))
    assert part.connector.model_dump()["path"] == "counters/2026-11-05.csv"
    assert part.parts == (COUNTERS, "2026-11-05")
    assert part.label == f"{COUNTERS} 2026-11-05"
    assert spec.parts == (COUNTERS,)
    assert "{day" in str(spec.connector)


# Collecting and processing


def test_a_day_is_its_partition_in_the_catalogue(days: Days) -> None:
    day = "2026-11-05"
    assert materialized(days.collect(day)) == {(f"raw/{COUNTERS}", day)}
    assert days.pending == [day]
    assert materialized(days.process(day)) == {
        (f"validated/{COUNTERS}", day),
        (f"anonymized/{COUNTERS}", day),
    }
    assert days.pending == []


def test_a_release_holds_every_day(days: Days, tmp_path: Path) -> None:
    days.bring(*list(DAYS)[:3])
    assert days.rows(tmp_path / "inputs") == [11, 12, 21, 22, 31, 32]
    found = current_inputs(days.platform.specs, days.platform.layout)[COUNTERS]
    assert (found.row_count, found.origin) == (6, "replay")


def test_a_release_without_any_day_holds_an_empty_table(
    days: Days, tmp_path: Path
) -> None:
    assert days.rows(tmp_path / "inputs") == []
    found = current_inputs(days.platform.specs, days.platform.layout)[COUNTERS]
    assert found.origin == "absent"


def test_a_late_row_updates_its_day_once(
    days: Days, files: dict[str, str], tmp_path: Path
) -> None:
    days.bring(*list(DAYS)[:3])
    before = current_inputs(days.platform.specs, days.platform.layout)
    files["2026-11-02"] += "23;1\n"
    for day in list(DAYS)[:3]:
        days.collect(day)
    assert days.pending == ["2026-11-02"]
    days.process("2026-11-02")
    assert days.rows(tmp_path / "inputs") == [11, 12, 21, 22, 23, 31, 32]
    after = current_inputs(days.platform.specs, days.platform.layout)
    assert after[COUNTERS].content_sha256 != before[COUNTERS].content_sha256
    for day in list(DAYS)[:3]:
        assert materialized(days.collect(day)) == set()
    assert days.pending == []


def test_asking_for_days_again_changes_nothing(days: Days) -> None:
    days.bring(*DAYS)
    before = current_inputs(days.platform.specs, days.platform.layout)
    days.bring(*reversed(DAYS))
    for day in DAYS:
        days.process(day)
    assert current_inputs(days.platform.specs, days.platform.layout) == before


def test_the_order_of_days_is_no_data(days: Days, tmp_path: Path) -> None:
    days.bring(*reversed(DAYS))
    backwards = current_inputs(days.platform.specs, days.platform.layout)
    assert days.rows(tmp_path / "inputs") == sorted(
        int(f"{n}{k}") for n in range(1, 6) for k in (1, 2)
    )
    sha = backwards[COUNTERS].content_sha256
    days.bring(*DAYS)
    again = current_inputs(days.platform.specs, days.platform.layout)
    assert again[COUNTERS].content_sha256 == sha


def test_a_day_that_is_not_there_fails_by_its_name_and_leaves_the_others(
    days: Days,
) -> None:
    days.bring("2026-11-05")
    result = days.collect("2026-11-06")
    assert not result.success
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told
    assert "2026-11-06.csv: HTTP 404" in str(told.description)
    assert days.pending == []


def test_a_blocked_day_keeps_what_it_held(
    days: Days, files: dict[str, str], tmp_path: Path
) -> None:
    days.bring("2026-11-04", "2026-11-05")
    files["2026-11-05"] = "id;number\n1;1\n"
    days.collect("2026-11-05")
    assert not days.process("2026-11-05").success
    assert days.pending == ["2026-11-05"]
    assert days.rows(tmp_path / "inputs") == [41, 42, 51, 52]


def test_refused_rows_of_every_day_are_in_quarantine(
    days: Days, files: dict[str, str], spec: SourceSpec
) -> None:
    for day in ("2026-11-04", "2026-11-05"):
        files[day] += "many;1\n"
    days.bring("2026-11-04", "2026-11-05")
    found = read_quarantine(spec, days.platform.layout)
    assert found is not None
    assert found.height == 2
    assert set(found["source_id"]) == {COUNTERS}
    assert len(set(found["snapshot_id"])) == 2


# The nights


def test_each_night_asks_for_yesterday_and_the_days_that_may_come_late(
    spec: SourceSpec, days: Days
) -> None:
    (collection, _) = build_source_jobs([spec])
    schedule = build_day_schedule([spec], collection)
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 6, 2, 10, tzinfo=UTC),
        repository_def=days.definitions.get_repository_def(),
    )
    found = schedule.evaluate_tick(context).run_requests or ()
    assert [request.partition_key for request in found] == [
        "2026-11-03",
        "2026-11-04",
        "2026-11-05",
    ]
    assert all(request.asset_selection == raw_keys([COUNTERS]) for request in found)
    assert len({request.run_key for request in found}) == 3


def test_without_such_a_source_there_are_no_such_jobs() -> None:
    plain = SourceSpec.model_validate(source("town_counts"))
    names = {job.name for job in build_source_jobs([plain])}
    assert names == {"collect", "collect_daily", "process"}


def test_dbt_reads_every_day(spec: SourceSpec) -> None:
    assert f"{COUNTERS}/*.parquet" in render_sources({COUNTERS: spec})
    assert input_name(spec.for_day(FIRST)) == f"{COUNTERS}/2026-11-01.parquet"


def test_only_days_are_slices(spec: SourceSpec, platform: Platform) -> None:
    folder = platform.layout.raw(COUNTERS)
    for name in ("2026-11-02", "refused", "2026-13-01"):
        (folder / name).mkdir()
    assert held_days(folder) == [date(2026, 11, 2)]
    assert [part.parts[1] for part in slices(spec, platform.layout)] == ["2026-11-02"]
