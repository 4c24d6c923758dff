"""What raw holds already of a question, and what would prove that it is still right.

A mark or a validator says that something is what it was. It says nothing once the
question is another one (a filter, an address), or the bytes it was about are gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.raw_store import RawStore, Snapshot
from lrtzc_pipelines.sources.spec import SourceSpec


@dataclass(frozen=True)
class Held:
    """The latest snapshot, as far as it answers the question that is asked now.

    Attributes:
        question: Hash of what is asked, and where.
        snapshot: The latest snapshot, of this question or another; None before the
            first.
        known: Pages that need not come again if the service says so, by name.
    """

    question: str
    snapshot: Snapshot | None
    known: Mapping[str, KnownPage] = field(default_factory=dict)

    def is_whole_at(self, mark: str | None) -> bool:
        """Whether every page is there, and of the version that a mark tells."""
        return (
            bool(mark)
            and self.snapshot is not None
            and self.snapshot.mark == mark
            and len(self.known) == len(self.snapshot.pages)
        )


def held(spec: SourceSpec, target: Target, store: RawStore) -> Held:
    """What the raw store of a source holds."""
    # The sandbox has another port every time; what it answers is the same.
    place = "this machine" if target.is_loopback else target.base_url
    question = mark_of(spec.connector, place)
    snapshot = store.latest()
    if snapshot is None or snapshot.question != question:
        return Held(question, snapshot)
    known = {
        page.name: replace(page.known, total=snapshot.announced_total)
        for page in snapshot.pages
        if store.blob(page.sha256, page.suffix).exists()
    }
    return Held(question, snapshot, known)
