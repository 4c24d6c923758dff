"""Hierarchies: levels, labels, losses, and values that have no place in them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.hierarchies import (
    ABSENT,
    Hierarchy,
    from_rows,
    of_values,
    prefixes,
)

AREAS = [
    ["17300-1", "17300", "*"],
    ["17300-2", "17300", "*"],
    ["17010-1", "17010", "*"],
]


def areas(*, nulls: bool = False) -> Hierarchy:
    return from_rows("area", AREAS, nulls=nulls)


def labels(hierarchy: Hierarchy, values: list[str | None], level: int) -> list[str]:
    codes = hierarchy.encode(pl.Series(values, dtype=pl.String))
    return hierarchy.decode(codes, level).to_list()


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0, ["17010-1", "17300-2", "17300-1"]),
        (1, ["17010", "17300", "17300"]),
        (2, ["*", "*", "*"]),
    ],
)
def test_a_value_has_a_label_at_each_level(level: int, expected: list[str]) -> None:
    assert labels(areas(), ["17010-1", "17300-2", "17300-1"], level) == expected


def test_the_loss_is_the_share_of_leaves_a_group_hides() -> None:
    found = areas()
    assert found.loss(0).tolist() == [0, 0, 0]
    assert found.loss(1).tolist() == [0.5, 0.5, 0]
    assert found.loss(2).tolist() == [1, 1, 1]


def test_a_single_leaf_loses_nothing() -> None:
    assert from_rows("x", [["a", "*"]], nulls=False).loss(1).tolist() == [0]


def test_an_absent_value_is_one_of_its_own_up_to_the_top() -> None:
    found = areas(nulls=True)
    assert found.leaves[-1] == ABSENT
    assert labels(found, [None, "17300-1"], 1) == [ABSENT, "17300"]
    assert labels(found, [None, "17300-1"], 2) == ["*", "*"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [(["17301-9"], "1 values have no place"), ([None], "1 values are absent")],
)
def test_a_value_without_a_place_is_refused_and_not_told(
    values: list[str | None], reason: str
) -> None:
    with pytest.raises(LrtzcError, match=rf"^area: {reason}") as error:
        areas().encode(pl.Series(values, dtype=pl.String))
    assert "17301-9" not in str(error.value)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([["a", "b", "*"], ["c", "*"]], "rows of one length"),
        ([["a", "*"], ["a", "*"]], "a leaf stands twice"),
        ([["a", "x", "1", "*"], ["b", "x", "2", "*"]], "torn apart"),
        ([["a", "1"], ["b", "2"]], "the coarsest level has 2 groups"),
    ],
)
def test_what_is_no_hierarchy_is_refused(rows: list[list[str]], reason: str) -> None:
    with pytest.raises(LrtzcError, match=reason):
        from_rows("x", rows, nulls=False)


def test_codes_become_shorter() -> None:
    values = pl.Series(["10.71C", "10.71D", "10.12Z", None, "56.10A"])
    found = prefixes("naf", values, [2, 5])
    assert [len(level.labels) for level in found.levels] == [5, 4, 3, 1]
    assert labels(found, ["10.71C", None], 2) == ["10", ABSENT]


def test_values_may_be_grouped_by_any_function() -> None:
    found = of_values("age", pl.Series([31, 38, 45]), [lambda age: int(age) // 10 * 10])
    assert labels(found, ["38", "45"], 1) == ["30", "40"]


def test_a_column_of_nothing_has_a_hierarchy_too() -> None:
    found = of_values("x", pl.Series([None, None], dtype=pl.String), [])
    assert found.leaves == (ABSENT,)


@given(st.lists(st.none() | st.sampled_from(["17300-1", "17300-2", "17010-1"])))
def test_what_is_encoded_comes_back_at_level_0(values: list[str | None]) -> None:
    found = areas(nulls=True)
    codes = found.encode(pl.Series(values, dtype=pl.String))
    back = [None if label == ABSENT else label for label in found.decode(codes, 0)]
    assert back == values
    assert codes.dtype in {np.dtype(np.uint32), np.dtype(np.uint8)}
