"""From a service to a snapshot: what is kept, taken over, changed, and never kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines import collecting
from lrtzc_pipelines.collecting import (
    Collected,
    Evidence,
    Outcome,
    collect,
    shown_address,
)
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import UNREACHABLE, Answer, Limits
from lrtzc_pipelines.connectors.base import Known, Page
from lrtzc_pipelines.connectors.http import HttpClient, Memo
from lrtzc_pipelines.connectors.memo import asked_once
from lrtzc_pipelines.errors import FetchError, LrtzcError, SettingsError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.raw_store import RawStore, read_pages
from lrtzc_pipelines.sources.protocols import WebserviceConnector
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

REAL = "https://opendata.larochelle.fr/webservice/"
KEY = "s3cret+clé"
CHANGED, UNCHANGED = Outcome.CHANGED, Outcome.UNCHANGED


@pytest.fixture(scope="module")
def spec() -> SourceSpec:
    """A table of the legacy web service, two rows a page."""
    connector = WebserviceConnector(
        kind="larochelle_webservice",
        database="decoupadmin",
        table="decoupage_cda_liste",
        page_size=2,
    )
    packaged = load_sources()["larochelle_agglomeration_communes"]
    return packaged.model_copy(update={"connector": connector})


@dataclasses.dataclass
class Town:
    """A web service that a test changes between two collections."""

    rows: list[str]
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    envelope: str = ""
    marks: bool = True
    failing_offset: int | None = None
    asked: list[Request] = dataclasses.field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        offset = int(request.args["offset"])
        if offset == self.failing_offset:
            return Response(status=503)
        rows = "".join(
            f'<row><id>"{row}"</id></row>' for row in self.rows[offset - 1 :][:2]
        )
        query = request.query_string.decode().replace("&", "&amp;")
        body = (
            f"<opendata><request>http://a.fr/?{query}{self.envelope}</request><answer>"
            f"<status>code=0 message=Success</status><data>{rows}</data></answer>"
            "</opendata>"
        )
        mark = f'"{hashlib.sha256(body.encode()).hexdigest()}"'
        headers = {**self.headers, **({"ETag": mark} if self.marks else {})}
        if self.marks and request.headers.get("If-None-Match") == mark:
            return Response(status=304, headers=headers)
        return Response(body, headers=headers)

    @property
    def conditions(self) -> list[bool]:
        return ["If-None-Match" in request.headers for request in self.asked]


@pytest.fixture
def town(httpserver: HTTPServer) -> Town:
    service = Town(["a", "b", "c"])
    httpserver.expect_request("/webservice/").respond_with_handler(service)
    return service


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    return RawStore(Layout(tmp_path).raw("larochelle_agglomeration_communes"))


@pytest.fixture
def target(httpserver: HTTPServer) -> Target:
    return Target(
        endpoint_id="larochelle_webservice",
        base_url=httpserver.url_for("/webservice/"),
        declared_url=REAL,
        requests_per_second=1000.0,
        key=KEY,
        contact="donnees@ville.example",
    )


Run = Callable[..., Collected]


@pytest.fixture
def run(
    spec: SourceSpec,
    target: Target,
    store: RawStore,
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Collects once; requests are noted afresh."""
    monkeypatch.setattr(collecting.registry, "limits", lambda _: Limits(attempts=1))

    def collect_once(**options: Any) -> Collected:
        town.asked.clear()
        return collect(spec, target, store, **{"run_id": "r1", **options})

    return collect_once


def snapshots(store: RawStore) -> int:
    return len(store.snapshots.read_text().splitlines())


def manifest(store: RawStore) -> list[dict[str, Any]]:
    return [json.loads(line) for line in store.manifest.read_text().splitlines()]


# The first time


def test_the_first_collection_keeps_every_page(run: Run, store: RawStore) -> None:
    found = run(run_id="r7")
    assert found.outcome is CHANGED
    assert found.snapshot == store.latest()
    assert [(p.name, p.items) for p in found.snapshot.pages] == [
        ("offset-1", 2),
        ("offset-3", 1),
    ]
    assert (found.snapshot.run_id, found.snapshot.licence) == ("r7", "etalab-2.0")
    assert found.snapshot.id.endswith(found.snapshot.content_sha256[:8])
    bodies = [body for _, body in read_pages(store, found.snapshot)]
    assert [body.count(b"<row>") for body in bodies] == [2, 1]
    assert found.requests == 2
    assert found.bytes_received > sum(map(len, bodies)) - 200


def test_every_answer_leaves_a_line_that_says_where_it_came_from(
    run: Run, store: RawStore
) -> None:
    found = run(run_id="r7")
    first, second = manifest(store)
    page = found.snapshot.pages[0]
    assert first["source_id"] == "larochelle_agglomeration_communes"
    assert (first["run_id"], first["page"], first["status"]) == ("r7", "offset-1", 200)
    assert (first["sha256"], first["bytes"]) == (page.sha256, page.bytes)
    assert first["headers"]["etag"] == page.etag
    assert first["licence"] == "etalab-2.0"
    assert first["fetched_at"].endswith("+00:00")
    assert "offset=3" in second["url"]


def test_progress_is_told_after_each_page(run: Run) -> None:
    told: list[tuple[str, int]] = []
    run(progress=lambda source, pages, _: told.append((source, pages)))
    source = "larochelle_agglomeration_communes"
    assert told == [(source, 1), (source, 2)]


# Secrets


def test_the_key_is_sent_and_kept_nowhere(
    run: Run, town: Town, store: RawStore
) -> None:
    found = run()
    assert town.asked[0].args["key"] == KEY
    for _, body in read_pages(store, found.snapshot):
        assert b"&amp;key=REDACTED&amp;" in body
        assert b"s3cret" not in body
    for file in (store.manifest, store.snapshots):
        assert "s3cret" not in file.read_text()


def test_another_key_makes_no_other_data(
    run: Run, spec: SourceSpec, target: Target, store: RawStore
) -> None:
    first = run()
    other = dataclasses.replace(target, key="another")
    again = collect(spec, other, store, run_id="r2")
    assert again.outcome is UNCHANGED
    assert [page.sha256 for page in again.snapshot.pages] == [
        page.sha256 for page in first.snapshot.pages
    ]


def test_what_a_refused_answer_held_is_kept_without_the_key(
    run: Run, town: Town, store: RawStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        collecting.registry, "limits", lambda _: Limits(attempts=1, max_bytes=2000)
    )
    run()
    town.rows = [f"{n:03000}" for n in range(9)]
    before = store.latest()
    with pytest.raises(FetchError, match=r"larger than .*what came is kept in ") as e:
        run(run_id="r2")
    (kept,) = (store.folder / "refused").glob("*.zst")
    assert str(kept) in str(e.value)
    body = zstandard.decompress(kept.read_bytes(), 10_000)
    assert b"key=REDACTED" in body
    about = json.loads(kept.with_name(f"{kept.name[:-8]}.json").read_text())
    assert (about["run_id"], about["source_id"]) == ("r2", store.folder.name)
    assert "larger than" in about["reason"]
    assert store.latest() == before


# Again


def test_pages_that_did_not_change_are_taken_over(
    run: Run, town: Town, store: RawStore
) -> None:
    first = run()
    again = run(run_id="r2")
    assert again.outcome is UNCHANGED
    assert again.snapshot == first.snapshot
    assert town.conditions == [True, True]
    assert again.bytes_received == 0
    assert snapshots(store) == 1
    assert [line["status"] for line in manifest(store)] == [200, 200, 304, 304]
    assert manifest(store)[2]["sha256"] == first.snapshot.pages[0].sha256


def test_without_marks_equal_bytes_are_no_news(
    run: Run, town: Town, store: RawStore
) -> None:
    town.marks = False
    first = run()
    again = run()
    assert (again.outcome, again.snapshot) == (UNCHANGED, first.snapshot)
    assert town.conditions == [False, False]
    assert snapshots(store) == 1


def test_another_envelope_is_kept_but_is_no_news(
    run: Run, town: Town, store: RawStore
) -> None:
    first = run()
    town.envelope = "&amp;echo=2"
    again = run()
    assert again.outcome is UNCHANGED
    assert again.snapshot.content_sha256 == first.snapshot.content_sha256
    assert again.snapshot.pages != first.snapshot.pages
    assert store.latest() == again.snapshot


def test_the_same_rows_on_other_pages_are_no_news(run: Run, town: Town) -> None:
    town.rows = ["a", "b", "c", "d"]
    run()
    town.rows = ["c", "d", "a", "b"]
    assert run().outcome is UNCHANGED


@pytest.mark.parametrize(
    "rows",
    [["a", "b", "z"], ["a", "b", "c", "d"], ["a", "b", "c", "d", "e"], ["a"], []],
)
def test_other_rows_are_news(
    run: Run, town: Town, store: RawStore, rows: list[str]
) -> None:
    first = run()
    town.rows = rows
    again = run()
    assert again.outcome is CHANGED
    assert again.snapshot.content_sha256 != first.snapshot.content_sha256
    assert store.latest() == again.snapshot
    kept = b"".join(body for _, body in read_pages(store, again.snapshot))
    assert kept.count(b"<row>") == len(rows)


def test_only_the_page_that_changed_is_sent_again(run: Run, town: Town) -> None:
    first = run()
    town.rows = ["a", "b", "z"]
    again = run()
    assert again.snapshot.pages[0] == first.snapshot.pages[0]
    assert again.snapshot.pages[1] != first.snapshot.pages[1]
    assert 0 < again.bytes_received < first.bytes_received


def test_earlier_snapshots_can_still_be_read(
    run: Run, town: Town, store: RawStore
) -> None:
    first = run()
    town.rows = ["z"]
    run()
    bodies = [body for _, body in read_pages(store, first.snapshot)]
    assert [body.count(b"<row>") for body in bodies] == [2, 1]


def test_a_page_whose_bytes_are_gone_is_asked_for_in_full(
    run: Run, town: Town, store: RawStore
) -> None:
    lost = run().snapshot.pages[0]
    store.blob(lost.sha256, lost.suffix).unlink()
    again = run()
    assert town.conditions == [False, True]
    assert store.read(again.snapshot.pages[0])


# Failures


def test_a_service_that_fails_halfway_leaves_what_was_there(
    run: Run, town: Town, store: RawStore
) -> None:
    first = run()
    town.rows, town.failing_offset = ["x", "y", "z"], 3
    with pytest.raises(FetchError, match=r"HTTP 503"):
        run()
    assert store.latest() == first.snapshot
    assert len(manifest(store)) == 2
    town.failing_offset = None
    assert run().outcome is CHANGED


def test_nobody_is_asked_without_a_contact(
    run: Run, town: Town, target: Target
) -> None:
    vars(target).update(is_loopback=False, contact="")
    with pytest.raises(SettingsError, match=r"set LRTZC_CONTACT"):
        run()
    assert town.asked == []


# Where data come from


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"X-LRTZC-Sandbox": "synthetic"}, "sandbox"),
        ({"X-LRTZC-Sandbox": "replay"}, "replay"),
        ({}, "replay"),
    ],
)
def test_what_comes_from_this_machine_is_never_live(
    run: Run, town: Town, headers: dict[str, str], origin: str
) -> None:
    town.headers = headers
    assert run().snapshot.origin == origin


@pytest.mark.parametrize("headers", [{}, {"X-LRTZC-Sandbox": "synthetic"}])
def test_what_comes_from_elsewhere_is_live_whatever_it_says(
    run: Run,
    town: Town,
    target: Target,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vars(target).update(is_loopback=False)
    monkeypatch.setenv("NO_PROXY", "localhost")
    town.headers = headers
    assert run().snapshot.origin == "live"


def test_a_page_taken_over_keeps_its_origin(run: Run, town: Town) -> None:
    town.headers = {"X-LRTZC-Sandbox": "synthetic"}
    run()
    town.headers = {}
    assert run().snapshot.origin == "sandbox"


def test_another_origin_is_written_down_though_the_data_are_the_same(
    run: Run, town: Town, store: RawStore
) -> None:
    town.headers = {"X-LRTZC-Sandbox": "synthetic"}
    run()
    town.headers = {"X-LRTZC-Sandbox": "replay"}
    again = run()
    assert (again.outcome, again.snapshot.origin) == (UNCHANGED, "replay")
    assert snapshots(store) == 2


def test_an_address_is_shown_without_its_query() -> None:
    shown = Target("a", "https://a.fr:81/x/?key=s3cret", "https://a.fr/", 1.0)
    assert shown_address(shown) == "https://a.fr:81/x/"


def test_the_total_a_service_announces_is_kept(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    result = {"records": [{"_id": 1, "service_id": 9}], "total": 1}
    httpserver.expect_request("/api/datastore_search").respond_with_json(
        {"success": True, "result": result}
    )
    portal = Target("larochelle_d4c", httpserver.url_for("/api/"), REAL, 1.0)
    store = RawStore(Layout(tmp_path).raw("yelo_calendar_dates"))
    source = load_sources()["yelo_calendar_dates"]
    found = collect(source, portal, store, run_id="r1")
    assert found.snapshot.announced_total == 1


# What the service says of its version


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What the service says next of the version of its data."""
    versions: list[str | None] = ["v1"]
    monkeypatch.setattr(collecting.registry, "mark", lambda *_: versions[0])
    return versions


def test_an_equal_mark_spares_every_page(
    run: Run, town: Town, store: RawStore, said: list[str | None]
) -> None:
    first = run()
    assert first.snapshot.mark == said[0]
    town.rows = ["other"]
    again = run()
    assert (again.outcome, again.evidence) == (UNCHANGED, Evidence.MARK)
    assert town.asked == []
    assert (snapshots(store), again.snapshot) == (1, first.snapshot)


def test_another_mark_has_the_data_compared(
    run: Run, town: Town, store: RawStore, said: list[str | None]
) -> None:
    run()
    said[0] = "v2"
    again = run()
    assert (again.outcome, again.evidence) == (UNCHANGED, Evidence.VALIDATORS)
    assert town.asked
    latest = store.latest()
    assert latest
    assert latest.mark == "v2"


@pytest.mark.parametrize("mark", [None, ""])
def test_a_service_that_cannot_tell_has_its_data_compared(
    run: Run, town: Town, said: list[str | None], mark: str | None
) -> None:
    said[0] = mark
    run()
    town.rows = ["other"]
    again = run()
    assert (again.outcome, again.evidence) == (Outcome.CHANGED, Evidence.CONTENT)


def test_an_equal_mark_is_no_excuse_for_pages_that_are_gone(
    run: Run, town: Town, store: RawStore, said: list[str | None]
) -> None:
    first = run()
    page = first.snapshot.pages[0]
    store.blob(page.sha256, page.suffix).unlink()
    assert run().evidence is not Evidence.MARK
    assert town.asked
    assert [body for _, body in read_pages(store, first.snapshot)]


# What proves nothing


@pytest.fixture
def elsewhere(target: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The same service as if it were another one, beyond this machine."""
    other = dataclasses.replace(target)
    vars(other).update(is_loopback=False)
    monkeypatch.setenv("NO_PROXY", "localhost")
    return other


@pytest.mark.usefixtures("said")
def test_a_mark_of_another_service_proves_nothing(
    run: Run, spec: SourceSpec, store: RawStore, town: Town, elsewhere: Target
) -> None:
    run()
    found = collect(spec, elsewhere, store, run_id="r2")
    assert (found.outcome, found.evidence) == (UNCHANGED, Evidence.CONTENT)
    assert town.conditions == [False, False, False, False]


@pytest.mark.usefixtures("said")
def test_a_mark_of_another_question_proves_nothing(
    run: Run, spec: SourceSpec, target: Target, store: RawStore
) -> None:
    run()
    other = spec.connector.model_copy(update={"table": "another"})
    asked = spec.model_copy(update={"connector": other})
    assert collect(asked, target, store, run_id="r2").evidence is Evidence.CONTENT
    assert collect(asked, target, store, run_id="r3").evidence is Evidence.MARK


def test_a_validator_of_another_question_proves_nothing(
    run: Run, town: Town, spec: SourceSpec, target: Target, store: RawStore
) -> None:
    run()
    other = spec.connector.model_copy(update={"table": "another"})
    town.asked.clear()
    collect(spec.model_copy(update={"connector": other}), target, store, run_id="r2")
    # A date says nothing of which file it is about: 304 would keep the wrong one.
    assert town.conditions == [False, False]


@pytest.mark.usefixtures("said")
def test_a_snapshot_that_does_not_tell_its_question_proves_nothing(
    run: Run, town: Town, store: RawStore
) -> None:
    first = run().snapshot
    older = dataclasses.replace(first, question=None)
    store.snapshots.write_text(older.to_line() + "\n")
    assert run().evidence is Evidence.CONTENT
    assert town.conditions == [False, False]
    assert run().evidence is Evidence.MARK


def test_a_page_that_stands_in_for_another_proves_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run().snapshot

    def stand_ins(*_: object) -> Iterator[Page]:
        now = datetime.now(UTC)
        for page in first.pages:
            answer = Answer("http://a/", 304, {UNREACHABLE: "HTTP 503"}, b"", now)
            yield Page(page.name, page.suffix, answer)

    monkeypatch.setattr(collecting.registry, "pages", stand_ins)
    again = run()
    assert (again.outcome, again.evidence) == (UNCHANGED, Evidence.CONTENT)


@pytest.mark.usefixtures("said")
def test_a_damaged_page_is_asked_for_in_full(
    run: Run, town: Town, store: RawStore
) -> None:
    page = run().snapshot.pages[0]
    blob = store.blob(page.sha256, page.suffix)
    blob.write_bytes(b"damaged")
    with pytest.raises(LrtzcError, match="the next refresh asks for it again"):
        store.read(page)
    again = run()
    assert (again.outcome, again.evidence) == (UNCHANGED, Evidence.CONTENT)
    assert town.conditions == [False, True]
    assert store.read(again.snapshot.pages[0])


# What connectors are told, and what several days share


def test_connectors_know_the_total_that_was_announced(
    run: Run, store: RawStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = dataclasses.replace(run().snapshot, announced_total=3)
    store.snapshots.write_text(first.to_line() + "\n")
    told: list[Known] = []

    def pages(_: object, __: object, known: Known) -> Iterator[Page]:
        told.append(known)
        return iter(())

    monkeypatch.setattr(collecting.registry, "pages", pages)
    run()
    assert [page.total for page in told[0].values()] == [3, 3]


def test_collections_that_share_a_memo_ask_once(
    run: Run, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    memo: Memo = {}

    def pages(_: SourceSpec, client: HttpClient, __: Known) -> Iterator[Page]:
        query = {"offset": 1}
        answer = asked_once(client, client.target.base_url, query)
        yield Page("offset-1", "xml", answer)

    monkeypatch.setattr(collecting.registry, "pages", pages)
    first, again = run(memo=memo), run(memo=memo)
    assert (first.requests, again.requests) == (1, 0)
    assert (again.outcome, again.bytes_received) == (UNCHANGED, 0)
    assert town.asked == []
    assert run().requests == 1


def test_what_is_nested_too_deeply_to_be_compared_is_refused(
    run: Run, town: Town, store: RawStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(*_: object) -> bytes:
        raise RecursionError

    run()
    before = store.latest()
    town.rows = ["z"]
    monkeypatch.setattr(collecting, "canonical", too_deep)
    with pytest.raises(FetchError, match="nested too deeply"):
        run(run_id="r2")
    assert store.latest() == before
    assert list((store.folder / "refused").glob("*.zst"))
