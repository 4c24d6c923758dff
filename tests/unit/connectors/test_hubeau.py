"""Pages of Hub'Eau: HTTP 206, next links, refused sizes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.hubeau import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols import hubeau as sandbox
from lrtzc_pipelines.sources.protocols import HubeauConnector

PATH = "api/v2/hydrometrie/observations_tr"
OPERATION = {
    "kind": "hubeau",
    "path": PATH,
    "query": {"code_entite": "N4000001", "grandeur_hydro": "H"},
}


def mounted(httpserver: HTTPServer, count: int) -> Mounted:
    rows = [
        {"date_obs": f"2026-11-{28 - n:02}T00:00:00Z", "resultat_obs": 100.0 + n}
        for n in range(count)
    ]
    table = table_of(rows, OPERATION, {"kind": "json", "records": "data"})
    return Mounted(httpserver, {"levels": table}, sandbox.answer)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    connector = HubeauConnector.model_validate(OPERATION | {"page_size": 4} | changes)
    with client:
        return list(pages(connector, client, {}))


def records(found: list[Page]) -> list[dict[str, Any]]:
    return [one for page in found for one in json.loads(page.answer.body)["data"]]


@pytest.fixture
def service(httpserver: HTTPServer) -> HttpClient:
    return client_of(httpserver.url_for("/"))


def answers(httpserver: HTTPServer, *documents: tuple[int, object]) -> None:
    for status, document in documents:
        httpserver.expect_ordered_request(f"/{PATH}").respond_with_json(
            document, status=status
        )


def page(*numbers: int, following: object = None, **more: Any) -> dict[str, Any]:
    return {"data": [{"n": n} for n in numbers], "next": following, **more}


def test_pages_follow_while_there_are_some(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 10)
    found = read(client_of(service.base_url))
    moments = [one["date_obs"] for one in records(found)]
    assert moments == sorted(moments)
    assert len(set(moments)) == 10
    assert [one.name for one in found] == ["page-1", "page-2", "page-3"]
    assert [one.answer.status for one in found] == [206, 206, 200]
    assert {one.announced_total for one in found} == {10}
    assert service.questions[0].query == {
        **OPERATION["query"],  # type: ignore[dict-item]
        "sort": "asc",
        "size": "4",
    }
    assert service.questions[1].query["cursor"] == "4"


def test_http_200_is_the_whole(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    (only,) = read(client_of(service.base_url))
    assert (only.items, only.answer.status, len(service.questions)) == (3, 200, 1)


def test_a_source_may_ask_for_another_order(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    wanted = {**OPERATION["query"], "sort": "desc"}  # type: ignore[dict-item]
    found = read(client_of(service.base_url), query=wanted)
    assert [one["resultat_obs"] for one in records(found)] == [100.0, 101.0, 102.0]


def test_no_records_are_one_empty_page(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, (200, page(count=0)))
    (only,) = read(service)
    assert (only.items, only.announced_total) == (0, 0)


def test_a_refused_size_is_told(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    wanted = HubeauConnector.model_validate(OPERATION).model_copy(
        update={"page_size": 20_001}
    )
    with (
        client_of(service.base_url) as client,
        pytest.raises(FetchError, match=r"HTTP 400.*size ValidatePageSize") as error,
    ):
        list(pages(wanted, client, {}))
    assert error.value.permanent
    assert len(service.questions) == 1


def test_a_refusal_after_some_pages_is_no_end(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    link = httpserver.url_for(f"/{PATH}?cursor=a")
    refusal = {"code": "InvalidRequest", "field_errors": [{"code": "ValidatePageSize"}]}
    answers(httpserver, (206, page(1, following=link, count=2)), (400, refusal))
    with pytest.raises(FetchError, match="ValidatePageSize"):
        read(service)


@pytest.mark.parametrize("link", ["http://10.0.0.1/api", "https://example.org/api"])
def test_a_next_page_of_another_service_is_refused(
    httpserver: HTTPServer, service: HttpClient, link: str
) -> None:
    answers(httpserver, (206, page(1, following=link, count=2)))
    with pytest.raises(FetchError, match="another service"):
        read(service)


def test_the_link_of_the_real_service_leads_to_the_one_in_its_place(
    httpserver: HTTPServer,
) -> None:
    client = client_of(
        httpserver.url_for("/"), declared_url="https://hubeau.eaufrance.fr/"
    )
    link = f"https://hubeau.eaufrance.fr/{PATH}?cursor=a"
    answers(
        httpserver, (206, page(1, following=link, count=2)), (200, page(2, count=2))
    )
    assert [one.items for one in read(client)] == [1, 1]


def test_links_in_circles_are_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    link = httpserver.url_for(f"/{PATH}?cursor=a")
    same = (206, page(1, following=link, count=2))
    answers(httpserver, same, same)
    with pytest.raises(FetchError, match="has the records of page 1"):
        read(service)


def test_a_partial_answer_without_a_next_page_may_pass(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, (206, page(1)))
    with pytest.raises(FetchError, match="HTTP 206, but no next page") as error:
        read(service)
    assert not error.value.permanent


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_records_than_counted_may_pass(
    httpserver: HTTPServer, service: HttpClient, count: int
) -> None:
    answers(httpserver, (200, page(1, 2, count=count)))
    with pytest.raises(FetchError, match=rf"2 .*{count} announced") as error:
        read(service)
    assert not error.value.permanent


@pytest.mark.parametrize(
    "answer", [{}, {"data": {}}, {"data": [1]}, {"message": "Maintenance"}]
)
def test_what_has_no_data_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    answers(httpserver, (200, answer))
    with pytest.raises(FetchError, match="no list of data"):
        read(service)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_permanent(
    httpserver: HTTPServer, service: HttpClient, status: int
) -> None:
    httpserver.expect_request(f"/{PATH}").respond_with_data(status=status)
    with pytest.raises(FetchError, match=f"HTTP {status}") as error:
        read(service)
    assert error.value.permanent


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    httpserver.expect_request(f"/{PATH}").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(service)
