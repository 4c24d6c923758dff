"""The sandbox's WFS: axes, caps and exception reports as GeoServer has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from protocol_tables import document, get, table

from lrtzc_pipelines.sandbox.protocols.wfs import CAP, answer
from lrtzc_pipelines.sandbox.service import Answer

URN = "urn:ogc:def:crs:EPSG::4326"
WFS = {"kind": "wfs", "type_name": "farm:fields", "sort_by": "id"}
FILTERED = WFS | {"cql_filter": "crop = 'BTH'"}
FORM = {"kind": "geojson"}
QUERY = {
    "SERVICE": "WFS",
    "request": "GetFeature",
    "typeNames": "farm:fields",
    "outputFormat": "application/json",
}


def point(longitude: float, latitude: float) -> str:
    return json.dumps({"type": "Point", "coordinates": [longitude, latitude]})


HERE = {"id": 2, "crop": "BTH", "geometry": point(-1.1, 46.1)}
ELSEWHERE = {"id": 1, "crop": "ORH", "geometry": point(2.3, 48.8)}
NOWHERE = {"id": 3, "crop": None, "geometry": None}
TABLES = {"fields": table([HERE, ELSEWHERE, NOWHERE], WFS, FORM)}


def ask(**changes: str | None) -> Answer | None:
    query = {name: value for name, value in (QUERY | changes).items() if value}
    return answer(TABLES, get("", **query))


def ids(found: Any) -> list[int]:
    return [feature["properties"]["id"] for feature in found["features"]]


def test_a_feature_has_an_id_properties_and_a_geometry() -> None:
    found = document(ask(sortBy="id", count="2"))
    assert ids(found) == [1, 2]
    assert (found["numberMatched"], found["numberReturned"]) == (3, 2)
    assert found["features"][1] == {
        "type": "Feature",
        "id": "fields.1",
        "geometry": {"type": "Point", "coordinates": [-1.1, 46.1]},
        "properties": {"id": 2, "crop": "BTH"},
    }


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (f"46,-1.3,46.3,-0.9,{URN}", [2]),
        ("-1.3,46,-0.9,46.3,EPSG:4326", [2]),
        # The trap: axes in the other order find nothing, and say nothing.
        (f"-1.3,46,-0.9,46.3,{URN}", []),
    ],
)
def test_a_box_is_read_in_the_order_of_its_system(
    box: str, expected: list[int]
) -> None:
    found = document(ask(bbox=box))
    assert ids(found) == expected
    assert found["numberMatched"] == len(expected)


def test_an_order_may_be_reversed_and_blanks_have_a_place() -> None:
    assert ids(document(ask(sortBy="id DESC"))) == [3, 2, 1]
    assert ids(document(ask(sortBy="crop"))) == [2, 1, 3]


def test_pages_are_cut_at_the_cap() -> None:
    rows = [{"id": n, "geometry": None} for n in range(CAP + 5)]
    many = {"fields": table(rows, WFS, FORM)}
    query = QUERY | {"count": "5000", "sortBy": "id", "startIndex": "3"}
    found = document(answer(many, get("", **query)))
    assert found["numberReturned"] == len(found["features"]) == CAP
    assert ids(found)[0] == 3


def test_a_declared_filter_leads_to_its_own_table() -> None:
    both = TABLES | {"filtered": table([HERE], FILTERED, FORM, "town_others")}
    query = QUERY | {"cql_filter": "crop = 'BTH'"}
    assert ids(document(answer(both, get("", **query)))) == [2]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SERVICE": None}, "MissingParameterValue"),
        ({"request": "Transaction"}, "OperationNotSupported"),
        ({"outputFormat": "application/gml+xml"}, "InvalidParameterValue"),
        ({"typeNames": "sea:fields"}, "InvalidParameterValue"),
        ({"sortBy": "size"}, "InvalidParameterValue"),
        ({"count": "all"}, "InvalidParameterValue"),
        ({"bbox": "1,2,3,EPSG:4326"}, "InvalidParameterValue"),
        ({"bbox": "a,b,c,d,EPSG:4326"}, "InvalidParameterValue"),
        ({"bbox": "1,2,3,4,EPSG:2154"}, "InvalidParameterValue"),
        ({"cql_filter": "crop = 'nonsense'"}, "InvalidParameterValue"),
        ({"cql_filter": "a", "bbox": "1,2,3,4,EPSG:4326"}, "NoApplicableCode"),
        ({"startIndex": "1"}, "NoApplicableCode"),
    ],
)
def test_a_refusal_is_a_report_with_http_200(
    changes: dict[str, str | None], code: str
) -> None:
    refused = ask(**changes)
    assert refused is not None
    assert (refused.status, refused.media_type) == (200, "application/xml")
    assert f'exceptionCode="{code}"'.encode() in refused.body


def test_other_paths_are_not_served() -> None:
    assert answer(TABLES, get("elsewhere", **QUERY)) is None
