"""Pages of the legacy web service: where they end, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from starlette.applications import Starlette
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import KnownPage, Limits
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.larochelle_webservice import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    create_replay_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.protocols import WebserviceConnector

ID = "larochelle_webservice"
COMMUNES = 28
REAL = "https://opendata.larochelle.fr/webservice/"
ROW = '\t\t\t<row>\t\t\t\t<id>"{0}"</id>\t\t\t</row>'


def connector(**changes: Any) -> WebserviceConnector:
    values = {
        "kind": ID,
        "database": "decoupadmin",
        "table": "decoupage_cda_liste",
        "page_size": 10,
    }
    return WebserviceConnector.model_validate(values | changes)


def document(answer: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><opendata>\t<request>http://a</request>'
        f"\t<answer>\t\t{answer}\t</answer></opendata>"
    )


def page_of(*ids: int) -> str:
    rows = "".join(ROW.format(number) for number in ids)
    return document(
        f"<status>code=0 message=Success</status>\t\t<data>{rows}\t\t</data>"
    )


@contextmanager
def client_of(base_url: str, key: str = "") -> Iterator[HttpClient]:
    target = Target(ID, base_url, REAL, 2.0, key=key)
    with HttpClient(target, Limits(attempts=3), sleep=lambda _: None) as client:
        yield client


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None, **changes: Any
) -> list[Page]:
    return list(pages(connector(**changes), client, known or {}))


@pytest.fixture(scope="module")
def app() -> Starlette:
    return create_app(World())


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
def service(httpserver: HTTPServer) -> Iterator[HttpClient]:
    """A client of a service whose answers a test prepares."""
    with client_of(httpserver.url_for("/webservice/")) as client:
        yield client


def test_a_short_page_is_the_last(client: HttpClient) -> None:
    found = read(client)
    assert [(page.name, page.items) for page in found] == [
        ("offset-1", 10),
        ("offset-11", 10),
        ("offset-21", 8),
    ]
    assert client.requests == 3
    assert {page.suffix for page in found} == {"xml"}


@pytest.mark.parametrize("page_size", [7, 14, COMMUNES])
def test_after_full_pages_an_empty_one_ends_the_table_and_is_not_kept(
    client: HttpClient, page_size: int
) -> None:
    found = read(client, page_size=page_size)
    assert [page.items for page in found] == [page_size] * (COMMUNES // page_size)
    assert client.requests == len(found) + 1


def test_a_table_may_fit_in_one_page(client: HttpClient) -> None:
    assert [page.items for page in read(client, page_size=5000)] == [COMMUNES]


@pytest.mark.parametrize("data", ["<data>\t\t</data>", "<data></data>", "<data/>"])
def test_an_empty_table_is_one_page_without_rows(tmp_path: Path, data: str) -> None:
    empty = document(f"<status>code=0 message=Success</status>\t\t{data}")
    (tmp_path / "decoupadmin-decoupage_cda_liste.xml").write_text(empty)
    with (
        RunningSandbox(create_replay_app(tmp_path)) as url,
        client_of(endpoint_overrides(url)[ID]) as client,
    ):
        (only,) = read(client)
    assert (only.name, only.items) == ("offset-1", 0)


def test_an_unknown_table_is_refused_by_its_name(client: HttpClient) -> None:
    with pytest.raises(
        FetchError,
        match=r"larochelle_webservice: table decoupadmin\.nowhere: .* code=7: Une err",
    ) as error:
        read(client, table="nowhere")
    assert error.value.permanent
    assert client.requests == 1


def test_a_hole_between_pages_is_no_end(tmp_path: Path) -> None:
    for offset in (1, 21):
        path = tmp_path / f"decoupadmin-decoupage_cda_liste-{offset}.xml"
        path.write_text(page_of(*range(10)))
    with (
        RunningSandbox(create_replay_app(tmp_path)) as url,
        client_of(endpoint_overrides(url)[ID]) as client,
        pytest.raises(FetchError, match=r"code=7: Offset 11 was not recorded"),
    ):
        read(client)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("<data></data>", "the answer has no status"),
        ("<status>all right</status><data></data>", "the answer has no status"),
        (
            f"<status>code={'9' * 5000} message=no</status><data></data>",
            "the answer has no status",
        ),
        (
            f"<status>code=9 message=a\n{'b' * 5000}</status><data></data>",
            "the service answered code=9: a b{200,300}…",
        ),
        ("<status>code=0 message=Success</status>", "code=0 but no <data> element"),
        ("<status>code=-1 message=Quota</status>", "the service answered code=-1: Quo"),
        (
            "<status>\n code=3  message=key=abc refused</status><data></data>",
            "the service answered code=3: key=REDACTED refused",
        ),
    ],
)
def test_a_failure_inside_http_200_is_one(
    httpserver: HTTPServer, service: HttpClient, answer: str, reason: str
) -> None:
    httpserver.expect_request("/webservice/").respond_with_data(document(answer))
    with pytest.raises(FetchError, match=reason) as error:
        read(service)
    assert "decoupadmin.decoupage_cda_liste" in str(error.value)


def test_a_document_that_ends_early_is_asked_again(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    whole = page_of(1, 2)
    httpserver.expect_ordered_request("/webservice/").respond_with_data(whole[:-9])
    httpserver.expect_ordered_request("/webservice/").respond_with_data(whole)
    (only,) = read(service)
    assert only.items == 2


def test_a_document_that_keeps_ending_early_is_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    cut = page_of(1, 2)[:-9]
    httpserver.expect_request("/webservice/").respond_with_data(cut)
    with pytest.raises(FetchError, match=rf"ends early, after {len(cut)} b") as error:
        read(service)
    assert not error.value.permanent
    assert service.requests == 3


@pytest.mark.parametrize("fault", ["http_503", "http_429", "html_200", "truncate"])
def test_a_passing_fault_in_the_middle_costs_no_row(
    app: Starlette, client: HttpClient, fault: str
) -> None:
    found = pages(connector(), client, {})
    first = next(found)
    app.state.faults.plan(ID, fault)
    assert [first.items, *(page.items for page in found)] == [10, 10, 8]


def test_a_page_that_stays_a_web_page_is_refused(
    app: Starlette, client: HttpClient
) -> None:
    app.state.faults.plan(ID, "html_200", 3)
    with pytest.raises(FetchError, match=r"an HTML page instead of XML"):
        read(client)


def test_held_pages_are_not_sent_again(client: HttpClient) -> None:
    known = {
        page.name: KnownPage("0", page.items, page.answer.headers["etag"])
        for page in read(client)
    }
    again = read(client, known)
    assert [page.answer.not_modified for page in again] == [True, True, True]
    assert [page.items for page in again] == [10, 10, 8]


def test_the_service_is_asked_in_its_own_words(httpserver: HTTPServer) -> None:
    query = {
        "service": "getData",
        "key": "s3cret",
        "db": "decoupadmin",
        "table": "decoupage_cda_liste",
        "format": "xml",
        "offset": "1",
        "limit": "10",
    }
    httpserver.expect_request("/webservice/", query_string=query).respond_with_data(
        page_of(1)
    )
    # The path is the service's own where the operator gives only a host.
    with client_of(httpserver.url_for(""), key="s3cret") as client:
        (only,) = read(client)
    assert "key=REDACTED" in only.answer.url


def test_a_service_without_end_is_left(httpserver: HTTPServer) -> None:
    def more(request: Request) -> Response:
        first = int(request.args["offset"])
        return Response(page_of(first, first + 1))

    httpserver.expect_request("/webservice/").respond_with_handler(more)
    target = Target(ID, httpserver.url_for("/webservice/"), REAL, 2.0)
    with (
        HttpClient(target, Limits(dataset_requests=3)) as service,
        pytest.raises(FetchError, match=r"no end after 3 requests"),
    ):
        read(service, page_size=2)


def test_a_service_that_does_not_turn_its_pages_is_left(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request("/webservice/").respond_with_data(page_of(1, 2))
    with pytest.raises(FetchError, match=r"offset-3 has the records of offset-1 again"):
        read(service, page_size=2)
