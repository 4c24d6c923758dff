"""Files served over HTTP and read to the end, with an eye on time and memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from services import Asked, answer, check_message, serving, spec_of, target_of

from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.conforming import Conformed, conform
from lrtzc_pipelines.errors import FetchError, LrtzcError, ParseError, SchemaError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import RawStore, read_pages
from lrtzc_pipelines.sources.spec import SourceSpec

MOST_MEGABYTES = 300
LONGEST_SECONDS = 20.0

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class File:
    """A file of a format, and the columns that are read from it.

    Attributes:
        form: The format.
        columns: The producer's names; the first one is the key.
        types: Types of the columns; text where none is given.
    """

    form: dict[str, Any]
    columns: Sequence[str] = ("row_id", "value")
    types: Sequence[str] = ()

    @property
    def spec(self) -> SourceSpec:
        """A source of one such file."""
        types = [*self.types, *["text"] * len(self.columns)]
        names = ["row_id", *(f"column_{n}" for n in range(1, len(self.columns)))]
        # No file of its own tells how charging points are read.
        connector = {"kind": "http_file", "path": "file"}
        if self.form["kind"] == "irve":
            connector = {"kind": "data_gouv", "dataset": "d"}
        return spec_of(
            connector,
            self.form,
            columns=[
                {"name": name, "source": source, "type": kind}
                for name, source, kind in zip(names, self.columns, types, strict=False)
            ],
        )


@dataclass
class Growth:
    """How much memory this process took on meanwhile, in megabytes."""

    megabytes: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        process = psutil.Process()
        before = process.memory_info().rss
        while not self._over.wait(0.002):
            grown = (process.memory_info().rss - before) / 1e6
            self.megabytes = max(self.megabytes, grown)

    def stop(self) -> None:
        self._over.set()


@contextmanager
def watched() -> Iterator[Growth]:
    growth = Growth()
    thread = threading.Thread(target=growth.watch, daemon=True)
    thread.start()
    try:
        yield growth
    finally:
        growth.stop()
        thread.join()


@dataclass
class Outcome:
    """What came of a file: its rows, or the error that refused it."""

    megabytes: float
    conformed: Conformed | None = None
    error: LrtzcError | None = None

    @property
    def rows(self) -> Rows:
        """The values of the rows that can be read."""
        assert self.error is None, str(self.error)
        assert self.conformed is not None
        return self.conformed.rows.select(pl.exclude("_page", "_row")).rows()


def read(file: File, body: bytes, folder: Path) -> Outcome:
    """What comes of a file that a service serves.

    An error is a clear one, and both come in time.
    """

    def respond(asked: Asked) -> bytes:
        if asked.path.endswith("datasets/d/"):
            return answer(json.dumps({"resources": [{"id": "r"}]}).encode())
        return answer(body)

    spec = file.spec
    store = RawStore(Layout(folder).raw(spec.id))
    started = time.monotonic()
    with serving(respond) as server, watched() as growth:
        try:
            target = target_of(spec, server.url, folder)
            snapshot = collect(spec, target, store, run_id="r1").snapshot
            found = conform(spec, parse(spec, read_pages(store, snapshot)))
        except (FetchError, ParseError, SchemaError) as error:
            outcome = Outcome(0, error=error)
        else:
            outcome = Outcome(0, found)
    assert time.monotonic() - started < LONGEST_SECONDS
    if outcome.error:
        check_message(outcome.error, spec)
    outcome.megabytes = growth.megabytes
    return outcome


def refused(file: File, body: bytes, folder: Path) -> str:
    """The error that refuses a file, without much memory."""
    outcome = read(file, body, folder)
    assert outcome.error is not None
    assert outcome.megabytes < MOST_MEGABYTES
    return str(outcome.error)
