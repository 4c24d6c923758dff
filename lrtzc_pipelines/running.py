"""Runs the platform's jobs in a process of their own, and says what came of them.

`python -m lrtzc_pipelines.running` is what the command line starts: it loads Dagster,
runs the real jobs in process against the persistent instance, and writes one JSON
object per line to its standard output. It dies with the program that
started it, so that nothing writes on behind a killed command.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.assembly import (
    build_platform,
    collect_definitions,
    load_suites,
    publish_definitions,
)
from lrtzc_pipelines.errors import Busy, LrtzcError
from lrtzc_pipelines.instance import write_instance_config
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
from lrtzc_pipelines.pending import pending_slices
from lrtzc_pipelines.publishing.inputs import current_inputs
from lrtzc_pipelines.publishing.release import is_up_to_date
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.run_summary import summarize_publication, summarize_sources
from lrtzc_pipelines.sensors.following import LOCAL
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.slicing import every_slice, last_complete_day, window
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.storage import locked

_UNDER_WAY = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_SERVER_SECONDS = 150.0


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


def run_job(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job_name: str,
    *,
    keys: list[dg.AssetKey] | None = None,
    day: str | None = None,
) -> dg.ExecuteInProcessResult:
    """Runs a job to its end in this process; failures are in the result."""
    return definitions.resolve_job_def(job_name).execute_in_process(
        instance=instance,
        asset_selection=keys,
        partition_key=day,
        tags={LOCAL: "true"},
        run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
        raise_on_error=False,
    )


def collect(
    settings: Settings,
    source_ids: Iterable[str],
    *,
    from_raw: bool = False,
    since: date | None = None,
) -> dict[str, Any]:
    """Collects some sources, then processes what they brought.

    One run for each, and for sources partitioned by day one for each day of them.

    Args:
        settings: Environment.
        source_ids: Sources.
        from_raw: Process what raw holds, new or not, without asking the services.
        since: First day asked for of sources partitioned by day; by default each goes
            back as far as its data may come late.

    Returns:
        `sources`: what came of each; `publish`: whether the newest release lacks
        something that is there now.
    """
    layout = Layout(settings.data_dir)
    instance = prepare_instance(layout)
    end_abandoned_runs(instance)
    _parse_models_meanwhile(settings)
    platform = build_platform(settings)
    suites = load_suites(platform)
    definitions = collect_definitions(
        platform, suites, progress=Progress(to_stdout=True)
    )
    ids = sorted(source_ids)
    chosen = [platform.specs[source_id] for source_id in ids]
    run = partial(run_job, definitions, instance)
    events: list[dg.DagsterEvent] = []
    if not from_raw:
        for day, day_ids in _asked(chosen, since).items():
            job_name = COLLECT_DAYS if day else COLLECT
            events += run(job_name, keys=raw_keys(day_ids), day=day).all_events
    waiting = (
        every_slice(chosen, layout)
        if from_raw
        else pending_slices(chosen, suites, layout)
    )
    for day, day_ids in _by_day(waiting).items():
        job_name = PROCESS_DAYS if day else PROCESS
        events += run(job_name, keys=processed_keys(day_ids), day=day).all_events
    inputs = current_inputs(platform.specs, layout)
    return {
        "event": "done",
        "sources": summarize_sources(ids, events),
        "publish": not is_up_to_date(layout, inputs, dbt_models.code_version()),
    }


def _asked(
    specs: Iterable[SourceSpec], since: date | None
) -> dict[str | None, list[str]]:
    """Ids of the sources to collect by the day to ask for; None is no day."""
    last = last_complete_day(datetime.now(UTC))
    return _by_day(
        part
        for spec in specs
        for part in (
            [spec.for_day(day) for day in window(spec, last, since)]
            if spec.is_daily
            else [spec]
        )
    )


def _by_day(parts: Iterable[SourceSpec]) -> dict[str | None, list[str]]:
    found: dict[str | None, list[str]] = defaultdict(list)
    for part in parts:
        found["".join(part.parts[1:]) or None].append(part.id)
    return dict(sorted(found.items(), key=lambda item: item[0] or ""))


def publish(settings: Settings) -> dict[str, Any]:
    """Builds and publishes a release, in one run; returns what came of it."""
    instance = prepare_instance(Layout(settings.data_dir))
    end_abandoned_runs(instance)
    definitions = publish_definitions(
        build_platform(settings), progress=Progress(to_stdout=True)
    )
    published = run_job(definitions, instance, PUBLISH)
    return {"event": "done", **summarize_publication(published.all_events)}


def _parse_models_meanwhile(settings: Settings) -> None:
    """Starts parsing the dbt models, if they changed, while sources are collected.

    A failure is not lost: the publication asks for the manifest again and meets it.
    """

    def parse() -> None:
        with suppress(LrtzcError):
            dbt_models.ensure_manifest(
                Layout(settings.data_dir), memory=settings.duckdb_memory
            )

    threading.Thread(target=parse, daemon=True, name="dbt-parse").start()


def _die_with_parent() -> None:
    """Ends this process and what it started when standard input closes.

    That is what happens when the parent dies, however it died.
    """

    def watch() -> None:
        # The bare descriptor: a buffered reader cannot be left behind at exit.
        while os.read(0, 1):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="die-with-parent").start()


def _end_abandoned(socket: Path) -> list[str]:
    """Ends the runs of the code server that was there before the one on `socket`."""
    deadline = time.monotonic() + _SERVER_SECONDS
    # It binds once the code is loaded. Only then are runs ended: a daemon that sees
    # them fail tries again at once, and cannot while there is no code server.
    while not socket.exists():
        if time.monotonic() > deadline:
            msg = f"no code server on {socket} after {_SERVER_SECONDS:.0f} s"
            raise TimeoutError(msg)
        time.sleep(0.2)
    layout = Layout(Settings().data_dir)
    bound_at = datetime.fromtimestamp(socket.stat().st_mtime, UTC)
    return end_runs_before(prepare_instance(layout), layout, bound_at)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the child process."""
    parser = argparse.ArgumentParser(prog="lrtzc_pipelines.running")
    parser.add_argument("job", choices=[COLLECT, PUBLISH], nargs="?")
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--from-raw", action="store_true")
    parser.add_argument("--since", type=date.fromisoformat)
    parser.add_argument("--end-abandoned", type=Path, metavar="SOCKET")
    options = parser.parse_args(arguments)
    if options.end_abandoned:
        Progress(to_stdout=True).emit(
            "done", ended=_end_abandoned(options.end_abandoned)
        )
        return
    _die_with_parent()
    warnings.filterwarnings("ignore", message=".*sqlglotrs is deprecated.*")
    if options.job == PUBLISH:
        outcome = publish(Settings())
    else:
        outcome = collect(
            Settings(),
            options.source,
            from_raw=options.from_raw,
            since=options.since,
        )
    Progress(to_stdout=True).emit(**outcome)


if __name__ == "__main__":
    main()
