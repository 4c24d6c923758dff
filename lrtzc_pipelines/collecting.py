"""From a service to a raw snapshot: one function, for every protocol.

It asks only for what may have changed, stores what came, and says whether the data
differ from the last snapshot. It neither parses values nor decides what runs next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from lrtzc_pipelines.connectors import registry
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import UNREACHABLE
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient, Memo
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.held import Held, held
from lrtzc_pipelines.parsers.canonical import canonical
from lrtzc_pipelines.raw_store import (
    RawStore,
    Snapshot,
    StoredPage,
    Writer,
    snapshot_id,
)
from lrtzc_pipelines.sources.spec import SourceSpec

Progress = Callable[[str, int, int], None]
"""Called with (source id, pages so far, bytes so far)."""


class Outcome(StrEnum):
    """What a collection found."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Evidence(StrEnum):
    """What a collection concluded from, cheapest first.

    A mark or validators that are equal prove that nothing changed; where the service
    offers neither, or they differ, the question stays open and the data are compared.
    """

    MARK = "mark"
    VALIDATORS = "validators"
    CONTENT = "content"


@dataclass(frozen=True)
class Collected:
    """Result of one collection."""

    outcome: Outcome
    evidence: Evidence
    snapshot: Snapshot
    bytes_received: int
    requests: int


@dataclass
class _Collection:
    """What accumulates while pages arrive."""

    spec: SourceSpec
    target: Target
    run_id: str
    held: Held
    pages: list[StoredPage] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    origin: str = "live"
    announced_total: int | None = None
    mark: str | None = None
    is_proven: bool = True
    latest: Snapshot | None = None

    def is_needless(self, client: HttpClient) -> bool:
        """Whether the service says that it still has what is held."""
        self.mark = registry.mark(self.spec, client)
        return self.held.is_whole_at(self.mark)

    def add(self, page: Page, writer: Writer) -> None:
        """Stores a page, or takes it over from the previous snapshot on a 304."""
        headers = page.answer.headers
        self.origin = self._origin(page)
        # A page that stands in for one that could not be had is no word of a service.
        self.is_proven &= page.answer.not_modified and UNREACHABLE not in headers
        if page.announced_total is not None:
            self.announced_total = page.announced_total
        if page.answer.not_modified:
            stored = self._taken_over(page.name)
        else:
            body = self.target.scrub_bytes(page.answer.body)
            data = canonical(self.spec.format, page.name, body)
            stored = StoredPage(
                name=page.name,
                suffix=page.suffix,
                sha256=writer.add(body, page.suffix),
                content_sha256=hashlib.sha256(data).hexdigest(),
                bytes=len(body),
                items=page.items,
                etag=headers.get("etag"),
                last_modified=headers.get("last-modified"),
            )
        self.pages.append(stored)
        self.lines.append(
            {
                "source_id": self.spec.id,
                "run_id": self.run_id,
                "page": page.name,
                "url": page.answer.url,
                "fetched_at": page.answer.fetched_at.isoformat(timespec="seconds"),
                "status": page.answer.status,
                "headers": headers,
                "sha256": stored.sha256,
                "bytes": stored.bytes,
                "content_sha256": stored.content_sha256,
                "licence": self.spec.licence,
            }
        )

    def _origin(self, page: Page) -> str:
        """What the data are; a server on this machine never gives live data."""
        announced = page.answer.headers.get("x-lrtzc-sandbox")
        if not self.target.is_web:
            return "sandbox" if announced == "synthetic" else "live"
        if not self.target.is_loopback:
            return "live"
        if announced is None and page.answer.not_modified and self.held.snapshot:
            return self.held.snapshot.origin
        return "sandbox" if announced == "synthetic" else "replay"

    def _taken_over(self, name: str) -> StoredPage:
        pages = self.held.snapshot.pages if self.held.snapshot else ()
        return next(page for page in pages if page.name == name)

    def seal(self, writer: Writer) -> None:
        """Makes what came durable: the answers, and the state if it is a new one."""
        previous, collected = self.held.snapshot, self._snapshot()
        is_new = previous is None or not _same(previous, collected)
        self.latest = collected if is_new else previous
        lines = [writer.store.record_answer(line) for line in self.lines]
        writer.seal(lines, collected if is_new else None)

    def result(self, client: HttpClient) -> Collected:
        """What came of it; without pages, a mark was enough."""
        previous = self.held.snapshot
        latest = self.latest or previous
        assert latest is not None  # noqa: S101 - sealed, or held and marked
        changed = previous is None or previous.content_sha256 != latest.content_sha256
        return Collected(
            outcome=Outcome.CHANGED if changed else Outcome.UNCHANGED,
            evidence=Evidence.CONTENT if changed else self._evidence(),
            snapshot=latest,
            bytes_received=client.bytes_received,
            requests=client.requests,
        )

    def _evidence(self) -> Evidence:
        """What says that nothing changed."""
        if not self.pages:
            return Evidence.MARK
        return Evidence.VALIDATORS if self.is_proven else Evidence.CONTENT

    def _snapshot(self) -> Snapshot:
        """The snapshot that the pages form."""
        # Sorted and distinct: the order of pages, and a page sent twice, are no data.
        hashes = sorted({page.content_sha256 for page in self.pages})
        content = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
        now = datetime.now(UTC)
        return Snapshot(
            id=snapshot_id(now, content),
            source_id=self.spec.id,
            run_id=self.run_id,
            collected_at=now.isoformat(timespec="seconds"),
            origin=self.origin,
            licence=self.spec.licence,
            content_sha256=content,
            announced_total=self.announced_total,
            mark=self.mark,
            question=self.held.question,
            pages=tuple(self.pages),
        )


def collect(  # noqa: PLR0913 - what, where, and for whom
    spec: SourceSpec,
    target: Target,
    store: RawStore,
    *,
    run_id: str,
    progress: Progress = lambda *_: None,
    memo: Memo | None = None,
) -> Collected:
    """Brings a source's raw snapshot up to date.

    Args:
        spec: What to collect.
        target: Where, with key and politeness.
        store: The source's raw store.
        run_id: Run that collects, written beside the data.
        progress: Told after each page.
        memo: Answers that other days of the source asked for already.

    Returns:
        The latest snapshot, whether its data are others than before, and what it cost.

    Raises:
        FetchError: the service could not be read whole; the store keeps what it had.
        SettingsError: a key or contact is missing.
    """
    client = HttpClient(target, registry.limits(spec), {} if memo is None else memo)
    with client, Writer(store) as writer:
        # Nothing of what is held here goes while the writer is at it.
        collection = _Collection(spec, target, run_id, held(spec, target, store))
        try:
            if collection.is_needless(client):
                return collection.result(client)
            for page in registry.pages(spec, client, collection.held.known):
                collection.add(page, writer)
                progress(spec.id, len(collection.pages), client.bytes_received)
        except (FetchError, RecursionError) as caught:
            error = _as_refusal(target, caught)
            kept = _set_aside(store, client, error, run_id)
            raise error.with_evidence(kept) from caught.__cause__
        collection.seal(writer)
    return collection.result(client)


def _as_refusal(target: Target, caught: FetchError | RecursionError) -> FetchError:
    """The error that ends a collection.

    What is just not too deep to be read may be too deep to be written or compared.
    """
    if isinstance(caught, FetchError):
        return caught
    return FetchError(f"{target.endpoint_id}: an answer is nested too deeply")


def _set_aside(
    store: RawStore, client: HttpClient, error: FetchError, run_id: str
) -> Path | None:
    """Keeps the bytes of the answer that ended a collection."""
    about = {
        "source_id": store.label,
        "run_id": run_id,
        "refused_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": str(error),
    }
    return store.set_aside(client.target.scrub_bytes(client.last_body), about)


def _same(previous: Snapshot, snapshot: Snapshot) -> bool:
    """Whether two snapshots hold the same bytes, and what proves it next time."""
    return (previous.pages, previous.origin, previous.mark, previous.question) == (
        snapshot.pages,
        snapshot.origin,
        snapshot.mark,
        snapshot.question,
    )


def shown_address(target: Target) -> str:
    """The endpoint's address for people: host and path, never a query."""
    parts = urlsplit(target.base_url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
