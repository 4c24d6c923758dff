"""Pages of a CKAN resource: their end, their total, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from starlette.applications import Starlette
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import KnownPage, Limits
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.ckan import pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.bus_calendar import RESOURCE_ID
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.protocols import CkanConnector

ID = "larochelle_d4c"
REAL = "https://d4c.agglo-larochelle.fr/api/action/"
SEARCH = "/api/action/datastore_search"
WORLD = World()


def connector(**changes: Any) -> CkanConnector:
    values = {"kind": "ckan", "resource_id": RESOURCE_ID, "page_size": 200}
    return CkanConnector.model_validate(values | changes)


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None, **changes: Any
) -> list[Page]:
    return list(pages(connector(**changes), client, known or {}))


def client_of(base_url: str) -> HttpClient:
    target = Target(ID, base_url, REAL, 2.0)
    return HttpClient(target, Limits(attempts=2), sleep=lambda _: None)


@pytest.fixture(scope="module")
def app() -> Starlette:
    return create_app(WORLD)


@pytest.fixture(scope="module")
def base_url(app: Starlette) -> Iterator[str]:
    with RunningSandbox(app) as url:
        yield endpoint_overrides(url)[ID]


@pytest.fixture
def client(app: Starlette, base_url: str) -> Iterator[HttpClient]:
    with client_of(base_url) as client:
        yield client
    app.state.faults.clear()


@pytest.fixture
def portal(httpserver: HTTPServer) -> Iterator[HttpClient]:
    """A client of a portal whose answers a test prepares."""
    with client_of(httpserver.url_for("/api/action/")) as client:
        yield client


def envelope(records: list[dict[str, Any]], **result: Any) -> dict[str, Any]:
    links = {"start": f"{SEARCH}?x", "next": f"{SEARCH}?offset=always"}
    return {
        "success": True,
        "result": {"records": records, "_links": links, **result},
    }


def serving(
    rows: int, *, at_most: int = 1000, **result: Any
) -> Callable[[Request], Response]:
    """A portal with so many rows that gives at most so many at once."""

    def answer(request: Request) -> Response:
        offset = int(request.args["offset"])
        last = min(offset + min(int(request.args["limit"]), at_most), rows)
        records = [{"_id": n, "a": n} for n in range(offset, last)]
        return Response(json.dumps(envelope(records, **result)))

    return answer


def test_the_announced_total_ends_the_resource_though_a_next_link_is_there(
    client: HttpClient,
) -> None:
    total = len(WORLD.calendar_dates)
    found = read(client)
    assert "next" in json.loads(found[-1].answer.body)["result"]["_links"]
    assert sum(page.items or 0 for page in found) == total
    assert [page.announced_total for page in found] == [total] * len(found)
    assert client.requests == len(found) == -(-total // 200)


def test_a_page_is_named_by_its_offset(client: HttpClient) -> None:
    found = read(client)
    assert [page.name for page in found[:3]] == ["offset-0", "offset-200", "offset-400"]
    assert {page.suffix for page in found} == {"json"}


def test_rows_are_asked_for_in_their_order(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    query = {
        "resource_id": RESOURCE_ID,
        "limit": "200",
        "offset": "0",
        "sort": "_id",
    }
    httpserver.expect_request(SEARCH, query_string=query).respond_with_json(
        envelope([{"_id": 1}], total=1)
    )
    assert len(read(portal)) == 1


def test_a_portal_may_give_fewer_rows_at_once_than_asked(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    httpserver.expect_request(SEARCH).respond_with_handler(
        serving(7, at_most=3, total=7)
    )
    assert [page.items for page in read(portal)] == [3, 3, 1]


def test_without_a_total_a_page_without_rows_ends_the_resource(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    httpserver.expect_request(SEARCH).respond_with_handler(serving(4, at_most=2))
    assert [page.items for page in read(portal)] == [2, 2]
    assert portal.requests == 3


def test_an_estimated_total_is_no_total(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    httpserver.expect_request(SEARCH).respond_with_handler(
        serving(4, at_most=2, total=999, total_was_estimated=True)
    )
    assert [page.items for page in read(portal)] == [2, 2]


def test_an_empty_resource_is_one_page_without_rows(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    httpserver.expect_request(SEARCH).respond_with_handler(serving(0, total=0))
    (only,) = read(portal)
    assert (only.name, only.items, only.announced_total) == ("offset-0", 0, 0)


@pytest.mark.parametrize(("rows", "total"), [(5, 9), (5, 3)])
def test_another_number_of_rows_than_announced_is_an_error(
    httpserver: HTTPServer, portal: HttpClient, rows: int, total: int
) -> None:
    httpserver.expect_request(SEARCH).respond_with_handler(serving(rows, total=total))
    with pytest.raises(
        FetchError,
        match=rf"larochelle_d4c: resource {RESOURCE_ID}: 5 .* {total} announced",
    ) as error:
        read(portal)
    assert not error.value.permanent


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"success": False, "error": {"message": "Quota"}}, "reports a failure.*Quota"),
        ({"success": False}, "reports a failure: no reason given"),
        ({"success": "true", "result": {"records": []}}, "reports a failure"),
        ({}, "reports a failure"),
        ([], "expected a JSON object"),
        ({"success": False, "error": "a\n" + "b" * 5000}, r"failure: a b{100,200}…"),
        ({"success": True}, "the answer has no result.records"),
        ({"success": True, "result": None}, "the answer has no result.records"),
        (
            {"success": True, "result": {"records": 3}},
            "the answer has no result.record",
        ),
    ],
)
def test_a_failure_inside_http_200_is_one(
    httpserver: HTTPServer, portal: HttpClient, answer: object, reason: str
) -> None:
    httpserver.expect_request(SEARCH).respond_with_json(answer)
    with pytest.raises(FetchError, match=reason) as error:
        read(portal)
    assert error.value.permanent


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!DOCTYPE html><html></html>", "an HTML page instead of JSON"),
        ('{"success": true, "resu', "not a JSON document"),
        ("", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
    ],
)
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, portal: HttpClient, body: str, reason: str
) -> None:
    httpserver.expect_request(SEARCH).respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2") as error:
        read(portal)
    assert not error.value.permanent


def test_an_unknown_resource_is_refused(client: HttpClient) -> None:
    with pytest.raises(FetchError, match=r"HTTP 404"):
        read(client, resource_id="nowhere")


def test_a_maintenance_page_costs_no_row(app: Starlette, client: HttpClient) -> None:
    app.state.faults.plan(ID, "html_200")
    assert sum(page.items or 0 for page in read(client)) == len(WORLD.calendar_dates)


def test_held_pages_are_not_sent_again(client: HttpClient) -> None:
    first = read(client)
    known = {
        page.name: KnownPage("0", page.items, page.answer.headers["etag"])
        for page in first
    }
    again = read(client, known)
    assert all(page.answer.not_modified for page in again)
    assert [page.items for page in again] == [page.items for page in first]


def test_a_page_that_comes_again_is_refused_though_the_sum_is_right(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    same = envelope([{"_id": 1}, {"_id": 2}], total=4)
    httpserver.expect_request(SEARCH).respond_with_json(same)
    with pytest.raises(FetchError, match="page 2 has the records of page 1 again"):
        read(portal)


def test_a_row_that_comes_twice_is_refused_though_the_sum_is_right(
    httpserver: HTTPServer, portal: HttpClient
) -> None:
    for numbers in ((1, 2), (2, 3)):
        found = envelope([{"_id": number} for number in numbers], total=4)
        httpserver.expect_ordered_request(SEARCH).respond_with_json(found)
    with pytest.raises(FetchError, match="pages overlap"):
        read(portal)
