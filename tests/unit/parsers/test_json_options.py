"""JSON whose lists count by their first item, or whose pages tell whose it is."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.canonical import canonical
from lrtzc_pipelines.parsers.json_records import parse_json
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.formats import JsonFormat
from lrtzc_pipelines.sources.registry import load_sources


def form(**options: Any) -> JsonFormat:
    return JsonFormat.model_validate({"kind": "json"} | options)


def parsed(document: object, **options: Any) -> list[dict[str, Any]]:
    body = json.dumps(document).encode()
    return parse_json(body, "page", form(**options)).to_dicts()


FIRST_OF = {"flatten": True, "first_of": ["places", "places.doors"]}


def test_only_the_first_item_of_a_named_list_counts() -> None:
    record = {
        "id": 1,
        "places": [{"town": "a", "doors": [{"number": 7}, {"number": 8}]}, {"town": 2}],
        "kinds": ["x", "y"],
    }
    assert parsed([record], **FIRST_OF) == [
        {
            "id": "1",
            "places.town": "a",
            "places.doors.number": "7",
            "kinds": '["x","y"]',
        }
    ]


@pytest.mark.parametrize("places", [[], None])
def test_an_empty_list_has_no_first_item(places: object) -> None:
    assert parsed([{"id": 1, "places": places}], **FIRST_OF) == [
        {"id": "1", "places": None}
    ]


def test_a_first_item_that_is_no_object_is_the_value() -> None:
    assert parsed([{"places": ["a", "b"]}], **FIRST_OF) == [{"places": "a"}]


def test_an_object_where_a_list_was_said_to_be_is_read_as_ever() -> None:
    assert parsed([{"places": {"town": "a"}}], **FIRST_OF) == [{"places.town": "a"}]


KEYED = {"flatten": True, "keyed": ["extras"]}


def test_a_list_of_keys_and_values_is_read_as_the_object_it_spells() -> None:
    extras = [
        {"key": "data_rgpd", "value": "false"},
        {"key": "Frequency", "value": None},
        {"key": "bbox", "value": {"east": 1}},
    ]
    assert parsed([{"id": 1, "extras": extras, "tags": extras[:1]}], **KEYED) == [
        {
            "id": "1",
            "extras.data_rgpd": "false",
            "extras.Frequency": None,
            "extras.bbox.east": "1",
            "tags": '[{"key":"data_rgpd","value":"false"}]',
        }
    ]


@pytest.mark.parametrize(
    ("extras", "text"),
    [([], "[]"), (["a"], '["a"]'), ([{"name": "a"}], '[{"name":"a"}]'), ("a", "a")],
)
def test_what_spells_no_object_stays_what_it_is(extras: object, text: str) -> None:
    assert parsed([{"extras": extras}], **KEYED) == [{"extras": text}]


def test_records_that_are_absent_are_none_if_the_format_says_so() -> None:
    document = {"header": {"statut": 404}}
    assert parsed(document, records="rows", absent_is_empty=True) == []
    with pytest.raises(ParseError, match="page: no rows"):
        parsed(document, records="rows")


@pytest.mark.parametrize("document", [{"rows": [3]}, {"rows": 3}, [], 3, "rows"])
def test_records_of_another_shape_are_refused_all_the_same(document: object) -> None:
    with pytest.raises(ParseError, match=r"page: (rows 1: expected objects|no rows)"):
        parsed(document, records="rows", absent_is_empty=True)


def frames(*pages: tuple[str, bytes], **options: Any) -> pl.DataFrame:
    spec = load_sources()["larochelle_agglomeration_communes"]
    spec = spec.model_copy(update={"format": form(**options)})
    stored = [
        (StoredPage(name, "json", "0", "0", len(body)), body) for name, body in pages
    ]
    return pl.concat(parse(spec, stored), how="diagonal").drop(PAGE, ROW)


def test_the_name_of_a_page_is_a_column_of_its_rows() -> None:
    found = frames(
        ("17", b'[["01/01/2026", "4"], ["01/02/2026", null]]'),
        ("18", b"[]"),
        ("19", b'[["01/01/2026", "5"]]'),
        positional=True,
        page_column="counter",
    )
    assert found.to_dicts() == [
        {"0": "01/01/2026", "1": "4", "counter": "17"},
        {"0": "01/02/2026", "1": None, "counter": "17"},
        {"0": "01/01/2026", "1": "5", "counter": "19"},
    ]


def test_equal_pages_of_two_names_are_not_the_same_data() -> None:
    body = b'[["01/01/2026", "4"]]'
    plain, named = form(positional=True), form(positional=True, page_column="counter")
    assert canonical(plain, "17", body) == canonical(plain, "18", body)
    assert canonical(named, "17", body) != canonical(named, "18", body)
    assert canonical(named, "17", body) == canonical(named, "17", body + b"\n")
