"""One nightly schedule per cadence; a source joins one by its specification."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from lrtzc_pipelines.jobs import collect_job_name
from lrtzc_pipelines.sources.spec import Cadence, SourceSpec

TIMEZONE = "Europe/Paris"
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
    used = {spec.cadence for spec in specs}
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
