"""Pages of DATAtourisme's catalogue: their end, their total, and what is refused."""

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

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.datatourisme import KEY_HEADER, pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols.datatourisme import answer
from lrtzc_pipelines.sources.protocols import DatatourismeConnector

QUERY = {"geo_bounding": "46.27,-1.25,45.99,-0.94"}
SECRET = "0000-invented-key"


def connector(**changes: Any) -> DatatourismeConnector:
    values = {"kind": "datatourisme", "query": QUERY, "page_size": 4}
    return DatatourismeConnector.model_validate(values | changes)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    table = table_of(
        [{"uuid": f"u{n}"} for n in range(250)],
        connector().model_dump(),
        {"kind": "json", "records": "objects", "flatten": True},
    )
    return Mounted(httpserver, {"town_things": table}, answer)


@pytest.fixture
def client(service: Mounted) -> Iterator[HttpClient]:
    with client_of(service.base_url, key=SECRET) as client:
        yield client


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    with running() as script:
        yield script


def document(objects: list[int], **meta: Any) -> bytes:
    return json.dumps({"objects": objects, "meta": meta}).encode()


def test_pages_go_on_to_the_announced_last(
    client: HttpClient, service: Mounted
) -> None:
    found = read(client, page_size=100)
    assert [(page.name, page.items) for page in found] == [
        ("page-1", 100),
        ("page-2", 100),
        ("page-3", 50),
    ]
    assert {page.announced_total for page in found} == {250}
    assert len(service.questions) == 3
    assert service.questions[0].query == {**QUERY, "page_size": "100", "page": "1"}


def test_a_service_may_give_fewer_objects_a_page_than_asked(
    client: HttpClient,
) -> None:
    assert [page.items for page in read(client, page_size=250)] == [100, 100, 50]


def test_the_key_travels_in_its_header_and_nowhere_else(
    client: HttpClient, service: Mounted
) -> None:
    found = read(client, page_size=100)
    assert {q.headers[KEY_HEADER.lower()] for q in service.questions} == {SECRET}
    assert not any(SECRET in page.answer.url for page in found)


def test_nothing_found_is_one_page_without_objects(client: HttpClient) -> None:
    (only,) = read(client, query={"geo_bounding": "0,0,0,0"})
    assert (only.items, only.announced_total) == (0, 0)


@pytest.mark.parametrize(
    ("meta", "announced"),
    [({"total": 9}, 9), ({"total": 3}, 3), ({"total": 9, "totalPages": 2}, 9)],
)
def test_another_number_than_announced_is_an_error(
    script: ScriptedServer, meta: dict[str, int], announced: int
) -> None:
    script.plays(
        reply(200, document([1, 2], **meta)),
        reply(200, document([3, 4], **meta)),
        reply(200, document([], **meta)),
    )
    with (
        script.client() as client,
        pytest.raises(FetchError, match=f"4 records .* {announced} announced") as error,
    ):
        read(client)
    assert not error.value.permanent


def test_without_a_total_an_empty_page_is_the_end(script: ScriptedServer) -> None:
    script.plays(
        reply(200, document([1, 2])),
        reply(200, document([3])),
        reply(200, document([])),
    )
    with script.client() as client:
        assert [page.items for page in read(client)] == [2, 1]


def test_a_page_that_comes_again_is_refused(script: ScriptedServer) -> None:
    script.plays(reply(200, document([1, 2])))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="page-2 has the records of page-1 again"),
    ):
        read(client)


@pytest.mark.parametrize(
    "sent",
    [
        b'{"statusCode": 403, "message": "no"}',
        b'{"objects": []}',
        b'{"objects": {}, "meta": {}}',
        b'{"meta": {"total": 3}}',
    ],
)
def test_an_error_inside_http_200_is_one(script: ScriptedServer, sent: bytes) -> None:
    script.plays(reply(200, sent))
    expected = "town_hall: catalog: no objects with their meta"
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


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_permanent(script: ScriptedServer, status: int) -> None:
    script.plays(reply(status, b"{}"))
    with (
        script.client() as client,
        pytest.raises(FetchError, match=f"HTTP {status}") as error,
    ):
        read(client)
    assert error.value.permanent


def test_a_body_cut_short_is_asked_again(script: ScriptedServer) -> None:
    script.plays(CUT_SHORT, reply(200, document([1], total=1)))
    with script.client() as client:
        assert len(read(client)) == 1


def test_held_pages_are_not_sent_again(httpserver: HTTPServer) -> None:
    def respond(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"same"':
            return Response(status=304)
        return Response(document([], total=2))

    httpserver.expect_request("/v1/catalog").respond_with_handler(respond)
    known = {"page-1": KnownPage("0", 2, '"same"')}
    with client_of(httpserver.url_for("/v1/")) as client:
        (only,) = pages(connector(), client, known)
    assert only.answer.not_modified
    assert only.items == 2
