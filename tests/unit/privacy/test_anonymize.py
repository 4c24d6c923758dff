"""What each privacy rule leaves of a column, and that row order tells nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.privacy.anonymize import anonymize
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec

KEEP, DROP = "keep", "drop"
NUMBERS = st.integers(-(10**6), 10**6)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1))  # noqa: DTZ001 - made aware below


def column(name: str, kind: str, privacy: object) -> Column:
    zone = "Europe/Paris" if kind == "datetime" else None
    return Column.model_validate(
        {
            "name": name,
            "source": name,
            "type": kind,
            "timezone": zone,
            "description": "A column.",
            "privacy": privacy,
        }
    )


def published(columns: list[Column], data: dict[str, list[Any]]) -> pl.DataFrame:
    spec = SourceSpec.model_construct(columns=tuple(columns))
    return anonymize(spec, pl.LazyFrame(data)).collect()


def test_a_kept_column_is_left_as_it_is() -> None:
    data = {"a": [3, None, 1]}
    assert (
        published([column("a", "integer", KEEP)], data).to_dict(as_series=False) == data
    )


def test_a_dropped_column_is_gone() -> None:
    columns = [column("a", "integer", KEEP), column("name", "text", DROP)]
    assert published(columns, {"a": [1], "name": ["Ada"]}).columns == ["a"]


def test_columns_come_in_the_order_of_the_specification() -> None:
    columns = [column("b", "integer", KEEP), column("a", "integer", KEEP)]
    assert published(columns, {"a": [1], "b": [2]}).columns == ["b", "a"]


@pytest.mark.parametrize(
    ("kind", "rule", "value", "left"),
    [
        ("text", {"prefix": 2}, "17000", "17"),
        ("text", {"prefix": 9}, "éa", "éa"),
        ("integer", {"step": 10}, 47, 40),
        ("integer", {"step": 10}, -1, -10),
        ("number", {"step": 0.5}, 1.74, 1.5),
        ("date", {"time": "1mo"}, date(2026, 6, 17), date(2026, 6, 1)),
        (
            "datetime",
            {"time": "1h"},
            datetime(2026, 6, 17, 5, 54, tzinfo=UTC),
            datetime(2026, 6, 17, 5, tzinfo=UTC),
        ),
    ],
)
def test_a_generalized_column_is_coarser(
    kind: str, rule: dict[str, Any], value: object, left: object
) -> None:
    frame = published([column("a", kind, {"generalize": rule})], {"a": [value, None]})
    assert frame["a"].to_list() == [left, None]


@given(st.lists(NUMBERS, min_size=1), st.integers(1, 1000))
def test_a_rounded_number_is_within_a_step_below(values: list[int], step: int) -> None:
    rule = {"generalize": {"step": step}}
    columns = [column("key", "integer", KEEP), column("a", "integer", rule)]
    frame = published(columns, {"key": list(range(len(values))), "a": values})
    for value, left in zip(values, frame.sort("key")["a"], strict=True):
        assert left % step == 0
        assert left <= value < left + step


@given(st.lists(MOMENTS, min_size=1))
def test_moments_of_one_hour_become_one(moments: list[datetime]) -> None:
    aware = [moment.replace(tzinfo=UTC) for moment in moments]
    rule = {"generalize": {"time": "1h"}}
    frame = published([column("a", "datetime", rule)], {"a": aware})
    hours = {moment.replace(minute=0, second=0, microsecond=0) for moment in aware}
    assert set(frame["a"]) == hours


@given(st.data(), st.lists(st.tuples(NUMBERS, st.text(max_size=3)), min_size=1))
def test_the_order_of_rows_does_not_tell_what_was_taken_away(
    data: st.DataObject, rows: list[tuple[int, str]]
) -> None:
    columns = [column("a", "integer", KEEP), column("name", "text", DROP)]
    other = data.draw(st.permutations(rows))
    left, right = (
        published(columns, {"a": [a for a, _ in some], "name": [n for _, n in some]})
        for some in (rows, other)
    )
    assert left.equals(right)


def test_nothing_is_reordered_where_nothing_is_taken_away() -> None:
    frame = published([column("a", "integer", KEEP)], {"a": [2, 1, 3]})
    assert frame["a"].to_list() == [2, 1, 3]


@pytest.mark.parametrize("kind", list(ColumnType))
def test_a_type_survives_being_kept(kind: ColumnType) -> None:
    frame = pl.DataFrame({"a": [None]})
    types = {
        ColumnType.TEXT: pl.String(),
        ColumnType.INTEGER: pl.Int64(),
        ColumnType.NUMBER: pl.Float64(),
        ColumnType.BOOLEAN: pl.Boolean(),
        ColumnType.DATE: pl.Date(),
        ColumnType.DATETIME: pl.Datetime("us", "UTC"),
    }
    typed = frame.cast({"a": types[kind]})
    spec = SourceSpec.model_construct(columns=(column("a", kind, KEEP),))
    assert anonymize(spec, typed.lazy()).collect().schema == typed.schema


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("text", {"prefix": 1}),
        ("integer", {"step": 10}),
        ("number", {"step": 10}),
        ("date", {"time": "1mo"}),
        ("datetime", {"time": "1h"}),
    ],
)
def test_a_type_survives_being_made_coarser(kind: str, rule: dict[str, Any]) -> None:
    values = {
        "text": "a",
        "integer": 12,
        "number": 1.5,
        "date": date(2026, 6, 17),
        "datetime": datetime(2026, 6, 17, tzinfo=UTC),
    }
    before = pl.DataFrame({"a": [values[kind]]})
    after = published([column("a", kind, {"generalize": rule})], {"a": [values[kind]]})
    assert after.schema == before.schema


def test_large_integers_are_rounded_exactly() -> None:
    rule = {"generalize": {"step": 10}}
    frame = published([column("a", "integer", rule)], {"a": [2**60 + 9]})
    assert frame["a"].to_list() == [(2**60 + 9) // 10 * 10]


def test_an_integer_cannot_be_rounded_to_a_fraction() -> None:
    with pytest.raises(ValueError, match="a step without decimals"):
        column("a", "integer", {"generalize": {"step": 2.5}})
