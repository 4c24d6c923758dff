"""Many sources at once: hosts side by side, one request at a time for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, cast

import pytest

from lrtzc_pipelines.collecting import Collected
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.gathering import Errand, Gathering


def brings(name: str) -> Callable[[], Collected]:
    return lambda: cast(Collected, name)


def test_each_errand_has_its_own_result() -> None:
    errands = {name: Errand("host", brings(name)) for name in "abc"}
    with Gathering(errands) as gathering:
        assert [gathering.result(name) for name in "cab"] == ["c", "a", "b"]


def test_hosts_are_asked_at_the_same_time() -> None:
    # Each waits for all: one after the other they would wait for ever.
    together = threading.Barrier(4, timeout=10)

    def meet() -> Any:
        return together.wait()

    errands = {name: Errand(f"{name}.example", meet) for name in "abcd"}
    with Gathering(errands) as gathering:
        found = {cast(int, gathering.result(name)) for name in "abcd"}
    assert found == {0, 1, 2, 3}


def test_a_host_sees_one_request_at_a_time() -> None:
    busy = threading.Lock()

    def ask() -> Any:
        assert busy.acquire(blocking=False)
        time.sleep(0.005)
        busy.release()

    errands = {str(n): Errand("one.example", ask) for n in range(20)}
    with Gathering(errands) as gathering:
        for name in errands:
            gathering.result(name)


def test_a_failure_is_its_sources_own() -> None:
    def fail() -> Any:
        msg = "b: no answer"
        raise FetchError(msg)

    errands = {
        "a": Errand("host", brings("a")),
        "b": Errand("host", fail),
        "c": Errand("host", brings("c")),
    }
    with Gathering(errands) as gathering:
        with pytest.raises(FetchError, match="b: no answer"):
            gathering.result("b")
        assert gathering.result("c") == "c"


def test_nothing_starts_once_it_is_closed() -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait() -> Any:
        started.set()
        go_on.wait(10)
        return "a"

    gathering = Gathering({"a": Errand("host", wait), "b": Errand("host", brings("b"))})
    assert started.wait(10)
    threading.Timer(0.05, go_on.set).start()
    gathering.close()
    assert gathering.result("a") == "a"
    with pytest.raises(CancelledError):
        gathering.result("b")


def test_there_may_be_nothing_to_gather() -> None:
    with Gathering({}) as gathering, pytest.raises(KeyError):
        gathering.result("a")
