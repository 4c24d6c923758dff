"""How long work says how far it is: to the run's log, or to a waiting program."""

from __future__ import annotations

import json
import sys
import time

import dagster as dg
from pydantic import PrivateAttr

_EVERY_SECONDS = 0.2


class Progress(dg.ConfigurableResource[None]):
    """Progress of collections.

    Attributes:
        to_stdout: Whether to write one JSON object per line, as the command line
            reads them; otherwise nothing is said between start and end.
    """

    to_stdout: bool = False
    _last: float = PrivateAttr(default=0.0)

    def collecting(self, source_id: str, pages: int, received: int) -> None:
        """Tells how many pages and bytes of a source came so far."""
        if not self.to_stdout or time.monotonic() - self._last < _EVERY_SECONDS:
            return
        self._last = time.monotonic()
        self.emit("collecting", source_id=source_id, pages=pages, bytes=received)

    def step(self, name: str, source_id: str | None = None) -> None:
        """Tells that a step begins."""
        if self.to_stdout:
            self.emit("step", step=name, source_id=source_id)

    def emit(self, event: str, **fields: object) -> None:
        """Writes one event."""
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()
