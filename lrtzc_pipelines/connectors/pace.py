"""When each service may be asked next, whichever source asks it."""

from __future__ import annotations

import threading
import time

from lrtzc_pipelines.connectors.addresses import origin


class Pace:
    """The turns of the services, by their origin."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[tuple[str, str, int], float] = {}

    def turn(self, url: str, requests_per_second: float) -> float:
        """Seconds to wait before asking; the turn is taken."""
        now = time.monotonic()
        with self._lock:
            at = max(now, self._next.get(origin(url), now))
            self._next[origin(url)] = at + 1.0 / requests_per_second
        return at - now
