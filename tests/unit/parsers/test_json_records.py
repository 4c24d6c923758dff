"""Records of JSON documents as text: nothing lost, nothing guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import json_records
from lrtzc_pipelines.parsers.json_records import (
    as_text,
    load,
    parse_ckan,
    parse_geojson,
    text_frame,
)

LABEL = "yelo_calendar_dates: page offset-0"


def ckan(*records: Any) -> bytes:
    return json.dumps({"success": True, "result": {"records": records}}).encode()


def geojson(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


# Values


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("null", None),
        ('""', ""),
        ('" a "', " a "),
        ('"\\u00e9t\\u00e9"', "été"),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("-12", "-12"),
        ("9007199254740993", "9007199254740993"),
        ("9223372036854775808", "9223372036854775808"),
        ("2.50", "2.5"),
        ("0.1", "0.1"),
        ("1e3", "1000.0"),
        ("[]", "[]"),
        ('[{"id": "a", "n": 1}, null]', '[{"id":"a","n":1},null]'),
        ('{"nom": "Aytré", "lieu": {"x": 1.5}}', '{"nom":"Aytré","lieu":{"x":1.5}}'),
    ],
)
def test_a_value_becomes_the_text_it_was_written_as(
    written: str, text: str | None
) -> None:
    body = b'{"result": {"records": [{"a": %s}]}}' % written.encode()
    assert parse_ckan(body, LABEL)["a"].to_list() == [text]


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_no_digit_of_a_number_is_lost(number: float) -> None:
    text = as_text(number)
    assert text is not None
    assert type(number)(text) == number


def test_every_column_is_text() -> None:
    frame = parse_ckan(ckan({"a": 1, "b": None, "c": True, "d": [1]}), LABEL)
    assert set(frame.dtypes) == {pl.String}


def test_columns_stand_in_the_order_met() -> None:
    frame = parse_ckan(ckan({"b": 1}, {"a": 2, "b": 3}), LABEL)
    assert frame.to_dict(as_series=False) == {"b": ["1", "3"], "a": [None, "2"]}


# CKAN


def test_row_number_and_rank_of_the_portal_are_left_out() -> None:
    frame = parse_ckan(ckan({"_id": 1, "service_id": 9, "rank": 0.5}), LABEL)
    assert frame.to_dict(as_series=False) == {"service_id": ["9"]}


def test_a_page_without_records_has_neither_rows_nor_columns() -> None:
    assert parse_ckan(ckan(), LABEL).shape == (0, 0)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"result": None},
        {"result": []},
        {"result": {}},
        {"result": {"records": None}},
        {"result": {"records": {}}},
        {"result": {"records": [1]}},
        {"result": {"records": [{"a": 1}, None]}},
        {"result": {"records": [["a"]]}},
    ],
)
def test_an_answer_without_records_is_refused(document: object) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: no result.records"):
        parse_ckan(json.dumps(document).encode(), LABEL)


# GeoJSON

POINT = {"type": "Point", "coordinates": [-1.15, 46.16]}


def test_a_feature_is_its_properties_and_its_geometry() -> None:
    body = geojson(feature(POINT, code="17300", nom="La Rochelle"))
    assert parse_geojson(body, LABEL).to_dicts() == [
        {
            "code": "17300",
            "nom": "La Rochelle",
            "geometry": '{"type":"Point","coordinates":[-1.15,46.16]}',
        }
    ]


@pytest.mark.parametrize(
    "lone", [feature(None), {"type": "Feature"}, {"properties": None}]
)
def test_a_feature_may_lack_properties_and_geometry(lone: dict[str, Any]) -> None:
    assert parse_geojson(geojson(lone), LABEL).to_dicts() == [{"geometry": None}]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "Feature", "geometry": POINT},
        {"type": "FeatureCollection"},
        {"type": "FeatureCollection", "features": None},
        {"type": "FeatureCollection", "features": {}},
        {"type": "FeatureCollection", "features": [None]},
        {"type": "FeatureCollection", "features": ["17300"]},
        {"type": "FeatureCollection", "features": [{"properties": ["17300"]}]},
        {"features": []},
    ],
)
def test_what_is_no_collection_is_refused(document: object) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: not a GeoJSON FeatureColl"):
        parse_geojson(json.dumps(document).encode(), LABEL)


# Documents


@pytest.mark.parametrize("parse", [load, parse_ckan, parse_geojson])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a JSON document"),
        (b'{"a": 1', "not a JSON document"),
        (b'{"a": 1} {"b": 2}', "not a JSON document"),
        (b"{'a': 1}", "not a JSON document"),
        (b"<html>", "not a JSON document"),
        (b'{"a": "\xe9"}', "not a JSON document"),
        (b'{"a": "\\ud83d"}', "not a JSON document"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": [Infinity]}', "Infinity is not JSON"),
        (b'{"a": 1e999}', "Out of range"),
        (b'{"a": [-1E+400]}', "Out of range"),
        (b'{"a": ' + b"9" * 400 + b".0}", "Out of range"),
        (b'{"a": "\xed\xa0\x80"}', "not a JSON document"),
        (b'{"a": {"b": -Infinity}}', "-Infinity is not JSON"),
        (b"[" * 100_000, "not a JSON document"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not a JSON document"),
        (b"[]", "expected a JSON object"),
        (b'"text"', "expected a JSON object"),
        (b"null", "expected a JSON object"),
    ],
)
def test_what_is_no_json_object_is_refused_by_its_page(
    parse: Callable[[bytes, str], object], body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: .*{reason}|^{LABEL}: {reason}"):
        parse(body, LABEL)


def test_a_character_may_be_escaped_in_halves() -> None:
    assert load(b'{"a": "\\ud83d\\udeb2"}', LABEL) == {"a": "🚲"}


def test_a_byte_order_mark_is_no_data() -> None:
    assert load(b'\xef\xbb\xbf{"a": 1}', LABEL) == {"a": 1}


@pytest.mark.parametrize(
    "text", ["1e300", "1e-999", "2E+0005", "9" * 400, '"1e999"', '"3e1234"']
)
def test_what_only_looks_like_a_number_beyond_numbers_is_read(text: str) -> None:
    assert load(f'{{"a": {text}}}'.encode(), LABEL) == {"a": json.loads(text)}


def test_records_with_fields_of_their_own_are_no_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_records, "_LARGEST_TABLE", 99)
    records = [{f"k{n}": n} for n in range(10)]
    assert text_frame(records[:9], LABEL).shape == (9, 9)
    with pytest.raises(ParseError, match=rf"^{LABEL}: 10 records with 10 fields"):
        text_frame(records, LABEL)
