"""GBFS feeds: found through the discovery file, and only where they may be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import KnownPage, Limits
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.gbfs import feed_urls, pages
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    create_replay_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.protocols import GbfsConnector

ID = "yelo_gbfs"
REAL = "https://opendata.agglo.example/files/gbfs.json"
FEEDS = ("station_information", "station_status")


def connector(*feeds: str) -> GbfsConnector:
    return GbfsConnector(kind="gbfs", feeds=feeds or FEEDS)


def client_of(base_url: str) -> HttpClient:
    target = Target(ID, base_url, REAL, 2.0)
    return HttpClient(target, Limits(attempts=2), sleep=lambda _: None)


def read(
    client: HttpClient, *feeds: str, known: Mapping[str, KnownPage] | None = None
) -> list[Page]:
    return list(pages(connector(*feeds), client, known or {}))


def listed(**urls: str) -> list[dict[str, str]]:
    return [{"name": name, "url": url} for name, url in urls.items()]


def discovery(**urls: str) -> dict[str, Any]:
    return {"version": "3.0", "data": {"feeds": listed(**urls)}}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with RunningSandbox(create_app(World())) as url:
        yield endpoint_overrides(url)[ID]


@pytest.fixture
def client(base_url: str) -> Iterator[HttpClient]:
    with client_of(base_url) as client:
        yield client


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[HttpClient]:
    """A client of a service whose discovery file a test prepares."""
    with client_of(httpserver.url_for("/files/gbfs.json")) as client:
        yield client


def test_version_3_gives_the_discovery_file_then_each_feed(client: HttpClient) -> None:
    found = read(client)
    assert [(page.name, page.suffix) for page in found] == [
        ("gbfs", "json"),
        ("station_information", "json"),
        ("station_status", "json"),
    ]
    assert json.loads(found[2].answer.body)["data"]["stations"]


@pytest.mark.parametrize("version", ["2.0", "2.2", "2.3"])
def test_version_2_nests_its_feeds_in_languages(tmp_path: Path, version: str) -> None:
    feeds = listed(**dict.fromkeys(FEEDS, "https://real.example/x"))
    nested = {"version": version, "data": {"fr": {"feeds": feeds}}}
    (tmp_path / "gbfs.json").write_text(json.dumps(nested))
    for name in FEEDS:
        (tmp_path / f"{name}.json").write_text('{"data": {"stations": []}}')
    with (
        RunningSandbox(create_replay_app(tmp_path)) as url,
        client_of(endpoint_overrides(url)[ID]) as client,
    ):
        assert [page.name for page in read(client)] == ["gbfs", *FEEDS]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [(("en", "fr"), "fr"), (("fr",), "fr"), (("en", "de"), "en")],
)
def test_french_feeds_are_preferred_to_the_first_language(
    languages: tuple[str, ...], expected: str
) -> None:
    data = {name: {"feeds": listed(station_status=name)} for name in languages}
    found = feed_urls(ID, {"version": "2.3", "data": data})
    assert found == {"station_status": expected}


def test_a_missing_feed_is_named_with_those_offered(client: HttpClient) -> None:
    with pytest.raises(
        FetchError,
        match=r"yelo_gbfs: feed system_alerts not offered \(offered: .*station_status",
    ):
        read(client, "station_status", "system_alerts")


@pytest.mark.parametrize("version", ["1.0", "1.1", "4.0", "30", 1, None])
def test_an_unknown_version_is_refused_by_its_number(version: object) -> None:
    with pytest.raises(FetchError, match=rf"yelo_gbfs: GBFS {version} is not supp"):
        feed_urls(ID, {**discovery(), "version": version})


def test_a_version_is_told_in_one_short_line() -> None:
    with pytest.raises(FetchError) as error:
        feed_urls(ID, {**discovery(), "version": "0\n" + "9" * 5000})
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_a_file_that_names_no_version_is_of_the_first() -> None:
    with pytest.raises(FetchError, match=r"GBFS 1.0 is not supported"):
        feed_urls(ID, {"data": {"feeds": []}})


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"fr": None},
        {"fr": {}},
        {"feeds": {}},
        {"feeds": ["station_status"]},
        {"feeds": [{"name": "station_status"}]},
        {"feeds": [{"url": "https://a.fr/"}]},
    ],
)
def test_a_discovery_file_without_feeds_is_refused(data: object) -> None:
    with pytest.raises(FetchError, match=r"yelo_gbfs: the discovery file lists no fee"):
        feed_urls(ID, {"version": "2.3", "data": data})


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.5/station_status.json",
        "https://127.0.0.1/station_status.json",
        "https://[::ffff:192.168.0.1]/station_status.json",
        "http://127.0.0.1:1/station_status.json",
        "file:///etc/passwd",
        "http://[",
        "https://a.fr:99999/",
    ],
)
def test_a_feed_on_another_private_host_is_refused(
    httpserver: HTTPServer, service: HttpClient, url: str
) -> None:
    httpserver.expect_request("/files/gbfs.json").respond_with_json(
        discovery(station_status=url)
    )
    with pytest.raises(FetchError, match=r"yelo_gbfs: (refused|not an address)"):
        read(service, "station_status")
    assert service.requests == 1


@pytest.mark.parametrize(
    "url",
    [
        "station_status.json",
        "/files/station_status.json",
        "https://opendata.agglo.example/files/station_status.json",
    ],
)
def test_feeds_of_the_real_service_are_read_where_the_discovery_file_was(
    httpserver: HTTPServer, service: HttpClient, url: str
) -> None:
    httpserver.expect_request("/files/gbfs.json").respond_with_json(
        discovery(station_status=url)
    )
    httpserver.expect_request("/files/station_status.json").respond_with_json(
        {"data": {"stations": []}}
    )
    assert len(read(service, "station_status")) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!DOCTYPE html><html></html>", "an HTML page instead of JSON"),
        ('{"version": "3.0", "da', "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
        ('{"error": "quota"}', "a JSON document without data"),
        ("[]", "a JSON document without data"),
    ],
)
def test_what_is_no_gbfs_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: str, reason: str
) -> None:
    httpserver.expect_request("/files/gbfs.json").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(service)


def test_held_feeds_are_not_sent_again(client: HttpClient) -> None:
    known = {
        page.name: KnownPage("0", None, page.answer.headers["etag"])
        for page in read(client)
    }
    found = read(client, known=known)
    # The discovery file is always read: it says where the feeds are.
    assert [page.answer.not_modified for page in found] == [False, True, True]
