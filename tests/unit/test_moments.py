"""Moments as producers write them: zones, epochs, stamps and changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.moments import read_moment
from lrtzc_pipelines.sources.columns import Column

LOCAL = {"timezone": "Europe/Paris", "datetime_format": "%Y-%m-%d %H:%M"}


def column(**options: Any) -> Column:
    values = {"name": "moment", "source": "t", "type": "datetime", "privacy": "keep"}
    values |= {"description": "A moment.", "timezone": "UTC"}
    return Column.model_validate(values | options)


def read(texts: list[str | None], **options: Any) -> list[str | None]:
    """The moments of some texts, UTC, to the minute."""
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    found = frame.select(read_moment(pl.col("t"), column(**options)))[:, 0]
    return found.dt.to_string("%Y-%m-%dT%H:%M").to_list()


@pytest.mark.parametrize(
    ("unit", "text", "moment"),
    [
        ("s", "1700000000", "2023-11-14T22:13"),
        ("ms", "1700000000000", "2023-11-14T22:13"),
        ("ms", "1.7e12", "2023-11-14T22:13"),
        ("s", "0", "1970-01-01T00:00"),
        ("s", "-3600", "1969-12-31T23:00"),
        ("s", "soon", None),
        ("s", "nan", None),
        ("s", "1e300", None),
        ("s", "", None),
    ],
)
def test_numbers_since_1970(unit: str, text: str, moment: str | None) -> None:
    assert read([text], epoch=unit) == [moment]


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_millisecond_comes_back(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC, microsecond=naive.microsecond // 1000 * 1000)
    milliseconds = round(moment.timestamp() * 1000)
    frame = pl.DataFrame({"t": [str(milliseconds)]})
    found = frame.select(read_moment(pl.col("t"), column(epoch="ms")))[0, 0]
    assert found == moment


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("%+", "2026-07-01T01:15:00+02:00"),
        ("%+", "2026-06-30T23:15:00Z"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-06-30T23:15:00+0000"),
        ("%Y-%m-%d %H:%M", "2026-07-01 01:15"),
    ],
)
def test_one_quarter_past_one_in_summer_is_the_day_before_in_utc(
    written: str, text: str
) -> None:
    found = read([text], timezone="Europe/Paris", datetime_format=written)
    assert found == ["2026-06-30T23:15"]


def test_a_stamp_at_the_end_is_moved_to_the_start_of_its_step() -> None:
    texts = ["2026-01-01 00:30", "2026-01-01 00:00"]
    assert read(texts, **LOCAL, stamp="end", step="30m") == [
        "2025-12-31T23:00",
        "2025-12-31T22:30",
    ]


def test_a_step_that_ends_in_the_doubled_hour_starts_before_it() -> None:
    # 02:00 comes twice on that night; its first pass ends the step from 01:30.
    found = read(["2026-10-25 02:00"], **LOCAL, stamp="end", step="30m")
    assert found == ["2026-10-24T23:30"]


HOUR_TWICE = ["2026-10-25 02:00", "2026-10-25 02:30"] * 2


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("earliest", ["00:00", "00:30", "00:00", "00:30"]),
        ("latest", ["01:00", "01:30", "01:00", "01:30"]),
        ("by_order", ["00:00", "00:30", "01:00", "01:30"]),
    ],
)
def test_the_hour_that_comes_twice(rule: str, found: list[str]) -> None:
    expected = [f"2026-10-25T{time}" for time in found]
    assert read(HOUR_TWICE, **LOCAL, ambiguous=rule) == expected


def test_each_meter_has_its_own_doubled_hour() -> None:
    frame = pl.DataFrame(
        {"t": ["2026-10-25 02:00"] * 4, "meter": ["a", "b", "a", "b"]},
    )
    rule = column(**LOCAL, ambiguous="by_order", ambiguous_within=["meter"])
    found = frame.select(read_moment(pl.col("t"), rule).dt.hour())[:, 0]
    assert found.to_list() == [0, 0, 1, 1]


def test_the_hour_that_spring_leaves_out_is_refused() -> None:
    assert read(["2026-03-29 02:30"], **LOCAL) == [None]


def test_nights_of_changed_clocks_have_as_many_half_hours_as_they_last() -> None:
    for day, count in (("2026-03-29", 46), ("2026-10-25", 50), ("2026-10-26", 48)):
        start = pl.datetime(*map(int, day.split("-")), time_zone="Europe/Paris")
        grid = pl.select(
            pl.datetime_range(
                start, start.dt.offset_by("1d"), "30m", closed="left"
            ).dt.to_string("%Y-%m-%d %H:%M")
        )[:, 0]
        found = read(grid.to_list(), **LOCAL, ambiguous="by_order")
        assert len(set(found)) == count
        assert None not in found
