"""Runs the platform's jobs in this process, against the persistent Dagster instance.

What `running` starts once there is something to run; also what becomes of runs that a
crash left unfinished.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from lrtzc_pipelines.asking import Asked, by_day
from lrtzc_pipelines.assembly import (
    build_platform,
    collect_definitions,
    load_suites,
    publish_definitions,
)
from lrtzc_pipelines.errors import Busy
from lrtzc_pipelines.instance import unfinished_mark, write_instance_config
from lrtzc_pipelines.jobs import (
    COLLECT,
    COLLECT_DAYS,
    PROCESS,
    PROCESS_DAYS,
    PUBLISH,
    processed_keys,
    raw_keys,
)
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.resources.collector import HandedOver
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.run_summary import summarize_publication
from lrtzc_pipelines.sensors.following import LOCAL
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.storage import locked

_UNDER_WAY = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def prepare_instance(layout: Layout) -> dg.DagsterInstance:
    """The embedded Dagster instance of a data directory, made if need be."""
    os.environ.setdefault("DAGSTER_HOME", str(write_instance_config(layout)))
    return dg.DagsterInstance.get()


def end_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks as failed the local runs that a crash left unfinished; returns their ids.

    Only one local command runs at a time (it holds a lock), so any other local run
    that looks alive is not.
    """
    return _end(instance, lambda run: LOCAL in run.tags)


def end_runs_before(
    instance: dg.DagsterInstance, layout: Layout, moment: datetime
) -> list[str]:
    """Marks as failed the runs that were under way before a moment; returns their ids.

    For the start of the code server, whose runs end with it: what it did not start
    itself is not alive. Runs that wait stay in the queue. The run of a local command
    lives elsewhere: it is spared while its lock is held.
    """
    try:
        with locked(layout.lock("refresh"), "a refresh"):
            return _end(instance, lambda _: True, before=moment)
    except Busy:
        return _end(instance, lambda run: LOCAL not in run.tags, before=moment)


def _end(
    instance: dg.DagsterInstance,
    ends: Callable[[dg.DagsterRun], bool],
    before: datetime | None = None,
) -> list[str]:
    if before:
        # SQLite keeps whole seconds, as text: a run of that same second is spared.
        before = before.replace(microsecond=0) - timedelta(microseconds=1)
    wanted = dg.RunsFilter(statuses=_UNDER_WAY, updated_before=before)
    runs = [run for run in instance.get_runs(wanted) if ends(run)]
    for run in runs:
        instance.report_run_failed(run, "The process of this run was killed.")
        # A dead step keeps its place in a pool, and without a daemon nothing else
        # frees it: the next publication would wait for ever.
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in runs]


@contextmanager
def local_instance(layout: Layout) -> Iterator[dg.DagsterInstance]:
    """The instance, for runs of a command; it first ends those a crash left behind."""
    unfinished = unfinished_mark(layout)
    unfinished.touch()
    instance = prepare_instance(layout)
    end_abandoned_runs(instance)
    yield instance
    unfinished.unlink()


def run_job(  # noqa: PLR0913 - one per thing that a run is made of
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job_name: str,
    *,
    keys: list[dg.AssetKey] | None = None,
    day: str | None = None,
    run_id: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Runs a job to its end in this process; failures are in the result."""
    return definitions.resolve_job_def(job_name).execute_in_process(
        instance=instance,
        asset_selection=keys,
        partition_key=day,
        run_id=run_id,
        tags={LOCAL: "true"},
        run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
        raise_on_error=False,
    )


def run_collection(
    settings: Settings,
    asked: Asked,
    news: Iterable[SourceSpec],
    waiting: Iterable[SourceSpec],
) -> list[dg.DagsterEvent]:
    """Records what services brought, and processes what waits; what happened.

    One run for each, and for sources partitioned by day one for each day of them.

    Args:
        settings: Environment.
        asked: The services that were asked.
        news: Parts that failed, or brought something.
        waiting: Parts whose raw data are to be processed.
    """
    platform = build_platform(settings)
    definitions = collect_definitions(
        platform,
        load_suites(platform),
        progress=Progress(to_stdout=True),
        collector=HandedOver(asked.gathering),
    )
    events: list[dg.DagsterEvent] = []
    with local_instance(platform.layout) as instance:
        run = partial(run_job, definitions, instance)
        for day, ids in by_day(news).items():
            events += run(
                COLLECT_DAYS if day else COLLECT,
                keys=raw_keys(ids),
                day=day,
                run_id=asked.run_ids[day],
            ).all_events
        for day, ids in by_day(waiting).items():
            job_name = PROCESS_DAYS if day else PROCESS
            events += run(job_name, keys=processed_keys(ids), day=day).all_events
    return events


def run_publication(settings: Settings) -> dict[str, Any]:
    """Builds and publishes a release, in one run; what came of it."""
    definitions = publish_definitions(
        build_platform(settings), progress=Progress(to_stdout=True)
    )
    with local_instance(Layout(settings.data_dir)) as instance:
        published = run_job(definitions, instance, PUBLISH)
    return summarize_publication(published.all_events)
