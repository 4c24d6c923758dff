"""The real pystac-client against a small STAC API on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from items import AREA, cdse
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.imagery.scenes import CatalogError, SceneQuery, newest_versions
from lrtzc_pipelines.imagery.stac_catalog import StacCatalog

QUERY = SceneQuery(
    AREA,
    datetime(2026, 4, 1, tzinfo=UTC),
    datetime(2026, 4, 30, tzinfo=UTC),
    tile="30TXS",
)
ITEMS = [cdse(f"202604{day:02}") for day in (1, 4, 6, 9, 11)]


class Api:
    """What a catalogue answers; `asked` are the questions."""

    def __init__(self, server: HTTPServer) -> None:
        self.server, self.items, self.page = server, list(ITEMS), 2
        self.asked: list[dict[str, Any]] = []
        self.next_href: str | None = None
        self.before: Callable[[], Response | None] = lambda: None
        server.expect_request("/stac").respond_with_handler(self.root)
        server.expect_request("/stac/search", "POST").respond_with_handler(self.search)

    def root(self, _: Request) -> Response:
        href = self.server.url_for("/stac")
        document = {
            "type": "Catalog",
            "id": "sandbox",
            "description": "Scenes",
            "stac_version": "1.1.0",
            "conformsTo": [
                "https://api.stacspec.org/v1.0.0/core",
                "https://api.stacspec.org/v1.0.0/item-search",
                "https://api.stacspec.org/v1.0.0/item-search#query",
            ],
            "links": [
                {"rel": "self", "href": href},
                {"rel": "root", "href": href},
                {
                    "rel": "search",
                    "type": "application/geo+json",
                    "href": f"{href}/search",
                    "method": "POST",
                },
            ],
        }
        return Response(json.dumps(document), mimetype="application/json")

    def search(self, request: Request) -> Response:
        if (answer := self.before()) is not None:
            return answer
        asked = request.get_json()
        self.asked.append(asked)
        start = int(asked.get("token", 0))
        links = []
        if start + self.page < len(self.items):
            href = self.next_href or self.server.url_for("/stac/search")
            body = asked | {"token": str(start + self.page)}
            links = [{"rel": "next", "href": href, "method": "POST", "body": body}]
        document = {
            "type": "FeatureCollection",
            "features": self.items[start : start + self.page],
            "links": links,
        }
        return Response(json.dumps(document), mimetype="application/geo+json")


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def catalog(api: Api) -> StacCatalog:
    address = api.server.url_for("/stac")
    return StacCatalog(Target("cdse_stac", address, address, 2.0), backoff=0.01)


def test_scenes_of_every_page_come_back(api: Api, catalog: StacCatalog) -> None:
    scenes = catalog.search(QUERY)
    assert [scene.id for scene in scenes] == [item["id"] for item in ITEMS]
    assert {scene.catalog for scene in scenes} == {"cdse_stac"}
    assert len(api.asked) == 3
    assert api.asked[0]["collections"] == ["sentinel-2-l2a"]
    assert api.asked[0]["intersects"] == AREA


def test_what_a_catalogue_cannot_be_asked_is_looked_at_here(
    api: Api, catalog: StacCatalog
) -> None:
    api.items += [
        cdse("20260414", tile="30TXR"),
        cdse("20260416", cloud=80.0),
        cdse("20260501"),
    ]
    query = replace(QUERY, max_cloud_cover=60.0)
    assert len(catalog.search(query)) == len(ITEMS)
    assert api.asked[0]["query"] == {"eo:cloud_cover": {"lte": 60.0}}


def test_only_what_was_published_since_is_asked_for(
    api: Api, catalog: StacCatalog
) -> None:
    late = cdse("20260401", baseline="0512", published="2026-06-01T00:00:00Z")
    api.items.append(late)
    since = datetime(2026, 5, 1, tzinfo=UTC)
    query = replace(QUERY, published_after=since)
    assert [scene.id for scene in catalog.search(query)] == [late["id"]]
    assert api.asked[0]["query"]["published"] == {"gt": "2026-05-01T00:00:00+00:00"}
    shy = replace(catalog, tells_published=False)
    assert [scene.id for scene in shy.search(query)] == [late["id"]]
    assert "published" not in api.asked[-1]["query"]


def test_a_later_processing_replaces_an_earlier_one(
    api: Api, catalog: StacCatalog
) -> None:
    again = cdse("20260404", baseline="0512", made="090000")
    api.items.insert(0, again)
    found = newest_versions(catalog.search(QUERY))
    assert len(found) == len(ITEMS)
    assert found[1].id == again["id"]


def test_no_scene_is_an_answer(api: Api, catalog: StacCatalog) -> None:
    api.items = []
    assert catalog.search(QUERY) == []


@pytest.mark.parametrize(
    "broken",
    [
        Response("<html>Maintenance</html>", mimetype="text/html"),
        Response("[]", mimetype="application/json"),
        Response('{"type": "FeatureCollection"}', mimetype="application/json"),
        Response("nope", 403),
        Response("away", 302, {"Location": "/stac/elsewhere"}),
    ],
    ids=["html", "list", "no features", "forbidden", "redirect"],
)
def test_a_broken_catalogue_is_an_error_and_not_no_scene(
    api: Api, catalog: StacCatalog, broken: Response
) -> None:
    api.before = lambda: broken
    with pytest.raises(CatalogError, match="cdse_stac: "):
        catalog.search(QUERY)


def test_what_passes_is_tried_again(api: Api, catalog: StacCatalog) -> None:
    answers = [Response("", 503, {"Retry-After": "0"}), Response("", 502)]
    api.before = lambda: answers.pop() if answers else None
    assert len(catalog.search(QUERY)) == len(ITEMS)


def test_what_does_not_pass_ends(api: Api, catalog: StacCatalog) -> None:
    api.before = lambda: Response("", 503)
    with pytest.raises(CatalogError, match="503"):
        catalog.search(QUERY)


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("http://169.254.169.254/latest", "refused to leave"),
        ("https://127.0.0.2/search", "private address"),
        ("/etc/passwd", "no web address"),
        ("file:///etc/passwd", "no web address"),
    ],
)
def test_a_next_page_leads_nowhere_private(
    api: Api, catalog: StacCatalog, href: str, reason: str
) -> None:
    api.next_href = href
    with pytest.raises(CatalogError, match=reason):
        catalog.search(QUERY)
    assert len(api.asked) == 1


def test_nobody_is_asked_without_a_contact() -> None:
    address = "https://stac.dataspace.copernicus.eu/v1/"
    with pytest.raises(SettingsError, match="LRTZC_CONTACT"):
        StacCatalog(Target("cdse_stac", address, address, 2.0)).search(QUERY)
