"""Deletes old run records, which nothing else does: `retention` is only for ticks.

Data, releases and their provenance are files and stay; what goes is Dagster's own
account of how they came, events and output of steps included.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from lrtzc_pipelines.slicing import TIMEZONE

PURGE = "purge_runs"
KEPT = timedelta(days=90)
_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def purge_runs(instance: dg.DagsterInstance, *, before: datetime) -> int:
    """Deletes the records of runs that ended before a moment; returns how many.

    The runs behind the newest event of an asset stay: without them a source that
    rarely changes would look as if it had never been collected.
    """
    told = _runs_behind_assets(instance)
    ended = instance.get_runs(dg.RunsFilter(statuses=_ENDED, updated_before=before))
    doomed = [run.run_id for run in ended if run.run_id not in told]
    for run_id in doomed:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
    return len(doomed)


def _runs_behind_assets(instance: dg.DagsterInstance) -> set[str]:
    return {
        record.run_id
        for key in instance.all_asset_keys()
        for fetch in (instance.fetch_materializations, instance.fetch_observations)
        for record in fetch(key, limit=1).records
    }


def build_purge_schedule() -> dg.ScheduleDefinition:
    """The job that purges run records, each Sunday."""

    @dg.op(description=f"Deletes run records older than {KEPT.days} days.")
    def delete_old_runs(context: dg.OpExecutionContext) -> None:
        deleted = purge_runs(context.instance, before=datetime.now(UTC) - KEPT)
        context.log.info("%d run records deleted", deleted)

    @dg.job(name=PURGE, description=f"Keeps {KEPT.days} days of run records.")
    def purge() -> None:
        delete_old_runs()

    return dg.ScheduleDefinition(
        name=f"weekly_{PURGE}",
        job=purge,
        cron_schedule="30 4 * * 0",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes old run records each Sunday morning.",
    )
