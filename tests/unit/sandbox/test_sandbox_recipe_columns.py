"""Columns of recipes: moments moved, values confined to some rows, and what is not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from lrtzc_pipelines.sandbox.recipe_grammar import Recipe
from lrtzc_pipelines.sandbox.recipes import make

HOURS = {"start": "2026-11-14", "end": "2026-11-15", "step": "6h"}


def column_of(*columns: dict[str, Any]) -> list[Any]:
    """The last column of a recipe for three kinds of measure and four hours."""
    recipe = Recipe.model_validate(
        {
            "for_each": {"kind": ["co2", "heat", None], "hour": HOURS},
            "columns": columns,
        }
    )
    return make(recipe, 1, "town_things")[columns[-1]["name"]].to_list()


def test_a_moment_may_be_later_or_earlier_than_its_series() -> None:
    end = {"name": "end", "from": "hour", "later": "1h", "format": "%d %H"}
    assert column_of(end)[:4] == ["14 01", "14 07", "14 13", "14 19"]
    assert column_of({**end, "later": "-1d"})[:2] == ["13 00", "13 06"]


def test_what_comes_after_sees_the_moved_moment() -> None:
    end = {"name": "end", "from": "hour", "later": "30m", "hidden": True}
    text = {"name": "text", "template": "{end:%H:%M}"}
    assert column_of(end, text)[:2] == ["00:30", "06:30"]


def test_a_value_is_only_where_another_column_says() -> None:
    kind = {"name": "kind", "from": "kind"}
    found = column_of(
        kind, {"name": "ppm", "constant": 400, "only_where": {"kind": ["co2"]}}
    )
    assert found == [400] * 4 + [None] * 8


def test_a_text_in_place_of_values_stays_where_the_values_are() -> None:
    found = column_of(
        {
            "name": "ppm",
            "constant": 400,
            "literal": {"-999": 1},
            "only_where": {"kind": ["heat"]},
        }
    )
    assert found == [None] * 4 + ["-999"] * 4 + [None] * 4


def test_days_differ_but_for_what_belongs_to_a_thing() -> None:
    recipe = Recipe.model_validate(
        {
            "for_each": {
                "site": [1, 2],
                "hour": {**HOURS, "start": "day", "end": "next_day"},
            },
            "columns": [
                {
                    "name": "floor",
                    "integer": {"low": 0, "high": 10**9},
                    "per": ["site"],
                },
                {"name": "count", "integer": {"low": 0, "high": 10**9}},
            ],
        }
    )
    days = [
        make(recipe, 1, "town_things", day=date(2026, 11, number))
        for number in (13, 14, 14)
    ]
    assert days[0]["floor"].equals(days[1]["floor"])
    assert not days[0]["count"].is_in(days[1]["count"].to_list()).any()
    assert days[1].equals(days[2])


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ({"from": "kind", "later": "1h"}, "'kind' is no series"),
        ({"constant": 1, "later": "1h"}, "later moves a day or a moment"),
        ({"from": "hour", "later": "soon"}, "later"),
        ({"constant": 1, "only_where": {"colour": ["red"]}}, "no column 'colour'"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(
    column: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        column_of({"name": "thing", **column})
