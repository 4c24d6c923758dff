"""Files behind their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors import registry
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import KnownPage, Limits
from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.http_file import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.protocols import HttpFileConnector
from lrtzc_pipelines.sources.registry import load_sources

SPECS = load_sources()
WORLD = World()
OVER_HTTP = [
    name
    for name, spec in SPECS.items()
    if spec.connector.kind not in {"spool", "deposit"}
]


def connector(**changes: Any) -> HttpFileConnector:
    values = {"kind": "http_file", "path": "data/perimetre.csv"}
    return HttpFileConnector.model_validate(values | changes)


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[HttpClient]:
    target = Target("town_hall", httpserver.url_for("/open"), "https://a.fr/", 1.0)
    with HttpClient(target, Limits(attempts=2), sleep=lambda _: None) as client:
        yield client


def test_the_file_is_one_page(httpserver: HTTPServer, service: HttpClient) -> None:
    httpserver.expect_request("/open/data/perimetre.csv").respond_with_data(b"a;b\n")
    (only,) = pages(connector(), service, {})
    assert (only.name, only.suffix, only.answer.body) == ("file", "csv", b"a;b\n")


def test_the_query_of_the_source_is_sent(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    query = {"format": "geojson", "fields": "code,nom"}
    httpserver.expect_request("/open/communes", query_string=query).respond_with_data(
        b"{}"
    )
    (only,) = pages(connector(path="communes", query=query), service, {})
    assert (only.suffix, only.answer.body) == ("bin", b"{}")


def test_each_part_is_a_page_of_its_own(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    held = {"If-None-Match": '"2"'}
    httpserver.expect_request("/open/2023/x.csv").respond_with_data(b"a\n1\n")
    httpserver.expect_request("/open/2024/x.csv", headers=held).respond_with_data(
        status=304
    )
    yearly = connector(path="{part}/x.csv", parts=("2023", "2024"))
    known = {"2024": KnownPage("0", None, '"2"')}
    first, second = pages(yearly, service, known)
    assert (first.name, first.suffix, first.answer.body) == ("2023", "csv", b"a\n1\n")
    assert (second.name, second.answer.not_modified) == ("2024", True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "{part}.csv"}, "give {part} where parts are given"),
        ({"parts": ("2023",)}, "give {part} where parts are given"),
        ({"path": "{part}.csv", "parts": ("2023", "2023")}, "one is there twice"),
        ({"path": "{part}.csv", "parts": ("../x",)}, "should match pattern"),
    ],
)
def test_parts_and_their_place_go_together(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        connector(**changes)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty file"),
        (b" \r\n\t\n", "an empty file"),
        (b"<!DOCTYPE html><html></html>", "an HTML page instead of the file"),
        (b"\n<html lang='fr'>", "an HTML page instead of the file"),
    ],
)
def test_what_is_no_file_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    httpserver.expect_request("/open/data/perimetre.csv").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason} \(gave up after 2") as error:
        list(pages(connector(), service, {}))
    assert not error.value.permanent


def test_an_absent_file_is_refused_at_once(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request("/open/data/perimetre.csv").respond_with_data(status=404)
    with pytest.raises(FetchError, match=r"town_hall: .*perimetre.csv: HTTP 404"):
        list(pages(connector(), service, {}))
    assert service.requests == 1


def test_a_held_file_is_not_sent_again(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    held = {"If-None-Match": '"1"'}
    httpserver.expect_request(
        "/open/data/perimetre.csv", headers=held
    ).respond_with_data(status=304)
    known = {"file": KnownPage("0", None, '"1"')}
    (only,) = pages(connector(), service, known)
    assert only.answer.not_modified


@pytest.mark.parametrize("base_url", ["https://a.fr", "https://a.fr/"])
@pytest.mark.parametrize("path", ["x.csv", "/x.csv"])
def test_a_path_is_below_its_endpoint(base_url: str, path: str) -> None:
    assert at(base_url, path) == "https://a.fr/x.csv"


# What holds for every packaged source, by the connector that its kind names.


@pytest.fixture(scope="module")
def overrides() -> Iterator[dict[str, str]]:
    app = create_app(WORLD)
    with RunningSandbox(app) as url:
        for endpoint in endpoint_overrides(url):
            app.state.faults.plan(endpoint, "html_200", 1000)
        yield endpoint_overrides(url)


@pytest.fixture(scope="module")
def consents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a source needs before anybody's meter is asked for."""
    (written,) = write_consents(tmp_path_factory.mktemp("data"), seed=2040)
    return written


@pytest.mark.parametrize("source_id", OVER_HTTP)
def test_no_source_takes_a_maintenance_page_for_data(
    overrides: dict[str, str], consents: Path, source_id: str
) -> None:
    spec = SPECS[source_id]
    if spec.is_daily:
        spec = spec.for_day(date(2026, 3, 1))
    target = Target(
        spec.endpoint,
        overrides[spec.endpoint],
        "https://a.fr/",
        1.0,
        consents=consents,
    )
    with (
        HttpClient(target, Limits(attempts=2), sleep=lambda _: None) as client,
        pytest.raises(FetchError, match=rf"{spec.endpoint}: .*an HTML page instead of"),
    ):
        list(registry.pages(spec, client, {}))


def test_a_file_may_declare_its_own_bound() -> None:
    spec = SPECS["dgcl_epci_perimeter"].model_copy(
        update={"connector": connector(max_megabytes=3)}
    )
    assert registry.limits(spec).max_bytes == 3_000_000


def test_paged_sources_have_the_common_bound() -> None:
    assert registry.limits(SPECS["yelo_bike_stations"]) == Limits()
