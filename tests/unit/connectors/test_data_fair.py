"""Lines of data-fair: the cursor to its end, the total, and what is no end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hostile import CUT_SHORT, not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import reply, running
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.data_fair import mark, pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols import data_fair as sandbox
from lrtzc_pipelines.sources.protocols import DataFairConnector

ID = "sinoe-(r)-annuaire"
PATH = f"/data-fair/api/v1/datasets/{ID}"
ASKED = {"kind": "data_fair", "dataset": ID, "page_size": 10}
FORM = {"kind": "json", "records": "results"}
ROWS = [{"code": f"{n:03}", "dept": "17" if n % 2 else "79", "t": n} for n in range(25)]


def connector(**changes: Any) -> DataFairConnector:
    return DataFairConnector.model_validate(ASKED | changes)


def mounted(
    httpserver: HTTPServer, rows: list[dict[str, Any]] | None = None
) -> Mounted:
    table = table_of(ROWS if rows is None else rows, ASKED, FORM)
    return Mounted(httpserver, {"waste": table}, sandbox.answer)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    with client:
        return list(pages(connector(**changes), client, {}))


def lines(found: list[Page]) -> list[dict[str, Any]]:
    return [row for page in found for row in json.loads(page.answer.body)["results"]]


def service(httpserver: HTTPServer, document: object) -> HttpClient:
    httpserver.expect_request(f"{PATH}/lines").respond_with_json(document)
    return client_of(httpserver.url_for("/"))


def answering(
    httpserver: HTTPServer, answer: Callable[[int], dict[str, Any]]
) -> HttpClient:
    """A client of a service that answers by the cursor it is asked with."""

    def respond(request: Request) -> Response:
        return Response(json.dumps(answer(int(request.args.get("after", 0)))))

    httpserver.expect_request(f"{PATH}/lines").respond_with_handler(respond)
    return client_of(httpserver.url_for("/"))


def test_the_cursor_is_followed_to_the_last_line(httpserver: HTTPServer) -> None:
    mount = mounted(httpserver)
    found = read(client_of(mount.base_url))
    assert [line["code"] for line in lines(found)] == [row["code"] for row in ROWS]
    assert [page.name for page in found] == ["page-1", "page-2", "page-3"]
    assert [page.items for page in found] == [10, 10, 5]
    assert {page.announced_total for page in found} == {25}
    assert len(mount.questions) == 3


def test_lines_beyond_the_window_come_too(httpserver: HTTPServer) -> None:
    rows = [{"n": n} for n in range(sandbox.WINDOW + 50)]
    found = read(client_of(mounted(httpserver, rows).base_url), page_size=5000)
    assert [page.items for page in found] == [5000, 5000, 50]


def test_a_filter_columns_and_an_order_are_asked_for(httpserver: HTTPServer) -> None:
    mount = mounted(httpserver)
    found = read(
        client_of(mount.base_url),
        qs="dept:17 AND dept:17",
        select=("code", "t"),
        sort="-code",
    )
    came = lines(found)
    assert len(came) == 12
    assert came[0] == {"code": "023", "t": 23, "_score": None}
    for question in mount.questions:
        assert question.query["qs"] == "dept:17 AND dept:17"
        assert question.query["select"] == "code,t"


def test_filters_are_sent_by_column_and_operator(httpserver: HTTPServer) -> None:
    mount = mounted(httpserver)
    filters = {"dept_in": "17,33", "code_starts": "00"}
    came = lines(read(client_of(mount.base_url), filters=filters))
    assert [line["code"] for line in came] == ["001", "003", "005", "007", "009"]
    metadata, first = mount.questions
    assert not metadata.query
    assert {**filters, **first.query} == dict(first.query)


def test_a_filter_that_would_be_ignored_is_refused(httpserver: HTTPServer) -> None:
    mount = mounted(httpserver)
    with pytest.raises(FetchError, match="filter on nowhere, which is no") as error:
        read(client_of(mount.base_url), filters={"nowhere_eq": "17", "dept_eq": "17"})
    assert error.value.permanent
    assert len(mount.questions) == 1


def test_metadata_without_columns_vouch_for_no_filter(httpserver: HTTPServer) -> None:
    httpserver.expect_request(PATH).respond_with_json({"count": 2})
    with pytest.raises(FetchError, match="filter on dept"):
        read(client_of(httpserver.url_for("/")), filters={"dept_eq": "17"})


def test_a_filter_without_a_known_operator_is_no_specification() -> None:
    with pytest.raises(ValueError, match="filters"):
        connector(filters={"dept": "17"})


def test_parentheses_are_encoded_in_the_address() -> None:
    body = json.dumps({"total": 0, "results": []}).encode()
    with running() as server:
        (page,) = read(client_of(server.plays(reply(200, body)).url))
        path = server.requests[0].target.partition("?")[0]
    assert path.endswith("/data-fair/api/v1/datasets/sinoe-%28r%29-annuaire/lines")
    assert (page.items, page.announced_total) == (0, 0)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "HTTP 400: .* this is no end of the data"),
        (410, r"HTTP 410: .* compatibility API \(api/explore/v2.1, connector ods\)"),
        (404, "HTTP 404"),
        (403, "HTTP 403"),
    ],
)
def test_a_refusal_is_an_error_and_told(
    httpserver: HTTPServer, status: int, reason: str
) -> None:
    httpserver.expect_request(f"{PATH}/lines").respond_with_data("non", status)
    with pytest.raises(FetchError, match=reason) as error:
        read(client_of(httpserver.url_for("/")))
    assert error.value.permanent


def test_a_refusal_after_good_pages_is_no_end(httpserver: HTTPServer) -> None:
    def respond(request: Request) -> Response:
        if "after" in request.args:
            return Response("size * page", 400)
        following = f"{request.base_url}?after=2"
        results = [{"a": 1}, {"a": 2}]
        return Response(json.dumps({"total": 4, "next": following, "results": results}))

    httpserver.expect_request(f"{PATH}/lines").respond_with_handler(respond)
    with pytest.raises(FetchError, match="no end of the data"):
        read(client_of(httpserver.url_for("/")))


@pytest.mark.parametrize("total", [1, 9])
def test_another_number_of_lines_than_announced_is_an_error(
    httpserver: HTTPServer, total: int
) -> None:
    client = service(httpserver, {"total": total, "results": [{"a": 1}, {"a": 2}]})
    reason = rf"town_hall: dataset .*: 2 records received, {total} announced"
    with pytest.raises(FetchError, match=reason) as error:
        read(client)
    assert not error.value.permanent


def test_lines_for_ever_end_at_the_announced_total(httpserver: HTTPServer) -> None:
    client = answering(
        httpserver,
        lambda after: {
            "total": 5,
            "next": f"?after={after + 2}",
            "results": [{"a": after}, {"a": after + 1}],
        },
    )
    with pytest.raises(FetchError, match="6 records received, 5 announced"):
        read(client)
    assert client.requests == 3


def test_a_cursor_that_stands_still_is_refused(httpserver: HTTPServer) -> None:
    client = service(
        httpserver, {"total": 99, "next": "?after=1", "results": [{"a": 1}]}
    )
    with pytest.raises(FetchError, match="has the records of page 1 again"):
        read(client)
    assert client.requests == 2


def test_pages_that_overlap_are_refused_though_the_sum_is_right(
    httpserver: HTTPServer,
) -> None:
    client = answering(
        httpserver,
        lambda after: {
            "total": 4,
            **({} if after else {"next": "?after=2"}),
            "results": [{"_id": f"l{n}"} for n in ((2, 3) if after else (1, 2))],
        },
    )
    with pytest.raises(FetchError) as error:
        read(client)
    assert not error.value.permanent
    assert "town_hall" in str(error.value)


def test_a_total_that_moves_is_an_error(httpserver: HTTPServer) -> None:
    client = answering(
        httpserver,
        lambda after: {
            "total": 4 + after,
            "next": f"?after={after + 1}",
            "results": [{"a": after}],
        },
    )
    with pytest.raises(FetchError, match="total went from 4 to 5"):
        read(client)


def test_a_total_told_once_is_enough(httpserver: HTTPServer) -> None:
    client = answering(
        httpserver,
        lambda after: {
            **({} if after else {"total": 2, "next": "?after=1"}),
            "results": [{"a": after}],
        },
    )
    assert [page.items for page in read(client)] == [1, 1]


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.example/lines", "http://127.0.0.1:1/lines", "//10.0.0.1/x"],
)
def test_a_next_page_at_another_service_is_refused(
    httpserver: HTTPServer, following: str
) -> None:
    document = {"total": 2, "next": following, "results": [{"a": 1}]}
    client = service(httpserver, document)
    with pytest.raises(FetchError, match="refused the next page"):
        read(client)
    assert client.requests == 1


def test_a_recorded_next_page_leads_back_to_where_it_was_read(
    httpserver: HTTPServer,
) -> None:
    real = "https://data.ademe.invalid"

    def respond(request: Request) -> Response:
        after = "after" in request.args
        following = {} if after else {"next": f"{real}{PATH}/lines?after=1"}
        return Response(
            json.dumps({"total": 2, **following, "results": [{"a": after}]})
        )

    httpserver.expect_request(f"{PATH}/lines").respond_with_handler(respond)
    client = client_of(httpserver.url_for("/"), declared_url=f"{real}/")
    assert [page.items for page in read(client)] == [1, 1]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"message": "Base en maintenance"}, "no results: Base en maintenance"),
        ({"total": 2, "results": {}}, "no results"),
        ({"results": [{"a": 1}]}, "announces no total"),
        ({"total": "2", "results": []}, "announces no total"),
        ([], "expected a JSON object"),
        ({"total": 2, "next": 7, "results": [{"a": 1}]}, "next page is no address"),
    ],
)
def test_a_failure_inside_http_200_is_one(
    httpserver: HTTPServer, document: object, reason: str
) -> None:
    with pytest.raises(FetchError, match=reason):
        read(service(httpserver, document))


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, body: bytes, reason: str
) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_data(body)
    client = client_of(httpserver.url_for("/"))
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(client)
    assert client.requests == 2


def test_a_body_cut_short_is_refused() -> None:
    with running() as server:
        client = client_of(server.plays(CUT_SHORT).url)
        with pytest.raises(FetchError, match="gave up after 2"):
            read(client)


FINALIZED = {
    "finalizedAt": "2026-01-01",
    "dataUpdatedAt": "2025-12-31",
    "count": 2,
    "schema": [{"key": "code"}],
}


def marked(
    httpserver: HTTPServer, document: dict[str, Any], **changes: Any
) -> str | None:
    httpserver.clear()
    httpserver.expect_request(PATH).respond_with_json(document)
    with client_of(httpserver.url_for("/")) as client:
        return mark(connector(**changes), client)


def test_a_mark_is_when_the_service_finished_with_the_data(
    httpserver: HTTPServer,
) -> None:
    first = marked(httpserver, FINALIZED | {"title": "A"})
    assert first == marked(httpserver, FINALIZED | {"title": "B"})
    assert first is not None
    others = {
        marked(httpserver, FINALIZED | {"finalizedAt": "2026-01-02"}),
        marked(httpserver, FINALIZED | {"dataUpdatedAt": "2026-01-01"}),
        marked(httpserver, FINALIZED | {"count": 3}),
        marked(httpserver, FINALIZED, qs="code:1"),
    }
    assert len({first, *others}) == 5


def test_a_file_that_arrived_and_is_not_indexed_yet_is_no_mark(
    httpserver: HTTPServer,
) -> None:
    document = {"dataUpdatedAt": "2026-01-01", "updatedAt": "2026-01-01", "count": 2}
    assert marked(httpserver, document) is None


def test_a_filter_that_counts_from_now_has_no_mark(httpserver: HTTPServer) -> None:
    assert marked(httpserver, FINALIZED, qs="day:[now-30d TO now]") is None
    assert marked(httpserver, FINALIZED, qs="state:known") is not None


def test_mark_and_filters_ask_for_the_metadata_once(httpserver: HTTPServer) -> None:
    asked = {"filters": {"dept_eq": "17"}}
    with client_of(mounted(httpserver).base_url) as client:
        assert mark(connector(**asked), client)
        found = list(pages(connector(**asked), client, {}))
    assert client.requests == 1 + len(found)


def test_the_sandbox_has_a_mark(httpserver: HTTPServer) -> None:
    with client_of(mounted(httpserver).base_url) as client:
        assert mark(connector(), client) == mark(connector(), client) is not None


def test_a_dataset_that_is_gone_has_no_mark_but_an_error(
    httpserver: HTTPServer,
) -> None:
    httpserver.expect_request(PATH).respond_with_data("Gone", 410)
    with (
        client_of(httpserver.url_for("/")) as client,
        pytest.raises(FetchError, match="compatibility API"),
    ):
        mark(connector(), client)
