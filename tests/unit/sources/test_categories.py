"""Which values a dimension may have: the ones that are taken, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from lrtzc_pipelines.privacy.code_tables import OTHER, code_table
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.categories import (
    Categories,
    check_categories,
    closed_values,
    values_of,
)

MOMENTS = pl.Series(
    "at", [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(200)]
)
NUMBERS = pl.Series("at", [n / 2 for n in range(-20, 200)])


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("hour_of_day", MOMENTS),
        ("day_type", MOMENTS),
        ("below:0,10,40.5", NUMBERS),
        ("below:3", NUMBERS),
        ("up_to:3,6,36", NUMBERS),
    ],
)
def test_what_says_its_values_itself_takes_just_those(
    what: str, values: pl.Series
) -> None:
    taken = values.to_frame().select(take("at", values.dtype, what).cast(pl.String))
    assert set(taken.to_series()) == set(closed_values(what) or ())
    assert values_of(what, None) == closed_values(what)


def test_others_are_listed_and_the_rest_are_one() -> None:
    assert closed_values("value") is None
    assert values_of("value", ("17300", "17010")) == ("17300", "17010", OTHER)


def test_a_table_of_codes_lists_its_groups() -> None:
    sections = values_of("lookup:naf_2008:section", None)
    known = set(code_table("naf_2008").labels("section").values())
    assert set(sections) == {*known, OTHER}
    assert len(sections) == len(set(sections))
    assert values_of("value", "lookup:iris:commune") == values_of(
        "lookup:iris:commune", None
    )


@pytest.mark.parametrize(
    ("what", "told", "problem"),
    [
        ("value", None, "say which values"),
        ("first:2", None, "say which values"),
        ("all", ("a",), "say which values"),
        ("day_type", ("weekend",), "says itself"),
        ("value", ("a", "a"), "each value of side once"),
        ("value", ("a", OTHER), "comes by itself"),
        ("value", "first:2", "no level of a table"),
        ("value", "lookup:iris:section", "nothing that can be taken"),
        ("lookup:iris:large_quarter", None, "does not list every large_quarter"),
        ("lookup:naf_2008:section", ("A", "É"), "É is nothing of"),
    ],
)
def test_categories_must_be_known(
    what: str, told: Categories | None, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        check_categories("side", what, told)
