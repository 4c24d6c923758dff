"""Pages of a PostgREST table: ranges, totals, ceilings, and what is refused."""

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
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.postgrest import mark, pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols.postgrest import MAX_ROWS, answer
from lrtzc_pipelines.sources.protocols import PostgrestConnector

FILTERS = {"code_commune_insee": "eq.17300"}


def connector(**changes: Any) -> PostgrestConnector:
    values = {
        "kind": "postgrest",
        "path": "donnees/batiments",
        "filters": FILTERS,
        "order": "id",
        "page_size": 25,
    }
    return PostgrestConnector.model_validate(values | changes)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    table = table_of(
        [{"id": f"b-{n:05}", "year": n} for n in range(MAX_ROWS + 60)],
        connector().model_dump(),
        {"kind": "json"},
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


def rows(*ids: int, span: str | None = None, status: int = 206) -> bytes:
    headers = {"Content_Range": span} if span else {}
    return reply(status, json.dumps([{"id": n} for n in ids]).encode(), **headers)


def test_the_counted_total_ends_the_table(client: HttpClient, service: Mounted) -> None:
    found = read(client, page_size=280)
    assert [(page.name, page.items) for page in found] == [
        ("offset-0", 280),
        ("offset-280", 280),
    ]
    assert {page.announced_total for page in found} == {560}
    assert {page.answer.status for page in found} == {206}
    assert found[0].answer.headers["content-range"] == "0-279/560"
    first = service.questions[0]
    assert first.headers["prefer"] == "count=exact"
    assert first.query == {
        **FILTERS,
        "order": "id",
        "limit": "280",
        "offset": "0",
    }


def test_a_ceiling_below_the_page_size_costs_no_row(client: HttpClient) -> None:
    found = read(client, page_size=10_000)
    assert [page.items for page in found] == [MAX_ROWS, 60]
    received = [row["id"] for page in found for row in json.loads(page.answer.body)]
    assert len(set(received)) == len(received) == 560


def test_only_the_selected_columns_are_asked_for(client: HttpClient) -> None:
    (page, *_) = read(client, select="id")
    assert set(json.loads(page.answer.body)[0]) == {"id"}


@pytest.mark.parametrize("header", ["X-Gravitee-Api-Key", None])
def test_a_key_travels_in_the_header_of_the_source(
    service: Mounted, header: str | None
) -> None:
    with client_of(service.base_url, key="0000-invented-key") as client:
        found = read(client, key_header=header)
    sent = {q.headers.get("x-gravitee-api-key") for q in service.questions}
    assert sent == {"0000-invented-key" if header else None}
    assert not any("0000" in page.answer.url for page in found)


def test_a_table_without_matching_rows_is_one_page(client: HttpClient) -> None:
    (only,) = read(client, filters={"code_commune_insee": "eq.99999"})
    assert (only.name, only.items, only.announced_total) == ("offset-0", 0, 0)


def test_without_a_total_a_page_without_rows_is_the_end(
    script: ScriptedServer,
) -> None:
    script.plays(rows(1, 2, span="0-1/*"), rows(3, span="2-2/*"), rows(span="*/*"))
    with script.client() as client:
        assert [page.items for page in read(client)] == [2, 1]
    assert len(script.requests) == 3


def test_a_table_that_shrinks_under_our_hands_is_an_error(
    script: ScriptedServer,
) -> None:
    beyond = reply(416, b'{"code": "PGRST103"}', Content_Range="*/1")
    script.plays(rows(1, 2, span="0-1/4"), beyond)
    with (
        script.client() as client,
        pytest.raises(FetchError, match="2 records received, 1 announced") as error,
    ):
        read(client)
    assert not error.value.permanent


@pytest.mark.parametrize(("total", "last"), [(9, ()), (3, (3, 4))])
def test_another_number_than_announced_is_an_error(
    script: ScriptedServer, total: int, last: tuple[int, ...]
) -> None:
    script.plays(
        rows(1, 2, span=f"0-1/{total}"), rows(*last, span=f"2-3/{total}"), rows()
    )
    with (
        script.client() as client,
        pytest.raises(FetchError, match=rf"donnees/batiments: .* {total} announced"),
    ):
        read(client)


def test_rows_from_elsewhere_than_asked_are_refused(script: ScriptedServer) -> None:
    script.plays(rows(1, 2, span="0-1/9"), rows(7, 8, span="6-7/9"))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="rows from 6 received, from 2 asked"),
    ):
        read(client)


def test_a_server_that_ignores_the_offset_is_refused(script: ScriptedServer) -> None:
    script.plays(rows(1, 2))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="offset-2 has the records of offset-0 again"),
    ):
        read(client)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b'{"code": "42703", "message": "column x"}', "batiments: error 42703"),
        (b'{"rows": []}', "batiments: no list of rows"),
        (b'"rows"', "batiments: no list of rows"),
        (b'{"code": "a\\n%s"}' % (b"b" * 5000), "batiments: error a b{100,200}…"),
    ],
)
def test_an_error_inside_http_200_is_one(
    script: ScriptedServer, sent: bytes, reason: str
) -> None:
    script.plays(reply(200, sent))
    with script.client() as client, pytest.raises(FetchError, match=reason) as error:
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


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (500, False)])
def test_a_refusal_is_told(
    script: ScriptedServer, status: int, *, permanent: bool
) -> None:
    script.plays(reply(status, b"{}"))
    with (
        script.client(attempts=2) as client,
        pytest.raises(FetchError, match=f"HTTP {status}") as error,
    ):
        read(client)
    assert error.value.permanent is permanent


def test_a_body_cut_short_is_asked_again(script: ScriptedServer) -> None:
    script.plays(CUT_SHORT, rows(1, span="0-0/1", status=200))
    with script.client() as client:
        assert len(read(client)) == 1


def test_held_pages_are_not_sent_again(httpserver: HTTPServer) -> None:
    def respond(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"same"':
            return Response(status=304)
        return Response("[]")

    httpserver.expect_request("/donnees/batiments").respond_with_handler(respond)
    known = {"offset-0": KnownPage("0", 2, '"same"')}
    with client_of(httpserver.url_for("/")) as client:
        (only,) = pages(connector(), client, known)
    assert only.answer.not_modified
    assert only.items == 2


# The table of versions

VERSIONS = "metadonnees/info"


def marked(script: ScriptedServer, rows: Any, **changes: Any) -> str | None:
    asked = connector(version_path=VERSIONS, **changes)
    with client_of(script.plays(reply(200, json.dumps(rows).encode())).url) as client:
        return mark(asked, client)


def test_a_mark_follows_the_versions_and_the_question(script: ScriptedServer) -> None:
    rows = [{"schema": "a", "changed": "2026-01-01"}, {"schema": "b", "changed": None}]
    first = marked(script, rows)
    assert first == marked(script, rows[::-1])
    assert first is not None
    others = {
        marked(script, rows[:1]),
        marked(script, [{**rows[0], "changed": "2026-01-02"}, rows[1]]),
        marked(script, rows, select="id"),
    }
    assert len({first, *others}) == 4


def test_a_table_of_versions_without_rows_tells_nothing(script: ScriptedServer) -> None:
    assert marked(script, []) is None


def test_what_is_no_table_of_versions_is_refused(script: ScriptedServer) -> None:
    with pytest.raises(FetchError, match="no list of rows"):
        marked(script, {"message": "no"})


def test_without_a_table_of_versions_nobody_is_asked(client: HttpClient) -> None:
    assert mark(connector(), client) is None
    assert client.requests == 0


def test_the_sandbox_has_a_table_of_versions(httpserver: HTTPServer) -> None:
    asked = connector(version_path=VERSIONS)
    table = table_of([{"id": "b-1"}], asked.model_dump(), {"kind": "json"})
    service = Mounted(httpserver, {"town_things": table}, answer)
    with client_of(service.base_url) as client:
        assert mark(asked, client) == mark(asked, client) is not None


def test_a_total_of_thousands_of_digits_announces_nothing(
    script: ScriptedServer,
) -> None:
    script.plays(rows(1, 2, span=f"0-1/{'9' * 5000}"), rows())
    with script.client() as client:
        assert [page.items for page in read(client)] == [2]
