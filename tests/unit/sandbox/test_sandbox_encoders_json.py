"""JSON files of the sandbox: written as a format says, and read back the same."""

from __future__ import annotations

import json

import polars as pl

from lrtzc_pipelines.parsers.json_records import parse_json
from lrtzc_pipelines.sandbox.encoders.json import encode
from lrtzc_pipelines.sources.formats import JsonFormat

ROWS = pl.DataFrame(
    {
        "id": ["a", "b"],
        "extras.data_rgpd": ["false", "true"],
        "extras.Frequency": ["punctual", None],
    }
)
FORM = JsonFormat(kind="json", records="rows", flatten=True, keyed=("extras",))


def test_named_columns_are_lists_of_keys_and_values() -> None:
    assert json.loads(encode(ROWS, FORM))["rows"][0] == {
        "id": "a",
        "extras": [
            {"key": "data_rgpd", "value": "false"},
            {"key": "Frequency", "value": "punctual"},
        ],
    }


def test_lists_of_keys_and_values_are_read_back_as_columns() -> None:
    assert parse_json(encode(ROWS, FORM), "page", FORM).equals(ROWS)


def test_rows_without_the_named_columns_have_no_list() -> None:
    [first, _] = json.loads(encode(ROWS.select("id"), FORM))["rows"]
    assert first == {"id": "a"}
