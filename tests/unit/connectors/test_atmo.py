"""Atmo France's API: the token, its end, and that nobody sees it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.atmo import pages
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols import atmo as sandbox
from lrtzc_pipelines.sources.protocols import AtmoConnector

PATH = "api/v2/data/indices/atmo"
DATA = {"kind": "atmo", "path": PATH, "query": {"code_zone": "17300"}}
KEY = "a.user:p:ss w0rd"
PASSWORD = "p:ss w0rd"


def mounted(httpserver: HTTPServer, form: Mapping[str, Any]) -> Mounted:
    point = json.dumps({"type": "Point", "coordinates": [-1.15, 46.16]})
    rows = [{"code_zone": "17300", "code_qual": n, "geometry": point} for n in range(3)]
    table = table_of(rows, DATA, form)
    return Mounted(httpserver, {"index": table}, sandbox.answer)


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None
) -> list[Page]:
    with client:
        return list(pages(AtmoConnector.model_validate(DATA), client, known or {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> HttpClient:
    return client_of(httpserver.url_for("/"), key=KEY)


def logins(httpserver: HTTPServer, *tokens: str) -> None:
    for token in tokens:
        httpserver.expect_oneshot_request("/api/login", "POST").respond_with_json(
            {"token": token}
        )


def data(httpserver: HTTPServer, token: str, document: object) -> None:
    httpserver.expect_request(
        f"/{PATH}", headers={"Authorization": f"Bearer {token}"}
    ).respond_with_json(document)


def test_a_login_opens_the_data(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, {"kind": "geojson"})
    (page,) = read(client_of(service.base_url, key=KEY))
    assert (page.name, page.items, page.announced_total) == ("page-1", 3, 3)
    login, asked = service.questions
    assert (login.method, login.path) == ("POST", "api/login")
    # Only the first colon parts them: passwords may hold others.
    assert json.loads(login.body) == {"username": "a.user", "password": PASSWORD}
    assert asked.query == {"code_zone": "17300"}


def test_a_bare_list_is_taken_too(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, {"kind": "json"})
    (page,) = read(client_of(service.base_url))
    assert (page.items, page.announced_total) == (3, None)


def test_no_features_are_one_empty_page(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    logins(httpserver, "one")
    data(httpserver, "one", {"type": "FeatureCollection", "features": []})
    (page,) = read(service)
    assert page.items == 0


def test_a_token_at_its_end_is_replaced_once(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    logins(httpserver, "old", "new")
    httpserver.expect_request(
        f"/{PATH}", headers={"Authorization": "Bearer old"}
    ).respond_with_json({"code": 401, "message": "Expired JWT Token"}, status=401)
    data(httpserver, "new", {"features": [{}]})
    (page,) = read(service)
    assert (page.items, service.requests) == (1, 4)


def test_a_token_refused_twice_ends_the_collection(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    logins(httpserver, "one", "two")
    httpserver.expect_request(f"/{PATH}").respond_with_json({}, status=401)
    with pytest.raises(FetchError, match="refuses the token it gave") as error:
        read(service)
    assert error.value.permanent
    assert service.requests == 4


def test_a_refused_password_is_told_without_it(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request("/api/login").respond_with_json(
        {"message": f"no {PASSWORD}"}, status=401
    )
    with pytest.raises(FetchError, match="refuses the user or the password") as error:
        read(service)
    assert error.value.permanent
    assert PASSWORD not in str(error.value)
    assert service.last_body == b""


SECRET = "very.secret.token"


@pytest.mark.parametrize(
    "after",
    [
        {"status": 500},
        {"status": 404},
        {"status": 401},
        {"response_data": "<html>"},
        {"response_data": '{"message": "no"}'},
    ],
)
def test_neither_token_nor_password_is_seen_in_a_failure(
    httpserver: HTTPServer,
    service: HttpClient,
    caplog: pytest.LogCaptureFixture,
    after: dict[str, Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    logins(httpserver, SECRET, SECRET)
    httpserver.expect_request(f"/{PATH}").respond_with_data(**after)
    with pytest.raises(FetchError) as error:
        read(service)
    own = [r.getMessage() for r in caplog.records if not r.name.startswith("werkzeug")]
    seen = "\n".join([str(error.value), repr(service), *own])
    assert not any(secret in seen for secret in (SECRET, PASSWORD))
    # These bytes are set aside for people to look at.
    assert SECRET.encode() not in service.last_body


def test_half_a_token_is_not_kept_either(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request("/api/login").respond_with_data('{"token": "very.sec')
    with pytest.raises(FetchError, match="not a JSON document"):
        read(service)
    assert service.last_body == b""


@pytest.mark.parametrize(
    "answer", [[], {}, {"token": None}, {"token": "two\nlines"}, {"token": "é"}]
)
def test_a_login_without_a_token_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    httpserver.expect_request("/api/login").respond_with_json(answer)
    with pytest.raises(FetchError, match="api/login: the answer has no token"):
        read(service)


def test_the_token_is_not_sent_to_where_the_service_redirects(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    logins(httpserver, SECRET)
    httpserver.expect_request(f"/{PATH}").respond_with_data(
        status=302, headers={"Location": "http://10.0.0.1/data"}
    )
    with pytest.raises(FetchError, match="refused to leave"):
        read(service)


@pytest.mark.parametrize(
    "answer",
    [{"code": 400, "message": "Bad zone"}, {"features": 3}, {"features": [3]}, 3],
)
def test_what_has_no_features_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    logins(httpserver, "one")
    data(httpserver, "one", answer)
    with pytest.raises(FetchError, match="no features"):
        read(service)


def test_another_number_than_announced_may_pass(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    logins(httpserver, "one")
    data(httpserver, "one", {"features": [{}], "numberMatched": 2})
    with pytest.raises(FetchError, match=r"1 .* 2 announced") as error:
        read(service)
    assert not error.value.permanent


def test_data_held_already_are_not_sent_again(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    logins(httpserver, "one")
    httpserver.expect_request(
        f"/{PATH}", headers={"If-None-Match": '"held"'}
    ).respond_with_data(status=304)
    (page,) = read(service, {"page-1": KnownPage("0", 3, '"held"')})
    assert (page.items, page.answer.not_modified) == (3, True)


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    logins(httpserver, "one")
    httpserver.expect_request(f"/{PATH}").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(service)
