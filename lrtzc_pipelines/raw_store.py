"""Raw bytes as they were received: write-once, named by their sha256, never rewritten.

A *snapshot* is one complete state of a dataset: the list of its pages. Its line is
written after its blobs are durable, so a snapshot that can be read is whole. Each
answer also leaves a manifest line that says where the bytes came from and under which
licence. Bodies must be free of secrets before they come here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_DIR_MODE, PRIVATE_FILE_MODE
from lrtzc_pipelines.storage import (
    append_lines,
    replacing,
    sync_directory,
    write_bytes,
    write_json,
)

_LEVEL = 3
_PENDING_BLOBS = 8
_REFUSED_KEPT = 5


@dataclass(frozen=True)
class StoredPage:
    """One page of a snapshot: its blob and what it takes to ask for it again."""

    name: str
    suffix: str
    sha256: str
    content_sha256: str
    bytes: int
    items: int | None = None
    etag: str | None = None
    last_modified: str | None = None

    @property
    def known(self) -> KnownPage:
        """What a connector needs to ask for this page only if it changed."""
        return KnownPage(self.sha256, self.items, self.etag, self.last_modified)


@dataclass(frozen=True)
class Snapshot:
    """One complete state of a dataset.

    Attributes:
        content_sha256: Canonical hash of the content; equal for equal data, whatever
            the order of the pages and the volatile parts of their envelopes.
        origin: `live`, or what a local server said it is: `sandbox` or `replay`.
        collected_at: UTC time at which the last page was complete, ISO 8601.
        mark: What the service said of the version of these data, if it does.
        question: Hash of what was asked, and where: the mark, and the validators of
            the pages, prove nothing about another question.
    """

    id: str
    source_id: str
    run_id: str
    collected_at: str
    origin: str
    licence: str
    content_sha256: str
    announced_total: int | None
    pages: tuple[StoredPage, ...]
    mark: str | None = None
    question: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all pages, uncompressed."""
        return sum(page.bytes for page in self.pages)

    def to_line(self) -> str:
        """The snapshot as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_line(cls, line: str | bytes) -> Snapshot:
        """The snapshot that a line of JSON holds."""
        fields = json.loads(line)
        pages = tuple(StoredPage(**page) for page in fields.pop("pages"))
        return cls(pages=pages, **fields)


@dataclass
class RawStore:
    """The raw folder of one source.

    Attributes:
        folder: Private folder; made by the caller.
        label: What messages call the source.
    """

    folder: Path
    label: str = ""

    def __post_init__(self) -> None:
        self.label = self.label or self.folder.name

    @property
    def manifest(self) -> Path:
        """One JSON line per answer received."""
        return self.folder / "manifest.jsonl"

    @property
    def snapshots(self) -> Path:
        """One JSON line per complete state of the dataset."""
        return self.folder / "snapshots.jsonl"

    def blob(self, sha256: str, suffix: str) -> Path:
        """Where the bytes with this hash are, zstd-compressed."""
        return self.folder / "blobs" / sha256[:2] / f"{sha256}.{suffix}.zst"

    def latest(self) -> Snapshot | None:
        """The last complete snapshot; None before the first."""
        return next(self._newest_first(), None)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Waits until nobody else writes or purges here, and keeps others waiting."""
        path = self.folder / ".lock"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def all(self) -> list[Snapshot]:
        """Every complete snapshot, oldest first."""
        return list(self._newest_first())[::-1]

    def _newest_first(self) -> Iterator[Snapshot]:
        """Snapshots; a line that a crash cut short is passed over: it never was one."""
        if not self.snapshots.exists():
            return
        # Bytes: a crash may cut a line inside a character.
        for line in reversed(self.snapshots.read_bytes().split(b"\n")):
            with suppress(ValueError, TypeError, KeyError):
                yield Snapshot.from_line(line)

    def keep(self, snapshots: list[Snapshot], after: datetime) -> None:
        """Forgets every other snapshot, and answers from before a moment."""
        lines = "".join(f"{snapshot.to_line()}\n" for snapshot in snapshots)
        write_bytes(self.snapshots, lines.encode())
        if self.manifest.exists():
            told = self.manifest.read_bytes().splitlines(keepends=True)
            recent = [line for line in told if _received(line) >= after]
            write_bytes(self.manifest, b"".join(recent))

    def read(self, page: StoredPage) -> bytes:
        """The bytes of a page, checked against their name.

        A damaged blob is set aside, so that the next collection asks for it again.

        Raises:
            LrtzcError: the blob is missing or no longer has its hash.
        """
        path = self.blob(page.sha256, page.suffix)
        try:
            body = zstandard.ZstdDecompressor().decompress(
                path.read_bytes(), max_output_size=page.bytes or 1
            )
        except OSError as error:
            msg = f"{self.label}: raw page {page.name}: {error.strerror}: {path}"
            raise LrtzcError(msg) from error
        except zstandard.ZstdError:
            body = None
        if body is None or hashlib.sha256(body).hexdigest() != page.sha256:
            path.rename(path.with_suffix(".damaged"))
            msg = (
                f"{self.label}: raw page {page.name} ({path.name}) is damaged; "
                "it was set aside, and the next refresh asks for it again"
            )
            raise LrtzcError(msg)
        return body

    def set_aside(self, body: bytes, about: dict[str, Any]) -> Path | None:
        """Keeps what came of a refused answer, for a person to look at.

        Only the last few are kept; they are never part of a snapshot.

        Args:
            body: Bytes, free of secrets; nothing is kept of an empty one.
            about: What is known of them; becomes a JSON file beside them.
        """
        if not body:
            return None
        folder = self.folder / "refused"
        folder.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z"
        path = folder / f"{name}.bin.zst"
        write_bytes(path, zstandard.ZstdCompressor(level=_LEVEL).compress(body))
        write_json(folder / f"{name}.json", {**about, "file": path.name})
        for old in sorted(folder.iterdir())[: -2 * _REFUSED_KEPT]:
            old.unlink()
        return path

    def record_answer(self, line: dict[str, Any]) -> str:
        """A manifest line as text; `Writer` appends them together."""
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


@dataclass
class Writer:
    """Stores the pages of one collection in the background, then seals them.

    Use as a context manager. Compressing and flushing overlap with the next request;
    a page that cannot be stored fails the collection at `seal`.
    """

    store: RawStore
    _pool: ThreadPoolExecutor = field(init=False, repr=False)
    _pending: list[Future[None]] = field(init=False, default_factory=list)
    _folders: set[Path] = field(init=False, default_factory=set)
    _lock: ExitStack = field(init=False, default_factory=ExitStack, repr=False)

    def __enter__(self) -> Writer:
        # What the retention clock finds loose may be about to be needed.
        self._lock.enter_context(self.store.exclusive())
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="raw-store")
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._lock.close()

    def add(self, body: bytes, suffix: str) -> str:
        """Queues bytes for storage and returns their sha256."""
        sha256 = hashlib.sha256(body).hexdigest()
        path = self.store.blob(sha256, suffix)
        self._folders.add(path.parent)
        self._pending.append(self._pool.submit(_write_blob, path, body))
        # A slow disk must slow the download, not fill the memory.
        while len(self._pending) > _PENDING_BLOBS:
            self._pending.pop(0).result()
        return sha256

    def seal(self, lines: list[str], snapshot: Snapshot | None) -> None:
        """Makes blobs durable, then appends manifest lines, then the snapshot."""
        for pending in self._pending:
            pending.result()
        for folder in self._folders:
            sync_directory(folder)
        append_lines(self.store.manifest, lines)
        if snapshot is not None:
            append_lines(self.store.snapshots, [snapshot.to_line()])


def _received(line: bytes) -> datetime:
    """When an answer came; long ago if its line was cut short."""
    try:
        told = json.loads(line)
        return datetime.fromisoformat(told.get("fetched_at") or told["refused_at"])
    except (ValueError, TypeError, KeyError):
        return datetime.min.replace(tzinfo=UTC)


def _write_blob(path: Path, body: bytes) -> None:
    if path.exists():
        return
    # One by one: `parents=True` gives the mode to the last folder only.
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(zstandard.ZstdCompressor(level=_LEVEL).compress(body))


def snapshot_id(moment: datetime, content_sha256: str) -> str:
    """A sortable name: when, then which content."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{content_sha256[:8]}"


def read_pages(
    store: RawStore, snapshot: Snapshot
) -> Iterator[tuple[StoredPage, bytes]]:
    """Every page of a snapshot with its bytes, in order."""
    for page in snapshot.pages:
        yield page, store.read(page)
