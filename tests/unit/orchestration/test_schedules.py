"""When things run, and what the weekly purge takes and leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import cron_string_iterator
from town import COUNTS, TREES, Town

from lrtzc_pipelines.schedules.cadences import CRONS, build_schedules
from lrtzc_pipelines.schedules.purging import build_purge_schedule, purge_runs
from lrtzc_pipelines.slicing import TIMEZONE
from lrtzc_pipelines.sources.spec import Cadence

PARIS = ZoneInfo(TIMEZONE)


def ticks(schedule: dg.ScheduleDefinition, start: datetime, days: int) -> list[str]:
    """The moments of a schedule over some days, Paris time."""
    found: list[str] = []
    assert schedule.execution_timezone == TIMEZONE
    cron = str(schedule.cron_schedule)
    for moment in cron_string_iterator(start.timestamp(), cron, TIMEZONE):
        if moment >= start + timedelta(days=days):
            break
        found.append(moment.astimezone(PARIS).strftime("%Y-%m-%d %H:%M"))
    return found


def test_every_cadence_has_its_moment() -> None:
    assert set(CRONS) == set(Cadence)


def test_only_cadences_in_use_have_a_schedule(town: Town) -> None:
    (schedule,) = build_schedules(town.platform.specs.values())
    assert schedule.job_name == "collect_daily"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize("start", ["2026-03-27", "2026-10-23"])
def test_each_night_comes_once_though_clocks_change(town: Town, start: str) -> None:
    (schedule,) = build_schedules(town.platform.specs.values())
    first = datetime.fromisoformat(start).replace(tzinfo=PARIS)
    nights = [f"{first + timedelta(days=n):%Y-%m-%d} 03:10" for n in range(5)]
    assert ticks(schedule, first, 5) == nights


def test_the_purge_comes_on_sundays() -> None:
    start = datetime(2026, 11, 23, tzinfo=PARIS)
    assert ticks(build_purge_schedule(), start, 8) == ["2026-11-29 04:30"]


def later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def runs(town: Town) -> set[str]:
    return {run.run_id for run in town.instance.get_runs()}


def test_the_purge_takes_runs_that_nothing_newest_came_from(town: Town) -> None:
    first, processed = town.collect(), town.process(COUNTS, TREES)
    unchanged, again = town.collect(), town.collect()
    assert purge_runs(town.instance, before=later()) == 1
    # `again` observed last; `first` and `processed` materialized last.
    kept = {first.run_id, processed.run_id, again.run_id}
    assert runs(town) == kept
    assert unchanged.run_id not in kept


def test_the_purge_keeps_the_catalogue(town: Town) -> None:
    town.night()
    town.night()
    purge_runs(town.instance, before=later())
    record = town.instance.get_latest_materialization_event(
        dg.AssetKey(["anonymized", COUNTS])
    )
    assert record
    assert record.asset_materialization


def test_the_purge_spares_what_is_recent_or_under_way(town: Town) -> None:
    for _ in range(3):
        town.collect()
    going_on = town.instance.create_run_for_job(
        town.definitions.resolve_job_def("collect"), status=dg.DagsterRunStatus.STARTED
    )
    assert purge_runs(town.instance, before=datetime.now(UTC) - timedelta(days=1)) == 0
    purge_runs(town.instance, before=later())
    assert going_on.run_id in runs(town)


def test_the_purge_runs_as_a_job(town: Town) -> None:
    job = build_purge_schedule().job
    assert isinstance(job, dg.JobDefinition)
    assert job.execute_in_process(instance=town.instance).success
