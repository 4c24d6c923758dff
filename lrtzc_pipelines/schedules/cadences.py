"""One nightly schedule per cadence; a source joins one by its specification."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import dagster as dg

from lrtzc_pipelines.jobs import AssetJob, collect_job_name, raw_keys
from lrtzc_pipelines.slicing import TIMEZONE, last_complete_day, window
from lrtzc_pipelines.sources.spec import Cadence, SourceSpec

# After 03:00, so that no night lacks the hour (spring) or has it twice (autumn).
CRONS = {
    Cadence.DAILY: "10 3 * * *",
    Cadence.WEEKLY: "30 3 * * 1",
    Cadence.MONTHLY: "50 3 2 * *",
    Cadence.YEARLY: "10 4 3 1,7 *",
}
"""When each cadence runs, Paris time; yearly sources are looked at twice a year."""


def build_schedules(specs: Iterable[SourceSpec]) -> list[dg.ScheduleDefinition]:
    """A schedule for each cadence that has a source."""
    used = {spec.cadence for spec in specs if not spec.is_daily}
    return [
        dg.ScheduleDefinition(
            name=f"nightly_{cadence}",
            job_name=collect_job_name(cadence),
            cron_schedule=cron,
            execution_timezone=TIMEZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"Collects the sources with cadence {cadence}.",
        )
        for cadence, cron in CRONS.items()
        if cadence in used
    ]


def build_day_schedule(
    specs: Iterable[SourceSpec], collection: AssetJob
) -> dg.ScheduleDefinition:
    """Each night, a run for each day whose data may be new or late."""
    daily = [spec for spec in specs if spec.is_daily]

    def days(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        last = last_complete_day(context.scheduled_execution_time)
        by_day: dict[date, list[str]] = defaultdict(list)
        for spec in daily:
            for day in window(spec, last):
                by_day[day].append(spec.id)
        for day, ids in sorted(by_day.items()):
            yield dg.RunRequest(
                run_key=f"{last}:{day}",
                partition_key=day.isoformat(),
                asset_selection=raw_keys(ids),
            )

    return dg.ScheduleDefinition(
        name="nightly_days",
        job=collection,
        cron_schedule=CRONS[Cadence.DAILY],
        execution_timezone=TIMEZONE,
        execution_fn=days,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Collects yesterday, and days whose data may come late.",
    )
