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
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from lrtzc_pipelines.connectors import registry
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.parsers.canonical import canonical
from lrtzc_pipelines.raw_store import (
    RawStore,
    Snapshot,
    StoredPage,
    Writer,
    snapshot_id,
)
from lrtzc_pipelines.sources.spec import SourceSpec

NOT_MODIFIED = HTTPStatus.NOT_MODIFIED

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
    previous: Snapshot | None
    pages: list[StoredPage] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    origin: str = "live"
    announced_total: int | None = None
    mark: str | None = None

    def add(self, page: Page, writer: Writer) -> None:
        """Stores a page, or takes it over from the previous snapshot on a 304."""
        headers = page.answer.headers
        self.origin = self._origin(page)
        if page.announced_total is not None:
            self.announced_total = page.announced_total
        if page.answer.not_modified:
            stored = self._held(page.name)
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
        if announced is None and page.answer.not_modified and self.previous:
            return self.previous.origin
        return "sandbox" if announced == "synthetic" else "replay"

    def _held(self, name: str) -> StoredPage:
        held = self.previous.pages if self.previous else ()
        return next(page for page in held if page.name == name)

    def snapshot(self) -> Snapshot:
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
            pages=tuple(self.pages),
        )


def collect(
    spec: SourceSpec,
    target: Target,
    store: RawStore,
    *,
    run_id: str,
    progress: Progress = lambda *_: None,
) -> Collected:
    """Brings a source's raw snapshot up to date.

    Args:
        spec: What to collect.
        target: Where, with key and politeness.
        store: The source's raw store.
        run_id: Run that collects, written beside the data.
        progress: Told after each page.

    Returns:
        The latest snapshot, whether its data differ from the one before, and what
        it cost.

    Raises:
        FetchError: the service could not be read whole; the store keeps what it had.
        SettingsError: a key or contact is missing.
    """
    previous = store.latest()
    pages = previous.pages if previous else ()
    known = {
        page.name: page.known
        for page in pages
        if store.blob(page.sha256, page.suffix).exists()
    }
    collection = _Collection(spec, target, run_id, previous)
    with HttpClient(target, registry.limits(spec)) as client, Writer(store) as writer:
        try:
            collection.mark = registry.mark(spec, client)
            whole = len(known) == len(pages)
            if previous and whole and collection.mark and _same_mark(collection):
                return _unchanged(previous, client, Evidence.MARK)
            for page in registry.pages(spec, client, known):
                collection.add(page, writer)
                progress(spec.id, len(collection.pages), client.bytes_received)
        except FetchError as error:
            kept = _set_aside(store, target, client.last_body, error, run_id)
            raise error.with_evidence(kept) from error.__cause__
        snapshot = collection.snapshot()
        same_bytes = previous is not None and _same(previous, snapshot)
        lines = [store.record_answer(line) for line in collection.lines]
        writer.seal(lines, None if same_bytes else snapshot)
    if previous is None or previous.content_sha256 != snapshot.content_sha256:
        outcome, evidence = Outcome.CHANGED, Evidence.CONTENT
    else:
        outcome = Outcome.UNCHANGED
        validated = all(line["status"] == NOT_MODIFIED for line in collection.lines)
        evidence = Evidence.VALIDATORS if validated else Evidence.CONTENT
    return Collected(
        outcome=outcome,
        evidence=evidence,
        snapshot=previous if previous and same_bytes else snapshot,
        bytes_received=client.bytes_received,
        requests=client.requests,
    )


def _same_mark(collection: _Collection) -> bool:
    """Whether the service says that it still has what the last snapshot holds."""
    previous = collection.previous
    # Another address (live, sandbox, replay) may use the same marks for other data.
    return (
        previous is not None
        and collection.mark == previous.mark
        and (previous.origin == "live") == (not collection.target.is_loopback)
    )


def _unchanged(previous: Snapshot, client: HttpClient, evidence: Evidence) -> Collected:
    return Collected(
        outcome=Outcome.UNCHANGED,
        evidence=evidence,
        snapshot=previous,
        bytes_received=client.bytes_received,
        requests=client.requests,
    )


def _set_aside(
    store: RawStore, target: Target, body: bytes, error: FetchError, run_id: str
) -> Path | None:
    """Keeps the bytes of the answer that ended a collection."""
    about = {
        "source_id": store.label,
        "run_id": run_id,
        "refused_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": str(error),
    }
    return store.set_aside(target.scrub_bytes(body), about)


def _same(previous: Snapshot, snapshot: Snapshot) -> bool:
    """Whether two snapshots hold the same bytes and validators page by page."""
    return (previous.pages, previous.origin, previous.mark) == (
        snapshot.pages,
        snapshot.origin,
        snapshot.mark,
    )


def shown_address(target: Target) -> str:
    """The endpoint's address for people: host and path, never a query."""
    parts = urlsplit(target.base_url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
