"""Cuts a connection whose answer takes too long, wherever it is: headers included.

A client's own timeout counts from one byte to the next, so a service that sends a byte
now and then would hold a collection for days.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Watchdog:
    """Watches the connections of one client that asks one thing at a time."""

    def __init__(self) -> None:
        self._streams: list[Any] = []

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Notes each new connection; httpx calls it for every step of a request."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._streams.append(info["return_value"])

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Cuts every connection if the block is not left in time."""
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        for stream in self._streams:
            connection = stream.get_extra_info("socket")
            # Already closed: what we wanted.
            with suppress(OSError, AttributeError):
                connection.shutdown(socket.SHUT_RDWR)
        self._streams.clear()
