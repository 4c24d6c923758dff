"""SIGKILL at random moments of a run that publishes: the old release or the new one.

A reader asks the current release all the while and must never fail. The moments are
drawn over the whole length of a run measured first, from a fixed seed.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import duckdb
import pytest

from lrtzc_pipelines.cli.query import run_query
from lrtzc_pipelines.errors import Busy
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.release import (
    current_folder,
    list_releases,
    verify,
)
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.storage import locked

from .conftest import Platform, clean_environment

KILLS = 10
SOURCE = "ore_residential_electricity"
SQL = (
    "select (select count(*) from mart_residential_electricity) as rows, "
    # Rounded: parallel sums of the same rows differ in their last digit.
    "(select round(sum(consumption_mwh), 3) from mart_residential_electricity) as mwh, "
    "(select activity_quantity from fct_carbon_ledger) as activity"
)


class Reader(threading.Thread):
    """Reads the current release until told to stop."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(daemon=True)
        self.layout = layout
        self.seen: set[tuple[object, ...]] = set()
        self.failures: list[str] = []
        self.reads = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.seen.add(run_query(self.layout, SQL).row(0))
                self.reads += 1
            except Exception as error:  # noqa: BLE001 - any failure is the finding
                self.failures.append(repr(error))
            time.sleep(0.02)


def test_a_killed_run_leaves_the_old_or_the_new_release_whole(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    layout = Layout(data_dir)
    with (
        RunningSandbox(create_app(World(seed=1))) as one,
        RunningSandbox(create_app(World(seed=2))) as two,
    ):
        platforms = [
            Platform(data_dir, clean_environment(data_dir, endpoint_overrides(url)))
            for url in (one, two)
        ]
        assert platforms[0].run("refresh", "--source", SOURCE).returncode == 0
        started = time.monotonic()
        assert platforms[1].run("refresh", "--source", SOURCE).returncode == 0
        length = time.monotonic() - started
        whole = {run_query(layout, SQL).row(0)}
        assert platforms[0].run("releases", "rollback").returncode == 0
        whole.add(run_query(layout, SQL).row(0))
        assert len(whole) == 2

        reader = Reader(layout)
        reader.start()
        draw = random.Random(20260329)
        for number in range(KILLS):
            # The two worlds take turns, so that every run has something to publish.
            running = platforms[number % 2].popen("refresh", "--source", SOURCE)
            time.sleep(draw.uniform(0.2, length))
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            folder = current_folder(layout)
            verify(folder)
            with duckdb.connect(folder / "lrtzc.duckdb", read_only=True) as con:
                assert con.sql(SQL).fetchone() in whole
        wait_for_orphans(layout)
        for platform in platforms:
            done = platform.run("refresh", "--source", SOURCE)
            assert done.returncode == 0, done.stderr
        reader.stopping.set()
        reader.join(10)

    assert reader.failures == []
    assert reader.reads > KILLS
    assert reader.seen <= whole
    assert run_query(layout, SQL).row(0) in whole
    assert not list(layout.releases.glob(".building-*"))
    assert not list(layout.build.glob("*-*"))
    assert len(list_releases(layout)) >= 2


def wait_for_orphans(layout: Layout) -> None:
    """Waits until the refresh lock is free: the killed run's child is gone too."""
    for _ in range(100):
        try:
            with locked(layout.lock("refresh"), "a test"):
                return
        except Busy:
            time.sleep(0.1)
    pytest.fail("a killed run left a process behind")
