"""Sealed files as pages, without a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lrtzc_pipelines.collecting import Outcome, collect
from lrtzc_pipelines.collectors.spool import Message, sealed_files, write_sealed
from lrtzc_pipelines.connectors import spool
from lrtzc_pipelines.connectors.addresses import Target, resolve
from lrtzc_pipelines.connectors.answers import KnownPage, Limits
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError, NothingYet
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import RawStore, read_pages
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.protocols import SpoolConnector
from lrtzc_pipelines.sources.registry import load_endpoints, load_sources

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONNECTOR = SpoolConnector(kind="spool", collector="lorawan")
SPEC = load_sources()["lorawan_uplinks"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return resolve(load_endpoints()[SPEC.endpoint], Settings(data_dir=tmp_path))


Seal = Callable[..., Path]


@pytest.fixture
def seal(layout: Layout) -> Seal:
    def write(n: int, *, count: int = 2, invented: bool = False) -> Path:
        messages = [
            Message(
                MOMENT + timedelta(hours=n, seconds=second),
                "t",
                json.dumps(
                    {
                        "deduplicationId": f"{n}-{second}",
                        "time": MOMENT.isoformat(),
                        "deviceInfo": {"devEui": "70b3d57ed0000a01"},
                        "fCnt": second,
                        "object": {"temperature": 20},
                        "rxInfo": [],
                    }
                ).encode(),
            )
            for second in range(count)
        ]
        path = write_sealed(layout.spool("lorawan"), messages, invented=invented)
        assert path is not None
        return path

    return write


def pages(target: Target, known: dict[str, KnownPage] | None = None) -> list[Page]:
    with HttpClient(target) as client:
        found = list(spool.pages(CONNECTOR, client, known or {}))
        assert client.requests == 0
    return found


def test_each_sealed_file_is_a_page_oldest_first(target: Target, seal: Seal) -> None:
    later, earlier = seal(5), seal(0, count=3)
    found = pages(target)
    assert [page.answer.body for page in found] == [
        earlier.read_bytes(),
        later.read_bytes(),
    ]
    assert [page.items for page in found] == [3, 2]
    assert [page.name for page in found] == [
        path.name.removesuffix(".jsonl") for path in (earlier, later)
    ]


def test_no_broker_and_no_contact_is_needed(target: Target, seal: Seal) -> None:
    seal(0)
    assert target.contact == ""
    assert len(pages(target)) == 1


def test_a_known_file_is_not_read_again(target: Target, seal: Seal) -> None:
    seal(0)
    (first,) = pages(target)
    (path,) = [sealed.path for sealed in _sealed(target)]
    path.write_bytes(b"overwritten, which nobody may notice without reading")
    seal(5)
    known = {first.name: KnownPage("0" * 64, first.items)}
    kept, new = pages(target, known)
    assert (kept.answer.not_modified, kept.answer.body, kept.items) == (True, b"", 2)
    assert not new.answer.not_modified


def _sealed(target: Target) -> list[spool.Sealed]:
    assert target.data_dir
    return sealed_files(Layout(target.data_dir).spool("lorawan"))


def test_nothing_yet_is_nobodys_fault(target: Target) -> None:
    with pytest.raises(NothingYet, match="lrtzc listen"):
        pages(target)


def test_a_spool_that_lost_its_files_is_an_error(target: Target) -> None:
    with pytest.raises(FetchError, match="held 1 files") as raised:
        pages(target, {"x": KnownPage("0")})
    assert not isinstance(raised.value, NothingYet)


def test_a_damaged_file_is_refused(target: Target, seal: Seal) -> None:
    path = seal(0)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(FetchError, match="damaged"):
        pages(target)


def test_a_file_larger_than_the_source_allows_is_refused(
    target: Target, seal: Seal
) -> None:
    seal(0)
    with (
        HttpClient(target, Limits(max_bytes=10)) as client,
        pytest.raises(FetchError, match="larger than"),
    ):
        list(spool.pages(CONNECTOR, client, {}))


def test_a_mark_changes_with_the_files_only(target: Target, seal: Seal) -> None:
    with HttpClient(target) as client:
        assert spool.mark(CONNECTOR, client) is None
        seal(0)
        first = spool.mark(CONNECTOR, client)
        assert first == spool.mark(CONNECTOR, client)
        seal(1)
        assert spool.mark(CONNECTOR, client) != first


def test_invented_files_are_left_out_once_there_is_a_real_one(
    target: Target, seal: Seal
) -> None:
    invented = seal(0, invented=True)
    (page,) = pages(target)
    assert page.answer.body == invented.read_bytes()
    assert page.answer.headers == {"x-lrtzc-sandbox": "synthetic"}
    real = seal(1)
    (page,) = pages(target)
    assert page.answer.body == real.read_bytes()
    assert page.answer.headers == {}


@pytest.mark.parametrize(("invented", "origin"), [(False, "live"), (True, "sandbox")])
def test_a_collection_says_where_the_data_come_from(
    target: Target, seal: Seal, layout: Layout, *, invented: bool, origin: str
) -> None:
    seal(0, invented=invented)
    store = RawStore(layout.raw(SPEC.id))
    first = collect(SPEC, target, store, run_id="1")
    assert (first.outcome, first.snapshot.origin) == (Outcome.CHANGED, origin)
    second = collect(SPEC, target, store, run_id="2")
    assert second.outcome == Outcome.UNCHANGED
    assert second.bytes_received == 0


def test_a_collection_takes_new_files_and_keeps_the_old(
    target: Target, seal: Seal, layout: Layout
) -> None:
    seal(0)
    store = RawStore(layout.raw(SPEC.id))
    collect(SPEC, target, store, run_id="1")
    new = seal(1)
    again = collect(SPEC, target, store, run_id="2")
    assert again.bytes_received == new.stat().st_size
    frames = list(parse(SPEC, read_pages(store, again.snapshot)))
    names = [name for frame in frames for name in frame["deduplication_id"]]
    assert names == ["0-0", "0-1", "1-0", "1-1"]
