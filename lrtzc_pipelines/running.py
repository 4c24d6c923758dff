"""Collects and publishes in a process of its own, and says what came of it.

`python -m lrtzc_pipelines.running` is what the command line starts. It asks the
services first, and loads Dagster (`runs`) only if there is something to run. It writes
one JSON object per line to its standard output, and dies with the program that started
it, so that nothing writes on behind a killed command.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.asking import Asked, ask, to_ask
from lrtzc_pipelines.errands import Errands
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.instance import unfinished_mark
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.pending import held_slices, pending_slices
from lrtzc_pipelines.publishing.inputs import current_inputs
from lrtzc_pipelines.publishing.release import is_up_to_date
from lrtzc_pipelines.run_summary import summarize_sources
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import (
    SOURCES_DIR,
    load_endpoints,
    load_sources,
)
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.telling import Teller

_SERVER_SECONDS = 150.0


def collect(
    settings: Settings,
    source_ids: Iterable[str],
    *,
    from_raw: bool = False,
    since: date | None = None,
) -> dict[str, Any]:
    """Collects some sources, then processes what they brought.

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
    _parse_models_meanwhile(settings)
    specs = load_sources(settings.sources_dir or SOURCES_DIR)
    ids = sorted(source_ids)
    chosen = [specs[source_id] for source_id in ids]
    suites = {spec.id: load_suite(spec) for spec in chosen}
    parts = [] if from_raw else to_ask(chosen, since)
    with ask(parts, _errands(settings, layout)) as asked:
        news, quiet = asked.split(suites, layout)
    waiting = (
        held_slices(chosen, layout)
        if from_raw
        else pending_slices(chosen, suites, layout)
    )
    events = _run(settings, asked, news, waiting)
    inputs = current_inputs(specs, layout)
    return {
        "event": "done",
        "sources": summarize_sources(ids, events, quiet),
        "publish": not is_up_to_date(layout, inputs, dbt_models.code_version()),
    }


def _run(
    settings: Settings,
    asked: Asked,
    news: list[SourceSpec],
    waiting: list[SourceSpec],
) -> list[Any]:
    """The events of the runs that record and process; none where none are needed."""
    unfinished = unfinished_mark(Layout(settings.data_dir)).exists()
    if not (news or waiting or unfinished):
        return []
    # Dagster: seconds that a night without news does not need.
    from lrtzc_pipelines.runs import run_collection  # noqa: PLC0415

    return run_collection(settings, asked, news, waiting)


def _errands(settings: Settings, layout: Layout) -> Errands:
    endpoints = load_endpoints(settings.sources_dir or SOURCES_DIR)
    return Errands(layout, settings, endpoints, Teller().collecting)


def publish(settings: Settings) -> dict[str, Any]:
    """Builds and publishes a release, in one run; returns what came of it."""
    from lrtzc_pipelines.runs import run_publication  # noqa: PLC0415 - Dagster

    return {"event": "done", **run_publication(settings)}


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
    from lrtzc_pipelines.runs import (  # noqa: PLC0415 - Dagster
        end_runs_before,
        prepare_instance,
    )

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
    parser.add_argument("job", choices=["collect", "publish"], nargs="?")
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--from-raw", action="store_true")
    parser.add_argument("--since", type=date.fromisoformat)
    parser.add_argument("--end-abandoned", type=Path, metavar="SOCKET")
    options = parser.parse_args(arguments)
    if options.end_abandoned:
        Teller().emit("done", ended=_end_abandoned(options.end_abandoned))
        return
    _die_with_parent()
    warnings.filterwarnings("ignore", message=".*sqlglotrs is deprecated.*")
    if options.job == "publish":
        outcome = publish(Settings())
    else:
        outcome = collect(
            Settings(),
            options.source,
            from_raw=options.from_raw,
            since=options.since,
        )
    Teller().emit(**outcome)


if __name__ == "__main__":
    main()
