"""Collects many sources at once, each host one source after the other.

Hosts do not wait for each other; a host never sees two of our requests at a time. The
results are asked for one by one, so that each source fails or succeeds under its own
name.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from lrtzc_pipelines.collecting import Collected

MOST_HOSTS = 8
"""Hosts asked at the same time: more would wait for this machine, not for them."""


@dataclass(frozen=True)
class Errand:
    """One source to collect.

    Attributes:
        host: Who is asked; errands with equal ones run one after the other.
        run: Does it.
    """

    host: str
    run: Callable[[], Collected]


class Gathering:
    """Errands under way; use as a context manager.

    Leaving it, by an error or not, starts no further errand.
    """

    def __init__(self, errands: Mapping[str, Errand]) -> None:
        self._results: dict[str, Future[Collected]] = {
            name: Future() for name in errands
        }
        self._stopped = threading.Event()
        by_host: dict[str, list[str]] = defaultdict(list)
        for name, errand in errands.items():
            by_host[errand.host].append(name)
        workers = max(1, min(MOST_HOSTS, len(by_host)))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="collect")
        for names in by_host.values():
            self._pool.submit(self._serve, {name: errands[name] for name in names})

    def __enter__(self) -> Gathering:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def result(self, name: str) -> Collected:
        """What came of an errand, once it is done; raises what it raised.

        Raises:
            KeyError: there is no such errand.
            CancelledError: it was not started before the gathering was closed.
        """
        return self._results[name].result()

    def close(self) -> None:
        """Starts nothing more and waits for what is under way."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for future in self._results.values():
            future.cancel()

    def _serve(self, errands: Mapping[str, Errand]) -> None:
        for name, errand in errands.items():
            result = self._results[name]
            if self._stopped.is_set() or not result.set_running_or_notify_cancel():
                continue
            try:
                result.set_result(errand.run())
            except BaseException as error:  # noqa: BLE001 - raised again by `result`
                result.set_exception(error)


__all__ = ["CancelledError", "Errand", "Gathering"]
