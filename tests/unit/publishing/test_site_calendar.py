"""Buckets of time and their labels."""

from __future__ import annotations

from datetime import datetime

import pytest

from lrtzc_pipelines.publishing.site_calendar import Bucket, choose_bucket, ticks


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour)  # noqa: DTZ001 - bucket starts carry no zone


@pytest.mark.parametrize(
    ("bucket", "start", "following"),
    [
        (Bucket.HOUR, at(2025, 3, 30, 0), at(2025, 3, 30, 1)),
        (Bucket.DAY, at(2025, 3, 30), at(2025, 3, 31)),
        (Bucket.WEEK, at(2024, 12, 30), at(2025, 1, 6)),
        (Bucket.MONTH, at(2024, 12, 1), at(2025, 1, 1)),
    ],
)
def test_following_buckets_have_following_indexes(
    bucket: Bucket, start: datetime, following: datetime
) -> None:
    assert bucket.index_of(following) == bucket.index_of(start) + 1


@pytest.mark.parametrize(
    ("bucket", "start"),
    [
        (Bucket.DAY, at(2025, 10, 26)),
        (Bucket.WEEK, at(2025, 3, 24)),
        (Bucket.MONTH, at(2015, 7, 1)),
    ],
)
def test_wall_clock_undoes_the_index(bucket: Bucket, start: datetime) -> None:
    assert bucket.wall_clock(bucket.index_of(start)) == start


def test_hours_are_counted_in_utc_and_shown_in_paris() -> None:
    first = Bucket.HOUR.index_of(at(2025, 10, 26, 0))
    clocks = [Bucket.HOUR.wall_clock(first + n).hour for n in range(3)]
    assert clocks == [2, 2, 3]


def test_spring_day_skips_the_third_hour() -> None:
    first = Bucket.HOUR.index_of(at(2025, 3, 30, 0))
    assert [Bucket.HOUR.wall_clock(first + n).hour for n in range(2)] == [1, 3]


@pytest.mark.parametrize(
    ("hours", "series", "expected"),
    [
        (24, 6, Bucket.HOUR),
        (24 * 60, 6, Bucket.DAY),
        (24 * 365 * 2, 6, Bucket.DAY),
        (24 * 365 * 10, 6, Bucket.WEEK),
        (24 * 365 * 10, 60, Bucket.MONTH),
        (24 * 365 * 40, 1, Bucket.MONTH),
        (0, 1, Bucket.HOUR),
    ],
)
def test_bucket_widens_with_time_and_series(
    hours: int, series: int, expected: Bucket
) -> None:
    assert choose_bucket(hours, series, most_points=8000) is expected


def labels(bucket: Bucket, first: datetime, last: datetime) -> list[str]:
    return [
        label.replace("\u00a0", " ")
        for _, label in ticks(bucket, bucket.index_of(first), bucket.index_of(last))
    ]


def test_long_axis_is_labelled_by_round_months() -> None:
    assert labels(Bucket.DAY, at(2015, 7, 16), at(2017, 3, 14)) == [
        "janv. 2016",
        "juil. 2016",
        "janv. 2017",
    ]


def test_axis_of_ten_years_has_few_labels() -> None:
    found = labels(Bucket.WEEK, at(2015, 7, 13), at(2025, 6, 30))
    assert 2 <= len(found) <= 5
    assert all(label.startswith("janv.") for label in found)


def test_axis_of_days_is_labelled_by_days() -> None:
    assert labels(Bucket.DAY, at(2025, 6, 3), at(2025, 6, 9)) == [
        "3 juin",
        "5 juin",
        "7 juin",
        "9 juin",
    ]


def test_axis_of_hours_is_labelled_by_hours() -> None:
    assert labels(Bucket.HOUR, at(2025, 6, 1, 1), at(2025, 6, 1, 9)) == [
        "3 h",
        "6 h",
        "9 h",
    ]


def test_axis_of_one_bucket_does_not_fail() -> None:
    assert len(labels(Bucket.HOUR, at(2025, 6, 1, 0), at(2025, 6, 1, 0))) <= 1


def test_labels_after_a_change_of_clock_stand_at_local_midnight() -> None:
    first = Bucket.HOUR.index_of(at(2025, 10, 24, 22))
    found = ticks(Bucket.HOUR, first, first + 96)
    assert [Bucket.HOUR.wall_clock(round(place)).hour for place, _ in found] == [
        0 for _ in found
    ]
    assert len(found) >= 3
