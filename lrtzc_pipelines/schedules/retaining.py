"""The job behind the retention clock of sources, each night."""

from datetime import UTC, datetime

import dagster as dg

from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.retention import purge
from lrtzc_pipelines.slicing import TIMEZONE

RETENTION = "retention"


def build_retention_schedule() -> dg.ScheduleDefinition:
    """The job that deletes what is past its time, each morning."""

    @dg.op(description="Deletes data older than their sources say, and records it.")
    def delete_old_data(context: dg.OpExecutionContext, platform: Platform) -> None:
        specs = platform.specs.values()
        found = purge(specs, platform.layout, datetime.now(UTC), dry_run=False)
        files = sum(entry.files for entry in found)
        context.add_output_metadata(
            {
                "files": files,
                "bytes": sum(entry.bytes for entry in found),
                "sources": len({entry.source for entry in found}),
            }
        )
        context.log.info("%d files were past their time", files)

    @dg.job(
        name=RETENTION,
        description="Keeps raw bytes, and rows about persons, as long as declared.",
    )
    def retain() -> None:
        delete_old_data()

    return dg.ScheduleDefinition(
        name=f"daily_{RETENTION}",
        job=retain,
        cron_schedule="10 4 * * *",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes data past their time each morning.",
    )
