"""Pages of an ArcGIS layer: counts, transfer limits, errors inside HTTP 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.arcgis import mark, pages
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.parsers.json_records import parse_json
from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.protocols import arcgis as sandbox
from lrtzc_pipelines.sources.formats import JsonFormat
from lrtzc_pipelines.sources.protocols import ArcgisConnector

REAL = Path(__file__).parents[4] / "shared" / "real"
LAYER = {
    "kind": "arcgis",
    "path": "ind/FeatureServer/0",
    "order_by": "date_ech,code_zone",
}
FORM = {"kind": "json", "records": "features", "flatten": True}


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "attributes.date_ech": 1_762_574_400_000 + 86_400_000 * (n % 2),
            "attributes.code_zone": f"17{900 - n}",
            "attributes.code_qual": None if n == 0 else n % 6,
        }
        for n in range(count)
    ]


def mounted(httpserver: HTTPServer, count: int) -> Mounted:
    table = table_of(rows(count), LAYER, FORM)
    return Mounted(httpserver, {"index": table}, sandbox.answer)


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None, **changes: Any
) -> list[Page]:
    connector = ArcgisConnector.model_validate(LAYER | {"page_size": 4} | changes)
    with client:
        return list(pages(connector, client, known or {}))


def marked(client: HttpClient, **changes: Any) -> str | None:
    with client:
        return mark(ArcgisConnector.model_validate(LAYER | changes), client)


def attributes(found: list[Page]) -> list[dict[str, Any]]:
    return [
        feature["attributes"]
        for page in found
        for feature in json.loads(page.answer.body)["features"]
    ]


@pytest.fixture
def service(httpserver: HTTPServer) -> HttpClient:
    return client_of(httpserver.url_for("/arcgis/"))


def answers(httpserver: HTTPServer, *documents: object, count: object = 2) -> None:
    """A layer that counts so many features and plays these pages."""
    left = list(documents)

    def respond(request: Request) -> Response:
        if request.args.get("returnCountOnly"):
            return Response(json.dumps({"count": count}))
        return Response(json.dumps(left.pop(0) if left[1:] else left[0]))

    httpserver.expect_request(f"/arcgis/{LAYER['path']}/query").respond_with_handler(
        respond
    )


def features(*numbers: int, **envelope: Any) -> dict[str, Any]:
    found = [{"attributes": {"OBJECTID": n}} for n in numbers]
    return {"objectIdFieldName": "OBJECTID", "features": found, **envelope}


def test_every_feature_comes_once_in_the_order_asked(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 10)
    found = read(client_of(service.base_url))
    keys = [(one["date_ech"], one["code_zone"]) for one in attributes(found)]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == 10
    assert [page.name for page in found] == ["offset-0", "offset-4", "offset-8"]
    assert {page.announced_total for page in found} == {10}
    assert len(service.questions) == 4


def test_dates_stay_numbers_and_absent_codes_null(httpserver: HTTPServer) -> None:
    (page,) = read(client_of(mounted(httpserver, 3).base_url))
    frame = parse_json(page.answer.body, "index", JsonFormat.model_validate(FORM))
    assert set(frame["attributes.date_ech"]) == {"1762574400000", "1762660800000"}
    assert frame["attributes.code_qual"].null_count() == 1


def test_a_layer_may_give_fewer_features_at_once_than_asked(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "MAX_RECORD_COUNT", 3)
    service = mounted(httpserver, 7)
    assert [p.items for p in read(client_of(service.base_url))] == [3, 3, 1]


def test_an_empty_layer_is_one_page_without_features(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, features(), count=0)
    (only,) = read(service)
    assert (only.items, only.announced_total) == (0, 0)


def test_a_key_goes_in_a_header(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    read(client_of(service.base_url, key="s3cret"))
    sent = [question.headers["x-esri-authorization"] for question in service.questions]
    assert sent == ["Bearer s3cret"] * 2
    assert not any("s3cret" in str(question.query) for question in service.questions)


def test_held_pages_are_counted_without_their_bodies(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    httpserver.expect_request(
        f"/arcgis/{LAYER['path']}/query", headers={"If-None-Match": '"held"'}
    ).respond_with_data(status=304)
    answers(httpserver, features(), count=2)
    (page,) = read(service, {"offset-0": KnownPage("0", 2, '"held"')})
    assert (page.items, page.answer.not_modified) == (2, True)


@pytest.mark.parametrize(
    ("found", "count"),
    [
        ([features(1), features()], 2),
        ([features(1, 2, 3)], 2),
        ([features(1, 2, exceededTransferLimit=True), features(3)], 2),
    ],
)
def test_another_number_of_features_than_counted_may_pass(
    httpserver: HTTPServer, service: HttpClient, found: list[object], count: int
) -> None:
    answers(httpserver, *found, count=count)
    with pytest.raises(FetchError, match=rf"received, {count} announced") as error:
        read(service)
    assert not error.value.permanent


def test_a_layer_that_ignores_the_offset_is_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, features(1, 2, exceededTransferLimit=True), count=4)
    with pytest.raises(FetchError, match="has the records of page 1"):
        read(service)


def test_pages_that_overlap_are_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, features(1, 2), features(2, 3), count=4)
    with pytest.raises(FetchError, match="overlap"):
        read(service)


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(400, True), (498, True), (499, True), (500, False), (504, False), (429, False)],
)
def test_an_error_inside_http_200_is_one(
    httpserver: HTTPServer, service: HttpClient, code: int, *, permanent: bool
) -> None:
    error = {"error": {"code": code, "message": "Invalid URL", "details": ["x"]}}
    httpserver.expect_request(f"/arcgis/{LAYER['path']}/query").respond_with_json(error)
    with pytest.raises(FetchError, match=f"reports error {code}: Invalid URL") as found:
        read(service)
    assert found.value.permanent is permanent


def test_a_refused_condition_or_order_is_told(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    with pytest.raises(FetchError, match="error 400"):
        read(client_of(service.base_url), where="nonsense")
    with pytest.raises(FetchError, match="error 400"):
        read(client_of(service.base_url), order_by="nonsense")


@pytest.mark.parametrize(
    "answer",
    [{}, {"features": None}, {"features": [1]}, {"features": [{"geometry": None}]}],
)
def test_what_is_no_feature_set_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    answers(httpserver, answer)
    with pytest.raises(FetchError, match="no features with attributes"):
        read(service)


def test_a_layer_that_does_not_count_is_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, features(1), count=None)
    with pytest.raises(FetchError, match="does not count"):
        read(service)


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    httpserver.expect_request(f"/arcgis/{LAYER['path']}/query").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2") as error:
        read(service)
    assert not error.value.permanent


def test_the_mark_changes_with_the_last_edit_and_with_the_question(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = mounted(httpserver, 3)
    first = marked(client_of(service.base_url))
    assert first is not None
    assert marked(client_of(service.base_url)) == first
    assert len(service.questions) == 2
    assert marked(client_of(service.base_url), where="code_qual > 3") != first
    monkeypatch.setattr(sandbox, "published_at", lambda _: AS_OF)
    assert marked(client_of(service.base_url)) != first


def test_a_condition_on_the_present_has_no_mark(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    now = "date_ech >= CURRENT_TIMESTAMP"
    assert marked(client_of(service.base_url), where=now) is None
    assert service.questions == []


@pytest.mark.parametrize(
    "layer", [{}, {"editingInfo": {}}, {"editingInfo": {"lastEditDate": "soon"}}]
)
def test_a_layer_that_does_not_track_edits_has_no_mark(
    httpserver: HTTPServer, service: HttpClient, layer: object
) -> None:
    httpserver.expect_request(f"/arcgis/{LAYER['path']}").respond_with_json(layer)
    assert marked(service) is None


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_a_real_answer_of_an_air_quality_association_is_read(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    path = REAL / "atmo" / "arcgis_ind_atmo_gwadair_2025.json"
    answers(httpserver, json.loads(path.read_text("utf-8")), count=1)
    (page,) = read(service)
    frame = parse_json(page.answer.body, "index", JsonFormat.model_validate(FORM))
    assert frame["attributes.date_ech"].to_list() == ["1762574400000"]
    assert frame["attributes.code_zone"].to_list() == ["97101"]


def test_an_error_whose_code_is_no_number_is_one(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    error = {"error": {"code": [500], "message": "x"}}
    httpserver.expect_request(f"/arcgis/{LAYER['path']}/query").respond_with_json(error)
    with pytest.raises(FetchError, match=r"reports error \[500\]: x"):
        read(service)


def test_a_key_that_is_no_name_tells_no_records_apart(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, features(1, 2, objectIdFieldName=["OBJECTID"]))
    assert [page.items for page in read(service)] == [2]
