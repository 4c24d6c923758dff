"""Runs that a crash left: which are ended, and what they held is given back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from lrtzc_pipelines import running, runs
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.runs import end_abandoned_runs, end_runs_before
from lrtzc_pipelines.sensors.following import LOCAL
from lrtzc_pipelines.storage import locked

STARTED = dg.DagsterRunStatus.STARTED


@dg.job
def trivial() -> None:
    """A job for the records of runs that never ran."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def left(instance: dg.DagsterInstance, *, local: bool = False) -> str:
    """The id of a run that looks as if it were going on."""
    tags = {LOCAL: "true"} if local else {}
    return instance.create_run_for_job(trivial, status=STARTED, tags=tags).run_id


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2)


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


def test_a_command_ends_local_runs_only(instance: dg.DagsterInstance) -> None:
    mine, daemons = left(instance, local=True), left(instance)
    assert end_abandoned_runs(instance) == [mine]
    assert status_of(instance, mine) is dg.DagsterRunStatus.FAILURE
    assert status_of(instance, daemons) is STARTED


def test_an_ended_run_gives_its_place_in_a_pool_back(
    instance: dg.DagsterInstance,
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("warehouse", 1)
    run_id = left(instance, local=True)
    storage.claim_concurrency_slot("warehouse", run_id, "step")
    end_abandoned_runs(instance)
    assert storage.get_concurrency_info("warehouse").active_slot_count == 0


def test_a_new_code_server_ends_what_ran_before_it(
    instance: dg.DagsterInstance, layout: Layout
) -> None:
    dead, local = left(instance), left(instance, local=True)
    assert set(end_runs_before(instance, layout, soon())) == {dead, local}


def test_a_run_that_began_with_the_code_server_lives_on(
    instance: dg.DagsterInstance, layout: Layout
) -> None:
    bound_at = datetime.now(UTC)
    run_id = left(instance)
    assert end_runs_before(instance, layout, bound_at) == []
    assert status_of(instance, run_id) is STARTED


def test_a_local_command_under_way_keeps_its_run(
    instance: dg.DagsterInstance, layout: Layout
) -> None:
    dead, mine = left(instance), left(instance, local=True)
    with locked(layout.lock("refresh"), "a refresh"):
        assert end_runs_before(instance, layout, soon()) == [dead]
    assert status_of(instance, mine) is STARTED


def test_ending_waits_for_the_code_server_and_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_SERVER_SECONDS", 0.1)
    with pytest.raises(TimeoutError, match=r"no code server on .*code\.sock"):
        running.main(["--end-abandoned", str(tmp_path / "code.sock")])


def test_ending_says_what_it_ended(
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run_id = left(instance)
    socket = tmp_path / "code.sock"
    socket.touch()
    now = time.time() + 2
    os.utime(socket, (now, now))
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(runs, "prepare_instance", lambda _: instance)
    running.main(["--end-abandoned", str(socket)])
    assert run_id in capfd.readouterr().out
