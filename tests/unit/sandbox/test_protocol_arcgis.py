"""The sandbox's ArcGIS layer: limits, orders, errors inside HTTP 200."""

from __future__ import annotations

from typing import Any

import pytest
from protocol_tables import document, get, table

from lrtzc_pipelines.sandbox.protocols.arcgis import MAX_RECORD_COUNT, answer

LAYER = {"kind": "arcgis", "path": "ind/FeatureServer/0", "order_by": "zone"}
FORM = {"kind": "json", "records": "features", "flatten": True}
ROWS = [
    {"attributes.zone": "17300", "attributes.quality": 2},
    {"attributes.zone": "17028", "attributes.quality": None},
    {"attributes.zone": "17274", "attributes.quality": 2},
]
TABLES = {"index": table(ROWS, LAYER, FORM)}
QUERY = {"where": "1=1", "outFields": "*", "f": "json"}


def ask(**changes: str) -> Any:
    question = get("ind/FeatureServer/0/query", **(QUERY | changes))
    return document(answer(TABLES, question))


def zones(found: Any) -> list[str]:
    return [feature["attributes"]["zone"] for feature in found["features"]]


def test_attributes_keep_their_nulls_and_have_an_object_id() -> None:
    found = ask()
    assert found["objectIdFieldName"] == "OBJECTID"
    assert found["features"][1] == {
        "attributes": {"OBJECTID": 2, "zone": "17028", "quality": None}
    }
    assert "exceededTransferLimit" not in found


def test_features_are_counted() -> None:
    assert ask(returnCountOnly="true") == {"count": 3}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("zone", ["17028", "17274", "17300"]),
        ("zone DESC", ["17300", "17274", "17028"]),
        ("quality,zone", ["17274", "17300", "17028"]),
    ],
)
def test_several_fields_order_a_layer(order: str, expected: list[str]) -> None:
    assert zones(ask(orderByFields=order)) == expected


def test_a_page_says_that_others_follow() -> None:
    first = ask(orderByFields="zone", resultRecordCount="2")
    last = ask(orderByFields="zone", resultRecordCount="2", resultOffset="2")
    assert zones(first) + zones(last) == ["17028", "17274", "17300"]
    assert first["exceededTransferLimit"] is True
    assert "exceededTransferLimit" not in last


def test_pages_are_cut_at_the_limit_of_the_layer() -> None:
    rows = [{"attributes.zone": str(n)} for n in range(MAX_RECORD_COUNT + 1)]
    question = get("ind/FeatureServer/0/query", **QUERY, resultRecordCount="2000")
    found = document(answer({"index": table(rows, LAYER, FORM)}, question))
    assert len(found["features"]) == MAX_RECORD_COUNT
    assert found["exceededTransferLimit"] is True


@pytest.mark.parametrize(
    "changes",
    [
        {"f": "html"},
        {"where": "1=2"},
        {"orderByFields": "size"},
        {"resultOffset": "-1"},
        {"resultRecordCount": "all"},
    ],
)
def test_an_error_has_http_200(changes: dict[str, str]) -> None:
    assert ask(**changes)["error"]["code"] == 400


def test_the_layer_says_when_it_was_edited() -> None:
    found = document(answer(TABLES, get("ind/FeatureServer/0", f="json")))
    assert isinstance(found["editingInfo"]["lastEditDate"], int)


def test_other_paths_are_not_served() -> None:
    assert answer(TABLES, get("ind/FeatureServer/1/query", **QUERY)) is None
