"""Starts what follows a run: processing what was collected, then publishing it."""

from collections.abc import Mapping

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.jobs import PROCESS, PUBLISH, AssetJob, processed_keys
from lrtzc_pipelines.pending import pending_sources
from lrtzc_pipelines.publishing.inputs import current_inputs
from lrtzc_pipelines.publishing.release import is_up_to_date
from lrtzc_pipelines.resources.platform import Platform

LOCAL = "lrtzc/local"
"""Run tag of the command line's own runs, which go on by themselves."""


def build_following_sensors(
    platform: Platform,
    suites: Mapping[str, Suite],
    collections: list[AssetJob],
    processing: AssetJob,
    publication: AssetJob,
) -> list[dg.SensorDefinition]:
    """One sensor for runs that succeeded, one for those that failed.

    A failed run may still have brought other sources: what decides is whether raw data
    wait to be processed, and whether the newest release is made of what is there now.
    """

    def follow(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if LOCAL in run.tags:
            return dg.SkipReason("the command line goes on by itself")
        # A blocked source stays pending: only a collection has it looked at again.
        if run.job_name != PROCESS:
            pending = pending_sources(platform.specs.values(), suites, platform.layout)
            if pending:
                return dg.RunRequest(
                    run_key=run.run_id,
                    job_name=PROCESS,
                    asset_selection=processed_keys(pending),
                )
        inputs = current_inputs(platform.specs, platform.layout)
        if is_up_to_date(platform.layout, inputs, dbt_models.code_version()):
            return dg.SkipReason("the newest release holds these data already")
        return dg.RunRequest(run_key=run.run_id, job_name=PUBLISH)

    return [
        dg.run_status_sensor(
            name=f"follow_{status.value.lower()}",
            run_status=status,
            monitored_jobs=[*collections, processing],
            request_jobs=[processing, publication],
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=30,
            description="Processes what a collection brought, then publishes it.",
        )(follow)
        for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    ]
