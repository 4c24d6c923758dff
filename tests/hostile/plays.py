"""Paged services at play: well-behaved but for one thing, and what must hold of us."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zstandard
from envelopes import PAGE_SIZE, Record, Sheet
from paged import Protocol
from services import (
    SECRET,
    Asked,
    Attack,
    Server,
    check_message,
    serving,
    set_aside,
    target_of,
)

from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.conforming import Conformed, conform
from lrtzc_pipelines.errors import FetchError, LrtzcError, ParseError, SchemaError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import RawStore, Snapshot, read_pages

NEVER = 10**9
"""Place of the last page of a service that has none."""


@dataclass(frozen=True)
class Play:
    """How a service plays: two pages of two records, unless it is told otherwise.

    Attributes:
        records: The records of the page with a place.
        total: The announced total on that page.
        last: Place of the last page.
        following: What leads from the first page to the second, if not what should.
        twist: What becomes of the second page.
    """

    protocol: Protocol
    records: Callable[[int], list[Record]] | None = None
    total: Callable[[int], Any] | None = None
    last: int = 1
    following: Any = None
    twist: Callable[[bytes], Attack] = bytes

    def respond(self, asked: Asked, url: str) -> Attack:
        """The answer to a request to the server at `url`."""
        place = self.protocol.place(asked)
        if place is None:
            return self.protocol.other(asked, self._sheet(0, url))
        written = self.protocol.write(self._sheet(place, url))
        return self.twist(written) if place == 1 else written

    def right_records(self, place: int) -> list[Record]:
        """The records of a page that is as it should be."""
        first = place * PAGE_SIZE + 1
        numbers = range(first, first + PAGE_SIZE) if place <= self.last else ()
        return [self.protocol.record(number) for number in numbers]

    def _sheet(self, place: int, url: str) -> Sheet:
        right_total = 2 if self.protocol.is_list else 4
        following = self.protocol.follow
        leads = following(url, place + 1) if following and place < self.last else None
        return Sheet(
            place,
            (self.records or self.right_records)(place),
            self.total(place) if self.total else right_total,
            leads if self.following is None or place else self.following,
        )


MOST_REQUESTS = 30
LONGEST_SECONDS = 10.0


@dataclass
class Stage:
    """A service at play, and the store of who collects from it."""

    protocol: Protocol
    server: Server
    store: RawStore
    folder: Path
    url: str
    held: Snapshot | None = None

    def plays(self, play: Play) -> None:
        """Has the service play from now on."""
        self.server.requests.clear()
        self.server.respond = lambda asked: play.respond(asked, self.url)

    def collect(self) -> Snapshot:
        """Collects from the service."""
        spec = self.protocol.spec
        target = target_of(spec, self.url, self.folder, key=SECRET)
        return collect(spec, target, self.store, run_id="r1").snapshot

    def conformed(self, snapshot: Snapshot) -> Conformed:
        """The rows of a snapshot."""
        spec = self.protocol.spec
        return conform(spec, parse(spec, read_pages(self.store, snapshot)))

    def error(self) -> LrtzcError:
        """The error that collecting and reading end in, once all that must hold does.

        It is told clearly and comes soon; no snapshot was made of pages that were
        refused, and the one from before can still be read.
        """
        started = time.monotonic()
        try:
            snapshot = self.collect()
        except FetchError as refused:
            error: LrtzcError = refused
            assert self.store.latest() == self.held
        else:
            error = self._unreadable(snapshot)
        assert time.monotonic() - started < LONGEST_SECONDS
        assert 0 < len(self.server.requests) <= MOST_REQUESTS
        check_message(error, self.protocol.spec)
        if self.held:
            assert self.conformed(self.held).rows.height
        return error

    def _unreadable(self, snapshot: Snapshot) -> LrtzcError:
        with pytest.raises((ParseError, SchemaError)) as parsed:
            self.conformed(snapshot)
        return parsed.value

    @property
    def refused(self) -> list[bytes]:
        """What is kept of refused answers."""
        unpack = zstandard.ZstdDecompressor().decompress
        return [unpack(path.read_bytes()) for path in set_aside(self.store)]


@contextmanager
def stage(
    protocol: Protocol, folder: Path, *, host: str = "127.0.0.1", is_held: bool = False
) -> Iterator[Stage]:
    """A service that is well-behaved to begin with.

    Args:
        protocol: What it speaks.
        folder: Where its data are kept.
        host: The name by which it is asked.
        is_held: Whether a good snapshot was made of it before.
    """
    store = RawStore(Layout(folder).raw(protocol.spec.id))
    play = Play(protocol)
    with serving(lambda _: b"") as server:
        url = f"http://{host}:{server.port}/api/"
        found = Stage(protocol, server, store, folder, url)
        found.plays(play)
        if is_held:
            found.held = found.collect()
        yield found
