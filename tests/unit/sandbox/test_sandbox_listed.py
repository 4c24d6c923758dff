"""Flat rows as the nested records they stand for."""

from __future__ import annotations

from invented import invented

from lrtzc_pipelines.parsers.json_records import parse_json
from lrtzc_pipelines.sandbox.listed import listed_records
from lrtzc_pipelines.sandbox.records import json_answer
from lrtzc_pipelines.sources.formats import JsonFormat

CONNECTOR = {"kind": "rnb"}
FIRST_OF = ("places", "places.doors")


def test_first_items_are_in_lists_again_and_json_texts_are_values() -> None:
    rows = [
        {
            "id": "a",
            "places.town": "17300",
            "places.doors.number": "7",
            "kinds": '["x", "y"]',
            "note": "[no list",
        }
    ]
    assert listed_records(invented(rows, CONNECTOR, first_of=FIRST_OF)) == [
        {
            "id": "a",
            "places": [{"town": "17300", "doors": [{"number": "7"}]}],
            "kinds": ["x", "y"],
            "note": "[no list",
        }
    ]


def test_a_row_without_the_list_has_none() -> None:
    rows = [{"id": "a", "places.town": "1"}, {"id": "b", "places.town": None}]
    found = listed_records(invented(rows, CONNECTOR, first_of=("places",)))
    assert found == [{"id": "a", "places": [{"town": "1"}]}, {"id": "b"}]


def test_the_parser_reads_back_what_the_table_holds() -> None:
    rows = [
        {"id": "a", "places.town": "1", "places.doors.number": "7", "kinds": '["x"]'},
        {"id": "b", "places.town": "2", "places.doors.number": "8", "kinds": "[]"},
    ]
    table = invented(rows, CONNECTOR, first_of=FIRST_OF)
    assert isinstance(table.spec.format, JsonFormat)
    body = json_answer(listed_records(table)).body
    assert parse_json(body, "page", table.spec.format).to_dicts() == rows
