"""Starts the process that runs a Dagster job, and listens to what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_FILE_MODE, Layout

FRUGAL_ALLOCATORS = {
    # Polars' allocator, and the C library's, give memory back at once instead of
    # keeping it for later: half a gigabyte less at the peak of a large source.
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": str(16 * 2**20),
    "MALLOC_MMAP_THRESHOLD_": str(2 * 2**20),
}
"""Variables for the processes that hold data in memory."""

Listener = Callable[[dict[str, Any]], None]


def run_child(
    layout: Layout,
    arguments: Sequence[str],
    *,
    lock: int,
    environment: Mapping[str, str],
    listen: Listener,
) -> dict[str, Any]:
    """The outcome of one job, run in a process of its own.

    A process per job gives its memory back when it ends, and keeps Dagster's imports
    out of commands that do not run anything. It inherits the lock, so that the lock
    lasts as long as anything can still write, and it ends when this process does.

    Args:
        layout: Where the run's log goes.
        arguments: Arguments of `lrtzc_pipelines.running`.
        lock: Descriptor that holds the lock of local runs.
        environment: Variables added for the child.
        listen: Told every event but the last.

    Raises:
        LrtzcError: the process ended without saying what came of it.
    """
    log = layout.private("logs") / "refresh.log"
    with log.open("ab") as log_file:
        os.fchmod(log_file.fileno(), PRIVATE_FILE_MODE)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "lrtzc_pipelines.running", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
            pass_fds=(lock,),
            # A group of its own, so that dbt, which it starts, can be ended with it.
            start_new_session=True,
            env={
                **os.environ,
                **environment,
                **FRUGAL_ALLOCATORS,
                "LRTZC_DATA_DIR": str(layout.data_dir),
                "DAGSTER_HOME": str(layout.private("dagster")),
            },
        )
        outcome = _follow(process, listen)
    if outcome is None:
        msg = (
            f"the run ended unexpectedly (exit {process.returncode}); its log is {log}"
        )
        raise LrtzcError(msg)
    return outcome


def _follow(process: subprocess.Popen[str], listen: Listener) -> dict[str, Any] | None:
    outcome = None
    with process:
        try:
            for line in process.stdout or ():
                try:
                    event = json.loads(line)
                except ValueError:
                    # A library that prints must not break the conversation.
                    continue
                if event.get("event") == "done":
                    outcome = event
                else:
                    listen(event)
        finally:
            # Whatever ended the conversation, nothing may write on behind it.
            if outcome is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            if process.stdin:
                process.stdin.close()
    return outcome
