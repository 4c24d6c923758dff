"""Pages of a WFS: axes, totals, exception reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.wfs import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.parsers.json_records import parse_geojson
from lrtzc_pipelines.sandbox.protocols import wfs as sandbox
from lrtzc_pipelines.sources.protocols import WfsConnector

REAL = Path(__file__).parents[4] / "shared" / "real"
real_data = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]

BOX = (-1.3, 46.0, -0.9, 46.3)
URN, SHORT = "urn:ogc:def:crs:EPSG::4326", "EPSG:4326"
TYPE = {"kind": "wfs", "type_name": "farm:fields", "sort_by": "id"}


def place(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def rows(count: int) -> list[dict[str, Any]]:
    """Fields in the box, in another order than that of their ids."""
    return [
        {"id": 100 - n, "crop": "BTH", "geometry": json.dumps(place(-1.1, 46 + n / 50))}
        for n in range(count)
    ]


def mounted(httpserver: HTTPServer, found: list[dict[str, Any]]) -> Mounted:
    table = table_of(found, TYPE, {"kind": "geojson"})
    return Mounted(httpserver, {"fields": table}, sandbox.answer)


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None, **changes: Any
) -> list[Page]:
    connector = WfsConnector.model_validate(TYPE | {"page_size": 4} | changes)
    with client:
        return list(pages(connector, client, known or {}))


def ids(found: list[Page]) -> list[int]:
    return [
        feature["properties"]["id"]
        for page in found
        for feature in json.loads(page.answer.body)["features"]
    ]


def collection(features: list[Any], **envelope: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features, **envelope}


def feature(number: int, geometry: object = None) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": f"fields.{number}",
        "properties": {"id": number},
        "geometry": geometry,
    }


@pytest.fixture
def service(httpserver: HTTPServer) -> HttpClient:
    """A client of a service whose answers a test prepares."""
    return client_of(httpserver.url_for("/wfs/ows"))


def test_every_feature_comes_once_in_the_order_of_its_key(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver, rows(10))
    found = read(client_of(service.base_url))
    assert ids(found) == list(range(91, 101))
    assert [page.name for page in found] == ["offset-0", "offset-4", "offset-8"]
    assert [page.items for page in found] == [4, 4, 2]
    assert {page.announced_total for page in found} == {10}
    assert service.questions[0].query["sortBy"] == "id"


@pytest.mark.parametrize(
    ("srs", "sent"),
    [
        (URN, f"46.0,-1.3,46.3,-0.9,{URN}"),
        (SHORT, f"-1.3,46.0,-0.9,46.3,{SHORT}"),
        ("CRS:84", "-1.3,46.0,-0.9,46.3,CRS:84"),
    ],
)
def test_a_box_is_sent_in_the_axis_order_of_its_system(
    httpserver: HTTPServer, srs: str, sent: str
) -> None:
    outside = {"id": 1, "crop": "ORH", "geometry": json.dumps(place(2.3, 48.8))}
    service = mounted(httpserver, [*rows(3), outside])
    found = read(client_of(service.base_url), srs=srs, bbox=BOX)
    assert service.questions[0].query["bbox"] == sent
    assert ids(found) == [98, 99, 100]


def test_a_service_may_give_fewer_features_at_once_than_asked(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "CAP", 3)
    service = mounted(httpserver, rows(7))
    assert [p.items for p in read(client_of(service.base_url))] == [3, 3, 1]


def test_with_an_unknown_total_a_page_without_features_is_the_end(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    for page in ([feature(1), feature(2)], []):
        httpserver.expect_ordered_request("/wfs/ows").respond_with_json(
            collection(page, numberMatched="unknown")
        )
    (only,) = read(service)
    assert (only.items, only.announced_total) == (2, None)
    assert service.requests == 2


def test_an_empty_type_is_one_page_without_features(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, rows(3))
    (only,) = read(client_of(service.base_url), bbox=(8.0, 42.0, 9.0, 43.0))
    assert (only.name, only.items, only.announced_total) == ("offset-0", 0, 0)


def test_held_pages_are_counted_without_their_bodies(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request(
        "/wfs/ows", headers={"If-None-Match": '"held"'}
    ).respond_with_data(status=304)
    httpserver.expect_request("/wfs/ows").respond_with_json(
        collection([], numberMatched=3)
    )
    found = read(service, {"offset-0": KnownPage("0", 3, '"held"')})
    assert [(p.items, p.answer.not_modified) for p in found] == [(3, True)]


@pytest.mark.parametrize("total", [1, 5])
def test_another_number_of_features_than_announced_may_pass(
    httpserver: HTTPServer, service: HttpClient, total: int
) -> None:
    httpserver.expect_ordered_request("/wfs/ows").respond_with_json(
        collection([feature(1), feature(2)], numberMatched=total)
    )
    httpserver.expect_ordered_request("/wfs/ows").respond_with_json(
        collection([], numberMatched=total)
    )
    with pytest.raises(FetchError, match=rf"2 .*{total} announced") as error:
        read(service)
    assert not error.value.permanent


def test_a_service_that_ignores_the_offset_is_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    # Two times two features are the four announced: the sum alone would pass.
    httpserver.expect_request("/wfs/ows").respond_with_json(
        collection([feature(1), feature(2)], numberMatched=4)
    )
    with pytest.raises(FetchError, match="has the records of page 1"):
        read(service)


def test_pages_in_an_order_that_is_no_key_are_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    for page in ([feature(1), feature(2)], [feature(2), feature(3)]):
        httpserver.expect_ordered_request("/wfs/ows").respond_with_json(
            collection(page, numberMatched=4)
        )
    with pytest.raises(FetchError, match="overlap"):
        read(service)


def test_a_page_that_lost_features_is_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request("/wfs/ows").respond_with_json(
        collection([feature(1)], numberMatched=2, numberReturned=2)
    )
    with pytest.raises(FetchError, match="1 features in a page of 2"):
        read(service)


AREA = [[-1.2, 46.1], [-1.1, 46.1], [-1.1, 46.2], [-1.2, 46.1]]


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        place(-1.1, 46.1),
        {"type": "Point", "coordinates": [-1.1, 46.1, 0.0]},
        {"type": "Polygon", "coordinates": [AREA]},
        {"type": "MultiPolygon", "coordinates": [[AREA]]},
        {"type": "GeometryCollection", "geometries": [place(-1.1, 46.1)]},
        {"type": "LineString", "coordinates": [[-8.0, 46.1], [6.0, 46.1]]},
        {"type": "Polygon", "coordinates": []},
    ],
)
def test_features_in_or_across_the_box_are_taken(
    httpserver: HTTPServer, service: HttpClient, geometry: object
) -> None:
    httpserver.expect_request("/wfs/ows").respond_with_json(
        collection([feature(1, geometry)], numberMatched=1)
    )
    assert len(read(service, bbox=BOX)) == 1


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (place(46.1, -1.1), "feature 2 .* far outside.*axes are latitude, longitude"),
        (
            {"type": "MultiPolygon", "coordinates": [[[[46.1, -1.2], [46.2, -1.1]]]]},
            "axes are latitude, longitude",
        ),
        (
            {"type": "GeometryCollection", "geometries": [place(46.1, -1.1)]},
            "axes are latitude, longitude",
        ),
        (place(2.35, 48.85), r"feature 2 of a page is far outside the asked box$"),
        (place(379000.0, 6570000.0), "feature 2 of a page is not in degrees"),
        (place(1e308, 46.0), "not in degrees"),
    ],
)
def test_features_far_from_the_box_are_refused(
    httpserver: HTTPServer, service: HttpClient, geometry: object, reason: str
) -> None:
    page = collection(
        [feature(1, place(-1.1, 46.1)), feature(2, geometry)], numberMatched=2
    )
    httpserver.expect_request("/wfs/ows").respond_with_json(page)
    with pytest.raises(FetchError, match=reason) as error:
        read(service, bbox=BOX)
    assert error.value.permanent
    assert "town_hall: type farm:fields: " in str(error.value)
    # Places are contents of rows.
    assert "46.1" not in str(error.value)


def test_other_systems_than_degrees_are_not_compared(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request("/wfs/ows").respond_with_json(
        collection([feature(1, place(379000.0, 6570000.0))], numberMatched=1)
    )
    assert len(read(service, srs="EPSG:2154")) == 1


def report(code: str, text: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ows:ExceptionReport version="2.0.0">'
        f'<ows:Exception exceptionCode="{code}"><ows:ExceptionText>{text}'
        "</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
    )


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        ("InvalidParameterValue", True),
        ("MissingParameterValue", True),
        ("OperationNotSupported", True),
        ("NoApplicableCode", False),
        ("OperationProcessingFailed", False),
    ],
)
def test_an_exception_report_inside_http_200_is_a_failure(
    httpserver: HTTPServer, service: HttpClient, code: str, *, permanent: bool
) -> None:
    httpserver.expect_request("/wfs/ows").respond_with_data(
        report(code, "no\n  such thing"), content_type="application/xml"
    )
    with pytest.raises(FetchError, match=f"reports {code}: no such thing") as error:
        read(service)
    assert error.value.permanent is permanent
    assert service.requests == 1


def test_an_unknown_type_or_order_is_told(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, rows(3))
    with pytest.raises(FetchError, match=r"InvalidParameterValue.*sea:fields unknown"):
        read(client_of(service.base_url), type_name="sea:fields")
    with pytest.raises(FetchError, match="Illegal property name: size"):
        read(client_of(service.base_url), sort_by="size")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": {}},
        {"type": "FeatureCollection", "features": [1]},
        {"type": "Feature", "features": []},
    ],
)
def test_what_is_no_collection_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    httpserver.expect_request("/wfs/ows").respond_with_json(answer)
    with pytest.raises(FetchError, match=r"expected a JSON object|FeatureCollection"):
        read(service)


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    httpserver.expect_request("/wfs/ows").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2") as error:
        read(service)
    assert not error.value.permanent


@pytest.mark.parametrize(
    "changes",
    [
        {"bbox": BOX, "cql_filter": "crop = 'BTH'"},
        {"bbox": BOX, "srs": "EPSG:2154"},
        {"bbox": (46.0, -1.3, 46.3, -0.9), "srs": "nonsense"},
        {"bbox": (-0.9, 46.0, -1.3, 46.3)},
        {"bbox": (-1.3, 146.0, -0.9, 146.3)},
    ],
)
def test_filters_that_no_service_takes_do_not_load(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="bbox"):
        WfsConnector.model_validate(TYPE | changes)


class TestRealData:
    """Answers of the IGN, and files of La Rochelle as if a WFS sent them."""

    pytestmark = real_data

    def test_answers_of_the_ign_are_read(
        self, httpserver: HTTPServer, service: HttpClient
    ) -> None:
        body = (REAL / "ign_wfs" / "apicarto_parcelle.json").read_bytes()
        httpserver.expect_request("/wfs/ows").respond_with_data(body)
        (page,) = read(service, bbox=(1.5, 47.3, 2.3, 47.8))
        frame = parse_geojson(page.answer.body, "parcelle")
        assert frame.height == page.items == page.announced_total == 1
        assert {"code_insee", "geometry"} <= set(frame.columns)

    def test_an_empty_answer_of_the_ign_is_an_empty_page(
        self, httpserver: HTTPServer, service: HttpClient
    ) -> None:
        body = (REAL / "ign_wfs" / "apicarto_parcelle_empty.json").read_bytes()
        httpserver.expect_request("/wfs/ows").respond_with_data(body)
        (page,) = read(service)
        assert (page.items, page.announced_total) == (0, 0)

    def test_the_capabilities_name_the_fields_of_the_land_parcels_source(self) -> None:
        text = (REAL / "ign_wfs" / "geopf_wfs_getcapabilities.xml").read_text("utf-8")
        start = text.index("<Name>RPG.LATEST:parcelles_graphiques</Name>")
        described = text[start : text.index("</FeatureType>", start)]
        assert f"<DefaultCRS>{URN}</DefaultCRS>" in described

    @pytest.mark.parametrize("turned", [False, True])
    def test_real_shapes_pass_in_their_box_and_not_with_turned_axes(
        self, httpserver: HTTPServer, service: HttpClient, *, turned: bool
    ) -> None:
        files = sorted((REAL / "larochelle_geojson").glob("*.geojson"))
        found = [
            one
            for path in files
            for one in json.loads(path.read_text("utf-8"))["features"]
        ]
        assert len(found) > 1000
        for number, one in enumerate(found):
            one["id"] = f"shape.{number}"
            if turned:
                one["geometry"] = _turned(one["geometry"])
        httpserver.expect_request("/wfs/ows").respond_with_json(
            collection(found, numberMatched=len(found))
        )
        if turned:
            with pytest.raises(FetchError, match="axes are latitude, longitude"):
                read(service, bbox=BOX)
        else:
            (page,) = read(service, bbox=BOX)
            assert page.items == len(found)


def _turned(value: Any) -> Any:
    """A geometry with the first two numbers of each position exchanged."""
    if isinstance(value, dict):
        return {name: _turned(inner) for name, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], int | float):
        return [value[1], value[0], *value[2:]]
    if isinstance(value, list):
        return [_turned(inner) for inner in value]
    return value
