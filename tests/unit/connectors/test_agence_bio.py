"""Pages of Agence Bio's register: their size, their total, and what is refused."""

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

from lrtzc_pipelines.connectors.agence_bio import pages
from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols.agence_bio import answer
from lrtzc_pipelines.sources.protocols import AgenceBioConnector

PATH = "/api/operateurs/"


def connector(**changes: Any) -> AgenceBioConnector:
    values = {"kind": "agence_bio", "department": "17"}
    return AgenceBioConnector.model_validate(values | changes)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    table = table_of(
        [{"numeroBio": n} for n in range(45)],
        connector().model_dump(),
        {"kind": "json", "records": "items"},
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


def document(items: list[int], total: object, **pagination: Any) -> bytes:
    counted = {"totalCount": total, **pagination}
    return json.dumps({"items": items, "pagination": counted}).encode()


def test_twenty_a_page_until_the_total(client: HttpClient, service: Mounted) -> None:
    found = read(client)
    assert [(page.name, page.items) for page in found] == [
        ("page-1", 20),
        ("page-2", 20),
        ("page-3", 5),
    ]
    assert {page.announced_total for page in found} == {45}
    asked = [(q.query["departement"], q.query["page"]) for q in service.questions]
    assert asked == [("17", "1"), ("17", "2"), ("17", "3")]


def test_a_department_without_operators_is_one_page(client: HttpClient) -> None:
    (only,) = read(client, department="99")
    assert (only.items, only.announced_total) == (0, 0)


@pytest.mark.parametrize("total", [3, 9])
def test_another_number_than_announced_is_an_error(
    script: ScriptedServer, total: int
) -> None:
    script.plays(
        reply(200, document([1, 2], total)),
        reply(200, document([3, 4], total)),
        reply(200, document([], total)),
    )
    with (
        script.client() as client,
        pytest.raises(FetchError, match=f"4 records .* {total} announced") as error,
    ):
        read(client)
    assert not error.value.permanent


def test_a_service_that_sends_the_first_page_for_ever_is_refused(
    script: ScriptedServer,
) -> None:
    script.plays(reply(200, document([1, 2], 100)))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="page-2 has the records of page-1 again"),
    ):
        read(client)
    assert len(script.requests) == 2


def test_a_service_that_sends_another_page_is_refused(script: ScriptedServer) -> None:
    script.plays(reply(200, document([1, 2], 100, page=0)))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="page 1: the service sent another page"),
    ):
        read(client)


@pytest.mark.parametrize(
    "sent",
    [
        b'{"error": "quota"}',
        b'{"items": []}',
        b'{"items": {}, "pagination": {"totalCount": 3}}',
        b'{"items": [], "pagination": {"totalCount": "3"}}',
        b'{"items": [], "pagination": 3}',
    ],
)
def test_an_error_inside_http_200_is_one(script: ScriptedServer, sent: bytes) -> None:
    script.plays(reply(200, sent))
    expected = "town_hall: operators of department 17: page 1: the answer has no items"
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
    script.plays(CUT_SHORT, reply(200, document([1], 1)))
    with script.client() as client:
        assert len(read(client)) == 1
    assert len(script.requests) == 2


def test_held_pages_are_not_sent_again(httpserver: HTTPServer) -> None:
    def respond(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"same"':
            return Response(status=304)
        return Response(document([], 2))

    httpserver.expect_request(PATH).respond_with_handler(respond)
    known = {"page-1": KnownPage("0", 2, '"same"')}
    with client_of(httpserver.url_for("/api/")) as client:
        (only,) = pages(connector(), client, known)
    assert only.answer.not_modified
    assert only.items == 2
