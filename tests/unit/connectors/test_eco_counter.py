"""Counts of an Eco-Counter domain: its counters, their pages, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hostile import NOT_JSON, not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import ScriptedServer, reply, running
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.eco_counter import pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols.eco_counter import answer
from lrtzc_pipelines.sources.protocols import EcoCounterConnector

COUNTERS = ("100000001", "100000002")
LISTING = json.dumps(
    [
        {"idPdc": 100000002, "pratique": []},
        {"idPdc": 100000001, "pratique": [{"id": 11}, {"id": 12}]},
    ]
).encode()


def connector(**changes: Any) -> EcoCounterConnector:
    values = {
        "kind": "eco_counter",
        "domain": "9999",
        "start": "2026-01-01",
        "end": "2026-01-04",
    }
    return EcoCounterConnector.model_validate(values | changes)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    rows = [
        {"counter": counter, "0": f"01/0{day}/2026", "1": str(day * 10)}
        for counter in COUNTERS
        for day in range(1, 6)
    ]
    form = {"kind": "json", "positional": True, "page_column": "counter"}
    table = table_of(rows, connector().model_dump(), form)
    return Mounted(httpserver, {"town_things": table}, answer)


@pytest.fixture
def client(service: Mounted) -> Iterator[HttpClient]:
    with client_of(service.base_url) as client:
        yield client


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    with running() as script:
        yield script


def test_each_counter_is_a_page_named_by_its_number(client: HttpClient) -> None:
    found = read(client)
    assert [(page.name, page.items) for page in found] == [
        (counter, 3) for counter in COUNTERS
    ]
    assert json.loads(found[0].answer.body)[0] == ["01/01/2026", "10"]


def test_the_counters_are_listed_once_for_all_days(
    client: HttpClient, service: Mounted
) -> None:
    days = [("2026-01-01", "2026-01-02"), ("2026-01-02", "2026-01-03")]
    found = [read(client, start=start, end=end) for start, end in days]
    assert [[page.items for page in each] for each in found] == [[1, 1], [1, 1]]
    paths = [question.path for question in service.questions]
    assert len(paths) == len(set(paths)) + len(COUNTERS)


def test_every_flow_of_a_counter_is_asked_for(
    client: HttpClient, service: Mounted
) -> None:
    read(client)
    (listing, first, _) = service.questions
    assert listing.path == "pbl/publicwebpageplus/9999"
    assert first.path == "pbl/publicwebpageplus/data/100000001"
    assert first.query == {
        "idOrganisme": "9999",
        "idPdc": "100000001",
        "debut": "01/01/2026",
        "fin": "04/01/2026",
        "interval": "4",
        "flowIds": "101000001;102000001",
    }


def test_hours_are_asked_for_by_their_number(
    client: HttpClient, service: Mounted
) -> None:
    read(client, interval="hour")
    assert {q.query.get("interval") for q in service.questions} == {None, "3"}


def test_a_counter_without_flows_is_its_own(script: ScriptedServer) -> None:
    script.plays(reply(200, LISTING), reply(200, b"[]"))
    with script.client() as client:
        found = read(client)
    assert [(page.name, page.items) for page in found] == [
        (counter, 0) for counter in COUNTERS
    ]
    asked = [request.target for request in script.requests]
    assert "flowIds=11%3B12" in asked[1]
    assert "flowIds=100000002" in asked[2]


def test_a_domain_without_counters_is_one_page_without_rows(
    script: ScriptedServer,
) -> None:
    script.plays(reply(200, b"[]"))
    with script.client() as client:
        (only,) = read(client)
    assert (only.name, only.items, only.answer.body) == ("counters", 0, b"[]")


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (b'{"error": "unknown domain"}', "the answer is no list of counters"),
        (b'[{"nom": "sans numero"}]', "counter 1 of the list is no counter"),
        (b'[{"idPdc": "../etc"}]', "counter 1 of the list is no counter"),
        (b'[{"idPdc": -1}]', "counter 1 of the list is no counter"),
        (b'[{"idPdc": true}]', "counter 1 of the list is no counter"),
        (b'[{"idPdc": %s}]' % (b"9" * 3000), "counter 1 of the list is no counter"),
        (b"[[]]", "counter 1 of the list is no counter"),
        (
            b'[{"idPdc": 1, "pratique": {"a": 1}}]',
            "counter 1 of the list is no counter",
        ),
        (b'[{"idPdc": 1, "pratique": [{}]}]', "counter 1 of the list is no counter"),
        (b'[{"idPdc": 1}, {"idPdc": 1}]', "counter 2 of the list comes twice"),
    ],
)
def test_what_is_no_list_of_counters_is_refused(
    script: ScriptedServer, listing: bytes, reason: str
) -> None:
    script.plays(reply(200, listing))
    expected = f"town_hall: domain 9999: {reason}"
    with script.client() as client, pytest.raises(FetchError, match=expected) as error:
        read(client)
    assert error.value.permanent
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "counts", [b'{"error": "x"}', b'[["01/01/2026"]]', b"[1, 2]", b"null"]
)
def test_what_are_no_counts_is_refused(script: ScriptedServer, counts: bytes) -> None:
    script.plays(reply(200, LISTING), reply(200, counts))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="counter 100000001: the answer is no list"),
    ):
        read(client)


@not_json
def test_a_list_that_is_no_json_is_asked_again_then_refused(
    script: ScriptedServer, body: bytes, reason: str
) -> None:
    script.plays(reply(200, body))
    with (
        script.client(attempts=2) as client,
        pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"),
    ):
        read(client)


@pytest.mark.parametrize(("body", "reason"), NOT_JSON)
def test_counts_that_are_no_json_are_asked_again_then_refused(
    script: ScriptedServer, body: bytes, reason: str
) -> None:
    script.plays(reply(200, LISTING), reply(200, body))
    with (
        script.client(attempts=2) as client,
        pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"),
    ):
        read(client)


def test_a_date_that_is_none_is_refused_before_anyone_is_asked(
    script: ScriptedServer,
) -> None:
    script.plays(reply(200, b"[]"))
    with script.client() as client, pytest.raises(FetchError, match="no date"):
        read(client, start="01/02/2026")
    assert not script.requests


def test_held_counts_are_not_sent_again(httpserver: HTTPServer) -> None:
    def respond(request: Request) -> Response:
        if "/data/" not in request.path:
            return Response(b'[{"idPdc": 7}]')
        if request.headers.get("If-None-Match") == '"same"':
            return Response(status=304)
        return Response("[]")

    base = "/pbl/publicwebpageplus/"
    for path in (f"{base}9999", f"{base}data/7"):
        httpserver.expect_request(path).respond_with_handler(respond)
    with client_of(httpserver.url_for("/")) as client:
        (only,) = pages(connector(), client, {"7": KnownPage("0", 4, '"same"')})
    assert only.answer.not_modified
    assert only.items == 4
