"""What is asked of the services: an errand for each source, or day of one.

Errands made together share the answers to questions that several days of a source ask
alike, such as which counters there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from lrtzc_pipelines.collecting import Collected, Progress, collect
from lrtzc_pipelines.connectors.addresses import resolve
from lrtzc_pipelines.connectors.http import Memo
from lrtzc_pipelines.expectations.runner import warm_up
from lrtzc_pipelines.gathering import Errand
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.raw_store import RawStore
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.spec import Endpoint, SourceSpec

_WORTH_VALIDATING = 5_000_000


@dataclass(frozen=True)
class Errands:
    """Makes the errands of one collection.

    Attributes:
        layout: Where what comes is kept.
        settings: The environment.
        endpoints: Every declared endpoint by id.
        tell: Told after each page.
    """

    layout: Layout
    settings: Settings
    endpoints: Mapping[str, Endpoint]
    tell: Progress
    _memos: defaultdict[str, Memo] = field(
        default_factory=lambda: defaultdict(dict), repr=False
    )

    def make(self, part: SourceSpec, run_id: str) -> Errand:
        """The errand that collects a source, or a day of it, for a run."""
        # The declared host: what an override leads to is one machine for all.
        host = urlsplit(self.endpoints[part.endpoint].base_url).netloc
        return Errand(host, partial(self._collect, part, run_id))

    def _collect(self, part: SourceSpec, run_id: str) -> Collected:
        store = RawStore(self.layout.raw(*part.parts), part.label)
        target = resolve(self.endpoints[part.endpoint], self.settings)
        return collect(
            part,
            target,
            store,
            run_id=run_id,
            progress=self._told,
            memo=self._memos[part.id],
        )

    def _told(self, source_id: str, pages: int, received: int) -> None:
        """Passes progress on, and gets ready to validate once data flow."""
        self.tell(source_id, pages, received)
        if received > _WORTH_VALIDATING:
            warm_up()
