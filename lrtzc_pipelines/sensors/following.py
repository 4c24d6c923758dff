"""Starts what follows a run: processing what was collected, then publishing it."""

from collections.abc import Mapping, Sequence

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.jobs import (
    PROCESS,
    PROCESS_DAYS,
    PUBLISH,
    AssetJob,
    processed_keys,
)
from lrtzc_pipelines.pending import pending_slices
from lrtzc_pipelines.publishing.inputs import current_inputs
from lrtzc_pipelines.publishing.release import is_up_to_date
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.sources.spec import SourceSpec

PROCESSING = (PROCESS, PROCESS_DAYS)
PARTITION_NAME_TAG = "dagster/partition"

LOCAL = "lrtzc/local"
"""Run tag of the command line's own runs, which go on by themselves."""


def build_following_sensors(
    platform: Platform, suites: Mapping[str, Suite], jobs: Sequence[AssetJob]
) -> list[dg.SensorDefinition]:
    """One sensor for runs that succeeded, one for those that failed.

    A failed run may still have brought other sources: what decides is whether raw data
    wait to be processed, and whether the newest release is made of what is there now.

    Args:
        platform: Where everything is.
        suites: The suite of each source.
        jobs: Every job that collects, processes or publishes.
    """
    by_name = {str(job.name): job for job in jobs}
    processing = [by_name[name] for name in PROCESSING if name in by_name]
    publication = by_name[PUBLISH]

    def follow(
        context: dg.RunStatusSensorContext,
    ) -> list[dg.RunRequest] | dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if LOCAL in run.tags:
            return dg.SkipReason("the command line goes on by itself")
        # A blocked source stays pending: only a collection has it looked at again.
        if run.job_name not in PROCESSING:
            requests = _process_requests(run, _pending(run))
            if requests:
                return requests
        inputs = current_inputs(platform.specs, platform.layout)
        if is_up_to_date(platform.layout, inputs, dbt_models.code_version()):
            return dg.SkipReason("the newest release holds these data already")
        return dg.RunRequest(run_key=run.run_id, job_name=PUBLISH)

    def _pending(run: dg.DagsterRun) -> list[SourceSpec]:
        """What waits, of the day that a run was about or of no day."""
        found = pending_slices(platform.specs.values(), suites, platform.layout)
        day = run.tags.get(PARTITION_NAME_TAG)
        return [part for part in found if part.parts[1:] == ((day,) if day else ())]

    return [
        dg.run_status_sensor(
            name=f"follow_{status.value.lower()}",
            run_status=status,
            monitored_jobs=[job for job in jobs if job is not publication],
            request_jobs=[*processing, publication],
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=30,
            description="Processes what a collection brought, then publishes it.",
        )(follow)
        for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    ]


def _process_requests(
    run: dg.DagsterRun, pending: Sequence[SourceSpec]
) -> list[dg.RunRequest]:
    """At most one request: for sources without days, or for the day of a run."""
    if not pending:
        return []
    day = run.tags.get(PARTITION_NAME_TAG)
    return [
        dg.RunRequest(
            run_key=run.run_id,
            job_name=PROCESS_DAYS if day else PROCESS,
            partition_key=day,
            asset_selection=processed_keys(part.id for part in pending),
        )
    ]
