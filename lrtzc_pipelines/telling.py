"""How work tells a waiting program how far it is: one JSON object per line."""

from __future__ import annotations

import json
import sys
import time

_EVERY_SECONDS = 0.2


class Teller:
    """Writes events to standard output, as the command line reads them."""

    def __init__(self) -> None:
        self._last = 0.0

    def collecting(self, source_id: str, pages: int, received: int) -> None:
        """Tells how many pages and bytes of a source came so far, now and then."""
        if time.monotonic() - self._last < _EVERY_SECONDS:
            return
        self._last = time.monotonic()
        self.emit("collecting", source_id=source_id, pages=pages, bytes=received)

    def emit(self, event: str, **fields: object) -> None:
        """Writes one event."""
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()
