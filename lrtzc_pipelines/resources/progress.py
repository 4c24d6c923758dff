"""How long work says how far it is: to the run's log, or to a waiting program."""

from __future__ import annotations

import dagster as dg
from pydantic import PrivateAttr

from lrtzc_pipelines.telling import Teller


class Progress(dg.ConfigurableResource[None]):
    """Progress of collections.

    Attributes:
        to_stdout: Whether to write one JSON object per line, as the command line
            reads them; otherwise nothing is said between start and end.
    """

    to_stdout: bool = False
    _teller: Teller = PrivateAttr(default_factory=Teller)

    def collecting(self, source_id: str, pages: int, received: int) -> None:
        """Tells how many pages and bytes of a source came so far."""
        if self.to_stdout:
            self._teller.collecting(source_id, pages, received)

    def step(self, name: str, source_id: str | None = None) -> None:
        """Tells that a step begins."""
        if self.to_stdout:
            self._teller.emit("step", step=name, source_id=source_id)
