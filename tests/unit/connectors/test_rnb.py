"""Pages of the RNB: next links, where they may lead, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hostile import CUT_SHORT, not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import ScriptedServer, reply, running
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.rnb import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols.rnb import answer
from lrtzc_pipelines.sources.protocols import RnbConnector

QUERY = {"insee_code": "17300"}


def connector(**changes: Any) -> RnbConnector:
    values = {"kind": "rnb", "query": QUERY, "page_size": 3}
    return RnbConnector.model_validate(values | changes)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    table = table_of(
        [{"rnb_id": f"RNB{n}"} for n in range(7)],
        connector().model_dump(),
        {"kind": "json", "records": "results"},
    )
    return Mounted(httpserver, {"town_things": table}, answer)


@pytest.fixture
def client(service: Mounted) -> Iterator[HttpClient]:
    with client_of(service.base_url) as client:
        yield client


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    with running() as script:
        yield script


def document(ids: list[int], following: object, **more: Any) -> bytes:
    results = [{"rnb_id": n} for n in ids]
    return json.dumps({"next": following, "results": results, **more}).encode()


def test_next_links_are_followed_to_the_end(
    client: HttpClient, service: Mounted
) -> None:
    found = read(client)
    assert [(page.name, page.items) for page in found] == [
        ("page-1", 3),
        ("page-2", 3),
        ("page-3", 1),
    ]
    ids = [b["rnb_id"] for p in found for b in json.loads(p.answer.body)["results"]]
    assert ids == [f"RNB{n}" for n in range(7)]
    assert service.questions[0].query == {**QUERY, "limit": "3"}
    assert [q.query["insee_code"] for q in service.questions] == ["17300"] * 3


def test_nothing_found_is_one_page_without_buildings(client: HttpClient) -> None:
    (only,) = read(client, query={"insee_code": "99999"})
    assert (only.name, only.items) == ("page-1", 0)


@pytest.mark.parametrize(
    ("elsewhere", "reason"),
    [
        ("https://other.example/buildings/?cursor=2", "is another service"),
        ("http://127.0.0.1:1/buildings/?cursor=2", "is another service"),
        ("http://169.254.169.254/latest", "is another service"),
        ("http://[half", "not an address"),
        (7, "the next page is no address"),
    ],
)
def test_a_link_to_elsewhere_is_refused(
    script: ScriptedServer, elsewhere: object, reason: str
) -> None:
    script.plays(reply(200, document([1, 2], elsewhere)))
    with script.client() as client, pytest.raises(FetchError, match=reason):
        read(client)
    assert len(script.requests) == 1


def test_a_link_to_an_earlier_page_is_refused(script: ScriptedServer) -> None:
    script.plays(
        reply(200, document([1], "/data/buildings/?cursor=b")),
        reply(200, document([2], "/data/buildings/?cursor=c")),
        reply(200, document([3], "/data/buildings/?cursor=b")),
    )
    with (
        script.client() as client,
        pytest.raises(
            FetchError, match="town_hall: buildings: a page names an earlier"
        ),
    ):
        read(client)
    assert len(script.requests) == 3


def endless(*, empty: bool) -> Any:
    def respond(request: Request) -> Response:
        number = int(request.args.get("cursor", 0)) + 1
        ids = [] if empty else [1]
        return Response(document(ids, f"/buildings/?cursor={number}"))

    return respond


@pytest.mark.parametrize(
    ("empty", "reason"),
    [(True, "page-1 is empty, yet goes on"), (False, "page-2 has the records of")],
)
def test_endless_pages_are_refused(
    httpserver: HTTPServer, reason: str, *, empty: bool
) -> None:
    httpserver.expect_request("/buildings/").respond_with_handler(endless(empty=empty))
    with (
        client_of(httpserver.url_for("/")) as client,
        pytest.raises(FetchError, match=reason) as error,
    ):
        read(client)
    assert not error.value.permanent


def test_a_count_is_held_against_the_buildings(script: ScriptedServer) -> None:
    script.plays(reply(200, document([1, 2], None, count=3)))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="2 records received, 3 announced"),
    ):
        read(client)


@pytest.mark.parametrize("sent", [b'{"detail": "throttled"}', b'{"results": {}}'])
def test_an_error_inside_http_200_is_one(script: ScriptedServer, sent: bytes) -> None:
    script.plays(reply(200, sent))
    expected = "town_hall: buildings: the answer has no results"
    with script.client() as client, pytest.raises(FetchError, match=expected) as error:
        read(client)
    assert error.value.permanent


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    script: ScriptedServer, body: bytes, reason: str
) -> None:
    script.plays(reply(200, body))
    with (
        script.client(attempts=2) as client,
        pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"),
    ):
        read(client)


def test_a_body_cut_short_is_asked_again(script: ScriptedServer) -> None:
    script.plays(CUT_SHORT, reply(200, document([1], None)))
    with script.client() as client:
        assert len(read(client)) == 1
