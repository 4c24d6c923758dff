"""Publishes after a collection that changed something, and only then."""

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.jobs import AssetJob
from lrtzc_pipelines.publishing.inputs import current_inputs
from lrtzc_pipelines.publishing.release import is_up_to_date
from lrtzc_pipelines.resources.platform import Platform

LOCAL = "lrtzc/local"
"""Run tag of the command line's own runs, which publish by themselves."""


def build_publish_sensors(
    platform: Platform,
    collections: list[AssetJob],
    publication: AssetJob,
) -> list[dg.SensorDefinition]:
    """One sensor for collections that succeeded, one for those that failed.

    A failed collection may still have brought other sources: what decides is whether
    the newest release is made of what is there now.
    """

    def request(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        if LOCAL in context.dagster_run.tags:
            return dg.SkipReason("the command line publishes its own collections")
        inputs = current_inputs(platform.specs, platform.layout)
        if is_up_to_date(platform.layout, inputs, dbt_models.code_version()):
            return dg.SkipReason("the newest release holds these data already")
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return [
        dg.run_status_sensor(
            name=f"publish_after_{status.value.lower()}",
            run_status=status,
            monitored_jobs=list(collections),
            request_job=publication,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=30,
            description="Publishes a release when a collection changed the data.",
        )(request)
        for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    ]
