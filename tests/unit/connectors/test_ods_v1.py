"""Pages of the agglomeration's gateway: the question in the path, and its end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hostile import CUT_SHORT, not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import reply, running
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.ods_v1 import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols import ods_v1 as sandbox
from lrtzc_pipelines.sources.protocols import OdsV1Connector

REAL = Path(__file__).parents[4] / "shared" / "real" / "larochelle_api_v1"
ASKED = {"kind": "ods_v1", "dataset": "parking___places", "page_size": 4}
FORM = {"kind": "json", "records": "records", "flatten": True}


def rows(count: int) -> list[dict[str, Any]]:
    return [{"fields.id": f"P{n}", "fields.nb_places": n} for n in range(count)]


def mounted(httpserver: HTTPServer, count: int) -> Mounted:
    table = table_of(rows(count), ASKED, FORM)
    return Mounted(httpserver, {"parking": table}, sandbox.answer)


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None, **changes: Any
) -> list[Page]:
    with client:
        connector = OdsV1Connector.model_validate(ASKED | changes)
        return list(pages(connector, client, known or {}))


def found(pages: list[Page]) -> list[str]:
    return [
        record["fields"]["id"]
        for page in pages
        for record in json.loads(page.answer.body)["records"]
    ]


def records(*numbers: int) -> list[dict[str, Any]]:
    return [{"datasetid": "d", "recordid": None, "fields": {"id": n}} for n in numbers]


def gateway(httpserver: HTTPServer, document: object) -> HttpClient:
    httpserver.expect_request(re.compile("^/v1/search/")).respond_with_json(document)
    return client_of(httpserver.url_for("/v1/"))


def test_every_record_comes_once_though_identifiers_are_null(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver, 10)
    came = read(client_of(service.base_url))
    assert found(came) == [f"P{n}" for n in range(10)]
    assert [page.name for page in came] == ["offset-0", "offset-4", "offset-8"]
    assert [page.items for page in came] == [4, 4, 2]
    assert {page.announced_total for page in came} == {10}


def test_the_question_is_in_the_path_and_has_no_key_unless_there_is_one(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver, 3)
    read(client_of(service.base_url), sort="-nb_places")
    (question,) = service.questions
    assert question.path == (
        "search/dataset=parking___places&rows=4&start=0&sort=-nb_places"
    )
    assert question.query == {}


def test_a_key_is_sent_and_never_told(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    (page,) = read(client_of(service.base_url, key="se cret"))
    assert "api-key=se cret" in service.questions[0].path
    assert "cret" not in page.answer.url
    with pytest.raises(FetchError) as error:
        read(client_of(service.base_url, key="se cret"), dataset="nowhere")
    assert "HTTP 404" in str(error.value)
    assert "cret" not in str(error.value)


def test_the_gateway_may_give_fewer_records_at_once(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        start = int(re.findall(r"start=(\d+)", request.path)[0])
        some = records(*range(start, min(start + 2, 5)))
        return Response(json.dumps({"nhits": 5, "records": some}))

    httpserver.expect_request(re.compile("^/v1/")).respond_with_handler(answer)
    came = read(client_of(httpserver.url_for("/v1/")))
    assert [page.items for page in came] == [2, 2, 1]


def test_an_empty_dataset_is_one_page_without_records(httpserver: HTTPServer) -> None:
    (only,) = read(gateway(httpserver, {"nhits": 0, "records": []}))
    assert (only.name, only.items, only.announced_total) == ("offset-0", 0, 0)


@pytest.mark.parametrize(("sent", "total"), [(3, 1), (0, 7)])
def test_another_number_of_records_than_announced_is_an_error(
    httpserver: HTTPServer, sent: int, total: int
) -> None:
    document = {"nhits": total, "records": records(*range(sent))}
    reason = rf"town_hall: dataset .*: {sent} records received, {total} announced"
    with pytest.raises(FetchError, match=reason) as error:
        read(gateway(httpserver, document))
    assert not error.value.permanent


@pytest.mark.parametrize("total", [{"nhits": 9}, {}])
def test_a_gateway_that_does_not_turn_its_pages_is_refused(
    httpserver: HTTPServer, total: dict[str, int]
) -> None:
    client = gateway(httpserver, {**total, "records": records(1, 2, 3)})
    with pytest.raises(FetchError, match="has the records of page 1 again") as error:
        read(client)
    assert client.requests == 2
    assert not error.value.permanent


def test_a_total_that_moves_is_an_error(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        start = int(re.findall(r"start=(\d+)", request.path)[0])
        some = records(start, start + 1)
        return Response(json.dumps({"nhits": 8 - start, "records": some}))

    httpserver.expect_request(re.compile("^/v1/")).respond_with_handler(answer)
    with pytest.raises(FetchError, match="total went from 8 to 6"):
        read(client_of(httpserver.url_for("/v1/")))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"error": "Quota exceeded"}, "reports a failure: Quota exceeded"),
        ({"errorcode": 10002}, "reports a failure: 10002"),
        ({"nhits": 2}, "no records"),
        ({"records": {"a": 1}}, "no records"),
        ([], "expected a JSON object"),
    ],
)
def test_a_failure_inside_http_200_is_one(
    httpserver: HTTPServer, document: object, reason: str
) -> None:
    with pytest.raises(FetchError, match=reason):
        read(gateway(httpserver, document))


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, body: bytes, reason: str
) -> None:
    httpserver.expect_request(re.compile("^/v1/")).respond_with_data(body)
    client = client_of(httpserver.url_for("/v1/"))
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(client)
    assert client.requests == 2


def test_a_body_cut_short_is_refused() -> None:
    with running() as server:
        client = client_of(server.plays(CUT_SHORT).url)
        with pytest.raises(FetchError, match="gave up after 2"):
            read(client)


def test_held_pages_are_counted_and_not_sent_again() -> None:
    first = {"nhits": 6, "records": records(1, 2, 3, 4)}
    last = {"nhits": 6, "records": records(5, 6)}
    known = {"offset-0": KnownPage("0", 4, '"a"')}
    with running() as server:
        server.plays(reply(304), reply(200, json.dumps(last).encode()))
        came = read(client_of(server.url), known)
        assert [page.items for page in came] == [4, 2]
        assert came[0].answer.not_modified
        assert server.requests[0].headers["if-none-match"] == '"a"'
    uncounted = {"offset-0": KnownPage("0", None, '"a"')}
    with running() as server:
        server.plays(
            reply(200, json.dumps(first).encode()),
            reply(200, json.dumps(last).encode()),
        )
        assert [page.items for page in read(client_of(server.url), uncounted)] == [4, 2]
        assert "if-none-match" not in server.requests[0].headers


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_the_records_of_the_real_car_parks_come_through(
    httpserver: HTTPServer,
) -> None:
    (path,) = REAL.glob("parking_*_records.json")
    real = json.loads(path.read_text("utf-8"))
    (page,) = read(gateway(httpserver, {"nhits": 20, "records": real}), page_size=1000)
    assert page.items == len(real) == 20
