"""What the client asks again, waits for, bounds, refuses and never says."""

from __future__ import annotations

import email.utils
import gzip
import itertools
import socket
import struct
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import Reply, ScriptedServer, reply, running

from lrtzc_pipelines.connectors import http
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Answer, KnownPage, Limits, retry_after
from lrtzc_pipelines.connectors.bodies import MEGABYTE, looks_like_html
from lrtzc_pipelines.connectors.http import RETRIED_STATUSES, HttpClient
from lrtzc_pipelines.errors import FetchError, SettingsError

GOOD = reply(body=b"nom;places\nEncan;430\n")
KEY = "s3cret/key+1"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with running() as script:
        yield script


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close(connection: socket.socket) -> None:
    connection.close()


def zipped(body: bytes, **headers: str) -> bytes:
    return reply(body=body, Content_Encoding="gzip", **headers)


# Tried again


@pytest.mark.parametrize("status", sorted(RETRIED_STATUSES))
def test_a_passing_status_is_asked_again(server: ScriptedServer, status: int) -> None:
    server.plays(reply(status), GOOD)
    with server.client() as client:
        assert client.get(server.url).body == b"nom;places\nEncan;430\n"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(close, id="closed without an answer"),
        pytest.param(reset, id="reset"),
        pytest.param(b"SMTP ready\r\n\r\n", id="not HTTP"),
        pytest.param(reply(body=b"nom;pl", Content_Length="21"), id="short of length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nnom;p\r\n",
            id="chunks without an end",
        ),
        pytest.param(
            zipped(gzip.compress(b"nom;places\n" * 99)[:-20]), id="gzip cut short"
        ),
        pytest.param(zipped(b"nom;places\n"), id="no gzip"),
        pytest.param(zipped(gzip.compress(b"a;b\n") * 2), id="more after the gzip"),
    ],
)
class TestABodyThatIsNotWhole:
    def test_is_asked_again(self, server: ScriptedServer, bad: Reply) -> None:
        server.plays(bad, GOOD)
        with server.client() as client:
            assert client.get(server.url).body == b"nom;places\nEncan;430\n"

    def test_is_never_taken_for_whole(self, server: ScriptedServer, bad: Reply) -> None:
        server.plays(bad)
        with (
            server.client(attempts=2) as client,
            pytest.raises(FetchError, match=r"gave up after 2 tries") as error,
        ):
            client.get(server.url)
        assert not error.value.permanent


def test_what_a_connector_finds_incomplete_is_asked_again(
    server: ScriptedServer,
) -> None:
    server.plays(reply(body=b"<opendata>"), reply(body=b"<opendata></opendata>"))
    with server.client() as client:
        answer = client.get(
            server.url,
            fault=lambda body: None if b"</" in body else "ends early",
        )
    assert answer.body == b"<opendata></opendata>"


def test_giving_up_tells_who_where_why_and_after_how_many_tries(
    server: ScriptedServer,
) -> None:
    server.plays(reply(503))
    with server.client(attempts=3) as client, pytest.raises(FetchError) as error:
        client.get(server.url)
    assert str(error.value) == (
        f"town_hall: {server.url}: HTTP 503 (gave up after 3 tries)"
    )
    assert not error.value.permanent
    assert len(server.requests) == client.requests == 3
    assert len(server.naps) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_a_refusal_is_not_asked_again(server: ScriptedServer, status: int) -> None:
    server.plays(reply(status))
    with (
        server.client() as client,
        pytest.raises(FetchError, match=rf"town_hall: .*HTTP {status}") as error,
    ):
        client.get(server.url)
    assert error.value.permanent
    assert len(server.requests) == 1


# Pauses


@pytest.mark.parametrize("status", [429, 503])
def test_the_service_is_given_the_seconds_it_asks_for(
    server: ScriptedServer, status: int
) -> None:
    server.plays(reply(status, Retry_After="7"), GOOD)
    with server.client() as client:
        client.get(server.url)
    assert server.naps == [7.0]


def test_the_service_is_given_until_the_date_it_asks_for(
    server: ScriptedServer,
) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=60)
    later = email.utils.format_datetime(moment, usegmt=True)
    server.plays(reply(503, Retry_After=later), GOOD)
    with server.client() as client:
        client.get(server.url)
    assert server.naps == [pytest.approx(60, abs=3)]


def test_without_a_wish_pauses_double(server: ScriptedServer) -> None:
    server.plays(reply(503))
    with server.client(attempts=4) as client, pytest.raises(FetchError):
        client.get(server.url)
    assert server.naps == [pytest.approx(pause, rel=0.2) for pause in (1, 2, 4)]


def test_a_pause_beyond_the_bound_is_a_failure_at_once(server: ScriptedServer) -> None:
    server.plays(reply(503, Retry_After="3600"), GOOD)
    with (
        server.client(max_wait=120) as client,
        pytest.raises(FetchError, match=r"wait 3600 s, more than the 120 s") as error,
    ):
        client.get(server.url)
    assert not error.value.permanent
    assert server.naps == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after(value) == seconds


@given(st.text())
def test_no_retry_after_can_break_the_client(value: str) -> None:
    assert (retry_after(value) or 0.0) >= 0.0


def test_requests_that_leave_the_machine_are_spaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = Answer("", 200, {}, b"", datetime.now(UTC))
    monkeypatch.setattr(HttpClient, "_once", lambda *_: answer)
    url = "https://open.example/"
    target = Target("town_hall", url, url, 2.0, contact="a@b.fr")
    naps: list[float] = []
    with HttpClient(target, sleep=naps.append) as client:
        for _ in range(3):
            client.get(url)
    assert naps == [pytest.approx(0.5, abs=0.1), pytest.approx(1.0, abs=0.1)]


# Bounds


def test_a_compressed_body_arrives_expanded(server: ScriptedServer) -> None:
    server.plays(zipped(gzip.compress(b"nom;places\n" * 999)))
    with server.client() as client:
        assert client.get(server.url).body == b"nom;places\n" * 999
    assert client.bytes_received < 999


def test_a_bomb_is_refused_before_it_expands(server: ScriptedServer) -> None:
    server.plays(zipped(gzip.compress(bytes(60 * MEGABYTE), 1)))
    tracemalloc.start()
    with (
        server.client(max_bytes=MEGABYTE) as client,
        pytest.raises(FetchError, match=r"larger than 1 MB") as error,
    ):
        client.get(server.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.value.permanent
    assert peak < 10 * MEGABYTE


def test_a_body_without_end_is_refused_at_the_bound(server: ScriptedServer) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(bytes(65_536))

    server.plays(endless)
    with (
        server.client(max_bytes=MEGABYTE) as client,
        pytest.raises(FetchError, match=r"larger than 1 MB"),
    ):
        client.get(server.url)


def test_a_body_of_exactly_the_bound_is_accepted(server: ScriptedServer) -> None:
    server.plays(reply(body=bytes(1000)), zipped(gzip.compress(bytes(1000))))
    with server.client(max_bytes=1000) as client:
        assert len(client.get(server.url).body) == 1000
        assert len(client.get(server.url).body) == 1000


def test_a_body_in_drops_is_stopped_at_the_deadline(server: ScriptedServer) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while True:
            connection.sendall(b".")
            time.sleep(0.01)

    server.plays(drip)
    started = time.monotonic()
    with (
        server.client(deadline=0.2, attempts=1) as client,
        pytest.raises(FetchError, match=r"not complete after 0 s"),
    ):
        client.get(server.url)
    assert time.monotonic() - started < 1


def test_headers_in_drops_are_stopped_at_the_deadline(server: ScriptedServer) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-A: a\r\n")
            time.sleep(0.01)

    server.plays(drip)
    started = time.monotonic()
    with (
        server.client(deadline=0.2, attempts=1) as client,
        pytest.raises(FetchError, match=r"not complete after 0 s"),
    ):
        client.get(server.url)
    assert time.monotonic() - started < 2


def test_what_came_of_a_refused_answer_can_be_looked_at(
    server: ScriptedServer,
) -> None:
    server.plays(reply(200, b"half of", Content_Length="99"), GOOD)
    with server.client(attempts=1) as client:
        with pytest.raises(FetchError):
            client.get(server.url)
        assert client.last_body == b"half of"
        client.get(server.url)
        assert client.last_body != b"half of"


def test_a_body_that_crawls_is_given_up(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(0, 11)
    clock = SimpleNamespace(monotonic=lambda: next(seconds), sleep=time.sleep)
    monkeypatch.setattr(http, "time", clock)
    server.plays(GOOD)
    with (
        server.client(attempts=1) as client,
        pytest.raises(FetchError, match=r"slower than 100 B/s"),
    ):
        client.get(server.url)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_an_encoding_that_was_not_asked_for_is_refused(
    server: ScriptedServer, encoding: str
) -> None:
    server.plays(reply(body=b"?", Content_Encoding=encoding))
    with (
        server.client() as client,
        pytest.raises(FetchError, match=rf"unrequested encoding '{encoding}'"),
    ):
        client.get(server.url)
    assert server.requests[0].headers["accept-encoding"] == "gzip"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_inside_the_service_is_followed(
    server: ScriptedServer, status: int
) -> None:
    server.plays(reply(status, Location="/moved/data.csv"), GOOD)
    with server.client() as client:
        answer = client.get(server.url)
    assert [request.target for request in server.requests] == [
        "/data",
        "/moved/data.csv",
    ]
    assert answer.url.endswith("/moved/data.csv")


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "https://127.0.0.1/",
        "https://10.0.0.8/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.8]/",
        "//10.0.0.8/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://[",
        "http://127.0.0.1:99999/",
    ],
)
def test_a_redirect_to_another_private_address_is_refused(
    server: ScriptedServer, location: str
) -> None:
    server.plays(reply(302, Location=location))
    with (
        server.client() as client,
        pytest.raises(FetchError, match=r"town_hall: ") as error,
    ):
        client.get(server.url)
    assert error.value.permanent
    assert len(server.requests) == 1


def test_a_redirect_loop_ends(server: ScriptedServer) -> None:
    server.plays(reply(302, Location="/data"))
    with (
        server.client() as client,
        pytest.raises(FetchError, match=r"redirect loop") as error,
    ):
        client.get(server.url)
    assert error.value.permanent
    assert len(server.requests) == 5


def test_a_redirect_to_nowhere_is_refused(server: ScriptedServer) -> None:
    server.plays(reply(302))
    with server.client() as client, pytest.raises(FetchError, match=r"HTTP 302"):
        client.get(server.url)


# Conditions


@pytest.mark.parametrize(
    ("known", "name", "value"),
    [
        (KnownPage("0", etag='"a1"'), "if-none-match", '"a1"'),
        (
            KnownPage("0", last_modified="Sun, 06 Nov 1994 08:49:37 GMT"),
            "if-modified-since",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ),
        (KnownPage("0", etag='"a1"', last_modified="x"), "if-none-match", '"a1"'),
    ],
)
def test_a_held_page_is_asked_for_only_if_it_changed(
    server: ScriptedServer, known: KnownPage, name: str, value: str
) -> None:
    server.plays(reply(304, ETag='"a1"'))
    with server.client() as client:
        answer = client.get(server.url, known=known, fault=lambda _: "no XML")
    conditions = {"if-none-match", "if-modified-since"} & set(
        server.requests[0].headers
    )
    assert conditions == {name}
    assert server.requests[0].headers[name] == value
    assert answer.not_modified
    assert answer.body == b""


def test_a_mark_that_no_header_can_carry_is_not_sent(server: ScriptedServer) -> None:
    server.plays(GOOD)
    with server.client() as client:
        client.get(server.url, known=KnownPage("0", etag='"é"'))
        client.get(server.url, known=KnownPage("0", last_modified="é"))
        client.get(server.url, known=KnownPage("0", etag="x" * 5000))
    for request in server.requests:
        assert not {"if-none-match", "if-modified-since"} & request.headers.keys()


@pytest.mark.parametrize("known", [None, KnownPage("0")])
def test_not_modified_without_having_asked_is_refused(
    server: ScriptedServer, known: KnownPage | None
) -> None:
    server.plays(reply(304))
    with server.client() as client, pytest.raises(FetchError, match=r"304"):
        client.get(server.url, known=known)


def test_only_headers_worth_keeping_are_kept(server: ScriptedServer) -> None:
    server.plays(
        reply(
            body=b"a",
            ETag='"1"',
            Last_Modified="x",
            Content_Type="text/csv",
            Set_Cookie="session=1",
        )
    )
    with server.client() as client:
        assert client.get(server.url).headers == {
            "content-length": "1",
            "content-type": "text/csv",
            "etag": '"1"',
            "last-modified": "x",
        }


# What is said


def test_the_key_is_sent_and_not_shown(server: ScriptedServer) -> None:
    server.plays(GOOD)
    with server.client(key=KEY) as client:
        answer = client.get(server.url, {"service": "getData", "key": KEY, "offset": 1})
    assert "key=s3cret%2Fkey%2B1&" in server.requests[0].target
    assert answer.url == f"{server.url}?service=getData&key=REDACTED&offset=1"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(reply(404), id="refused"),
        pytest.param(reply(503), id="down"),
        pytest.param(reply(503, Retry_After="999"), id="come back later"),
        pytest.param(reset, id="reset"),
        pytest.param(reply(body=bytes(2000)), id="too large"),
        pytest.param(reply(body=b"?", Content_Encoding="br"), id="encoding"),
        pytest.param(reply(302, Location=f"http://x.invalid/?k={KEY}"), id="redirect"),
        pytest.param(reply(302, Location=f"/?id={KEY}"), id="redirect loop"),
        pytest.param(reply(302, Location=f"/{KEY}\x01"), id="no address"),
    ],
)
def test_no_failure_shows_the_key(server: ScriptedServer, bad: Reply) -> None:
    server.plays(bad)
    with (
        server.client(key=KEY, attempts=1, max_bytes=1000) as client,
        pytest.raises(FetchError) as error,
    ):
        client.get(server.url, {"key": KEY})
    for spelling in (KEY, "s3cret%2Fkey%2B1", "s3cret/key%2B1"):
        assert spelling not in str(error.value)


def test_services_are_told_whom_to_write_to(server: ScriptedServer) -> None:
    server.plays(GOOD)
    target = server.target(contact="donnees@ville.example")
    with HttpClient(target, Limits()) as client:
        client.get(server.url)
    agent = server.requests[0].headers["user-agent"]
    assert agent == "lrtzc_pipelines/0.1 (+donnees@ville.example)"


@pytest.mark.parametrize("contact", ["", "équipe@ville.example", "a@b.fr\r\nX: y"])
def test_nobody_is_asked_without_a_usable_contact(contact: str) -> None:
    url = "https://open.example/"
    target = Target("town_hall", url, url, 2.0, contact=contact)
    with (
        pytest.raises(SettingsError, match=r"town_hall: .*LRTZC_CONTACT"),
        HttpClient(target),
    ):
        pass


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>",
        b"\xef\xbb\xbf\r\n <!doctype HTML>",
        b"<HTML lang='fr'>",
    ],
)
def test_a_web_page_is_recognized(body: bytes) -> None:
    assert looks_like_html(body)


@pytest.mark.parametrize(
    "body",
    [
        b"nom;places\n<html>",
        b'{"html": 1}',
        b"<?xml version='1.0'?><opendata/>",
        b"",
    ],
)
def test_data_are_no_web_page(body: bytes) -> None:
    assert not looks_like_html(body)


def ask_for_ever(client: HttpClient, url: str) -> None:
    while True:
        client.get(url)


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        ({"dataset_requests": 3}, "3 requests"),
        ({"dataset_bytes": 3 * len(GOOD)}, "0 MB"),
        ({"dataset_seconds": 0.0}, "0 s"),
    ],
)
def test_a_dataset_that_does_not_end_is_left(
    server: ScriptedServer, bound: dict[str, float], told: str
) -> None:
    server.plays(GOOD)
    with (
        server.client(**bound) as client,
        pytest.raises(FetchError, match=f"town_hall: no end after {told}") as error,
    ):
        ask_for_ever(client, server.url)
    assert error.value.permanent
    assert len(server.requests) < 20


def test_every_try_and_every_redirect_is_a_request_of_the_dataset(
    server: ScriptedServer,
) -> None:
    server.plays(reply(302, Location="/again"))
    with (
        server.client(dataset_requests=2) as client,
        pytest.raises(FetchError, match="no end after 2 requests"),
    ):
        client.get(server.url)
    assert len(server.requests) == 2


@pytest.mark.parametrize("asked", ["\ud800", "x" * 100_000])
def test_what_no_address_can_carry_is_not_asked(
    server: ScriptedServer, asked: str
) -> None:
    with server.client() as client, pytest.raises(FetchError, match="not an address"):
        client.get(server.url, {"cursor": asked})
    assert server.requests == []


def test_an_address_is_told_in_one_short_line(server: ScriptedServer) -> None:
    server.plays(reply(404))
    with server.client() as client, pytest.raises(FetchError) as error:
        client.get(f"{server.url}/{'x' * 5000}")
    assert len(str(error.value)) < 400
