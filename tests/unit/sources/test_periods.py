"""Periods of days: as Polars cuts them, one after the other, so many in a year."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.sources.periods import (
    is_period_of_days,
    most_in_a_year,
    next_start,
    periods_until,
    start_of,
)

EVERY = ["1d", "1w", "1mo", "2mo", "3mo", "6mo", "12mo", "1y"]
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize("every", EVERY)
@given(day=days)
def test_a_period_begins_where_polars_cuts(day: date, every: str) -> None:
    (cut,) = pl.Series([day]).dt.truncate(every).to_list()
    assert start_of(day, every) == cut


@pytest.mark.parametrize("every", EVERY)
@given(day=days)
def test_the_next_one_begins_when_it_ends(day: date, every: str) -> None:
    start = start_of(day, every)
    following = next_start(start, every)
    assert start <= day < following
    assert start_of(following, every) == following
    assert start_of(following - timedelta(days=1), every) == start


@pytest.mark.parametrize("every", EVERY)
@given(year=st.integers(1990, 2059))
def test_no_more_begin_in_a_year_than_is_said(year: int, every: str) -> None:
    last = date(year, 12, 31)
    begun = {start_of(last - timedelta(days=n), every) for n in range(366)}
    assert len([day for day in begun if day.year == year]) <= most_in_a_year(every)


def test_only_those_that_are_over_count() -> None:
    january = date(2026, 1, 1)
    assert list(periods_until(january, date(2026, 3, 31), "1mo")) == [
        january,
        date(2026, 2, 1),
    ]
    assert len(list(periods_until(january, date(2026, 4, 1), "1mo"))) == 3
    assert list(periods_until(january, date(2025, 1, 1), "1mo")) == []


@pytest.mark.parametrize("take", ["1h", "30m", "value", "day_type"])
def test_other_takes_are_no_periods_of_days(take: str) -> None:
    assert not is_period_of_days(take)
    with pytest.raises(ValueError, match="no period of whole days"):
        start_of(date(2026, 1, 1), take)
