"""Deletes old run records, which nothing else does: `retention` is only for ticks.

Data, releases and their provenance are files and stay; what goes is Dagster's own
account of how they came, events and logs of steps included.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from lrtzc_pipelines.schedules.cadences import TIMEZONE

KEPT = timedelta(days=90)
PURGE = "purge_runs"
_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_AT_ONCE = 500


def purge_runs(instance: dg.DagsterInstance, *, before: datetime) -> int:
    """Deletes the records of runs that ended before a moment; returns how many.

    The runs behind the newest event of an asset stay: without them a source that
    rarely changes would look as if it had never been collected.
    """
    told = _runs_behind_assets(instance)
    wanted = dg.RunsFilter(statuses=_ENDED, updated_before=before)
    deleted, cursor = 0, None
    while runs := instance.get_runs(wanted, cursor=cursor, limit=_AT_ONCE):
        cursor = runs[-1].run_id
        doomed = [run.run_id for run in runs if run.run_id not in told]
        for run_id in doomed:
            # The page goes on from its last run, which therefore goes last.
            if run_id != cursor:
                _delete(instance, run_id)
        deleted += len(doomed)
        following = instance.get_runs(wanted, cursor=cursor, limit=1)
        if cursor in doomed:
            _delete(instance, cursor)
        if not following:
            break
    return deleted
