"""Searches and scrolls of Kuzzle: their end, their cap, their errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.kuzzle import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.parsers.json_records import parse_json
from lrtzc_pipelines.sandbox.protocols import kuzzle as sandbox
from lrtzc_pipelines.sources.formats import JsonFormat
from lrtzc_pipelines.sources.protocols import KuzzleConnector

SEARCH = "/town/measures/_search"
COLLECTION = {
    "kind": "kuzzle",
    "index": "town",
    "collection": "measures",
    "query": {"range": {"measuredAt": {"gte": 0}}},
    "sort": [{"measuredAt": "asc"}],
}
FORM = {"kind": "json", "records": "result.hits", "flatten": True}


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "_id": f"measure-{n}",
            "_source.type": "temperature" if n % 2 else "co2",
            "_source.values.temperature": 20.5 if n % 2 else None,
            "_source.values.co2": None if n % 2 else 600,
            "_source.asset.metadata.owner": "Une Personne",
        }
        for n in range(count)
    ]


def mounted(httpserver: HTTPServer, count: int) -> Mounted:
    table = table_of(rows(count), COLLECTION, FORM)
    return Mounted(httpserver, {table.spec.id: table}, sandbox.answer)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    connector = KuzzleConnector.model_validate(COLLECTION | changes)
    with client:
        return list(pages(connector, client, {}))


def hits(found: list[Page]) -> list[dict[str, Any]]:
    return [
        hit for page in found for hit in json.loads(page.answer.body)["result"]["hits"]
    ]


@pytest.fixture
def service(httpserver: HTTPServer) -> HttpClient:
    return client_of(httpserver.url_for("/"))


def result(*ids: str, **more: Any) -> dict[str, Any]:
    found = [{"_id": one, "_source": {}} for one in ids]
    return {"status": 200, "error": None, "result": {"hits": found, **more}}


def answers(httpserver: HTTPServer, first: object, *following: object) -> None:
    httpserver.expect_ordered_request(SEARCH, "POST").respond_with_json(first)
    for number, document in enumerate(following, start=1):
        httpserver.expect_ordered_request(f"/_scroll/id-{number}").respond_with_json(
            document
        )


def test_a_scroll_leads_through_every_document(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 1203)
    found = read(client_of(service.base_url))
    assert [hit["_id"] for hit in hits(found)] == [row["_id"] for row in rows(1203)]
    assert [page.name for page in found] == ["page-1", "page-2", "page-3"]
    assert [page.items for page in found] == [500, 500, 203]
    assert {page.announced_total for page in found} == {1203}
    # The id changes with every answer, and the last one given is the one that counts.
    asked = [question.path for question in service.questions]
    assert asked[0] == "town/measures/_search"
    assert len(set(asked)) == len(asked) == 3


def test_the_search_says_what_how_many_and_in_which_order(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver, 3)
    read(client_of(service.base_url), page_size=50)
    (question,) = service.questions
    assert question.query == {"size": "50", "scroll": "1m"}
    assert json.loads(question.body) == {
        "query": COLLECTION["query"],
        "sort": COLLECTION["sort"],
    }


def test_documents_of_other_shapes_share_their_columns(httpserver: HTTPServer) -> None:
    (page,) = read(client_of(mounted(httpserver, 2).base_url))
    frame = parse_json(page.answer.body, "kuzzle", JsonFormat.model_validate(FORM))
    assert frame["_id"].to_list() == ["measure-0", "measure-1"]
    assert frame["_source.values.co2"].to_list() == ["600", None]
    assert frame["_source.values.temperature"].to_list() == [None, "20.5"]


def test_more_documents_than_the_cap_come_through_the_scroll(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "CAP", 100)
    service = mounted(httpserver, 250)
    assert len(hits(read(client_of(service.base_url), page_size=100))) == 250


def test_a_page_beyond_the_cap_is_refused(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "CAP", 100)
    service = mounted(httpserver, 250)
    with pytest.raises(FetchError, match=r"status 400.*get_limit_exceeded") as error:
        read(client_of(service.base_url), page_size=101)
    assert error.value.permanent


def test_an_empty_collection_is_one_page(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, result(total=0, remaining=0, scrollId="id-1"))
    (only,) = read(service)
    assert (only.items, only.announced_total, service.requests) == (0, 0, 1)


def test_the_token_goes_in_a_header(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 600)
    read(client_of(service.base_url, key="a.jwt"))
    sent = [question.headers["authorization"] for question in service.questions]
    assert sent == ["Bearer a.jwt"] * 2


def test_an_id_of_any_letters_is_one_step_of_the_address(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    scroll_id = "../../town/+=?&#"
    httpserver.expect_ordered_request(SEARCH).respond_with_json(
        result("a", total=2, scrollId=scroll_id)
    )
    httpserver.expect_ordered_request(f"/_scroll/{scroll_id}").respond_with_json(
        result("b", total=2)
    )
    assert [page.items for page in read(service)] == [1, 1]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([result("a", total=2)], "no scroll leads to the rest"),
        ([result("a", total=2, scrollId=3)], "no scroll leads to the rest"),
        (
            [result("a", total=3, remaining=1)],
            "1 documents .* 1 remaining .* not make 3",
        ),
        ([result("a", total=2, scrollId="id-1"), result(total=2)], "1 .* 2 announced"),
        ([result("a", "b", total=1)], "2 .* 1 announced"),
        (
            [result("a", total=3, scrollId="id-1"), result("a", total=3)],
            "has the records of page 1",
        ),
        (
            [result("a", "b", total=4, scrollId="id-1"), result("b", "c", total=4)],
            "overlap",
        ),
        (
            [
                result("a", total=2, scrollId="id-1"),
                {
                    "status": 404,
                    "error": {"id": "services.storage.unknown_scroll_id"},
                },
            ],
            "status 404: services.storage.unknown_scroll_id",
        ),
    ],
)
def test_an_incomplete_scroll_may_pass(
    httpserver: HTTPServer, service: HttpClient, found: list[object], reason: str
) -> None:
    answers(httpserver, *found)
    with pytest.raises(FetchError, match=reason) as error:
        read(service)
    assert not error.value.permanent


@pytest.mark.parametrize("status", [200, 401, 403, 412])
def test_an_error_is_told_whatever_the_status_of_http(
    httpserver: HTTPServer, service: HttpClient, status: int
) -> None:
    error = {"id": "security.rights.unauthorized", "message": "Not for\nyou"}
    httpserver.expect_request(SEARCH).respond_with_json(
        {"status": 403, "error": error}, status=status
    )
    with pytest.raises(
        FetchError,
        match=r"town_hall: collection town/measures: Kuzzle reports status 403: "
        r"security\.rights\.unauthorized: Not for you",
    ) as found:
        read(service)
    assert found.value.permanent


def test_an_unknown_collection_or_query_is_told(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    with pytest.raises(FetchError, match=r"status 412.*unknown_collection"):
        read(client_of(service.base_url), collection="nowhere")
    with pytest.raises(FetchError, match=r"status 400.*unknown_query"):
        read(client_of(service.base_url), query={"equals": {"a": 1}})


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 200, "error": None},
        {"status": 200, "error": None, "result": []},
        {"status": 200, "error": None, "result": {"hits": 3}},
        {"status": 200, "error": None, "result": {"hits": [3]}},
    ],
)
def test_what_has_no_hits_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    httpserver.expect_request(SEARCH).respond_with_json(answer)
    with pytest.raises(FetchError, match=r"no result\.hits"):
        read(service)


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    httpserver.expect_request(SEARCH).respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(service)


def test_a_scroll_of_half_a_character_leads_nowhere(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, result("a", total=2, scrollId="\ud800"))
    with pytest.raises(FetchError, match="no scroll leads to the rest"):
        read(service)
