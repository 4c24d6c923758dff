"""Car park occupancy read from a release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lrtzc_pipelines.publishing.site_calendar import Bucket
from lrtzc_pipelines.publishing.site_data import opened
from lrtzc_pipelines.publishing.site_parking import Parking, read_parking

if TYPE_CHECKING:
    from conftest import ReleaseFile

HOURLY = "mart_parking_occupancy_hourly"


def parking_of(release: ReleaseFile) -> Parking:
    with opened(release.path) as connection:
        parking = read_parking(connection)
    assert parking is not None
    return parking


def add_hours(
    release: ReleaseFile, first: datetime, count: int, rate: float = 0.5
) -> None:
    for hour in range(count):
        release.add(
            HOURLY,
            hour_start_at=first + timedelta(hours=hour),
            mean_occupancy_rate=rate,
        )


def test_no_measurement_is_no_parking(empty_release: ReleaseFile) -> None:
    with opened(empty_release.path) as connection:
        assert read_parking(connection) is None


def test_short_stretch_is_drawn_by_hour(empty_release: ReleaseFile) -> None:
    add_hours(empty_release, datetime(2025, 6, 1, tzinfo=UTC), 5)
    parking = parking_of(empty_release)
    assert parking.bucket is Bucket.HOUR
    assert len(parking.car_parks[0].history) == 5


def test_months_are_drawn_by_day(empty_release: ReleaseFile) -> None:
    empty_release.add_hours(days=60)
    parking = parking_of(empty_release)
    assert (parking.bucket, parking.table_bucket) == (Bucket.DAY, Bucket.MONTH)


def test_day_with_less_than_half_its_hours_is_a_gap(empty_release: ReleaseFile) -> None:
    empty_release.add_hours(days=40, car_parks=1)
    empty_release.execute(
        "delete from mart_parking_occupancy_hourly where "
        "hour_start_at >= timestamptz '2025-06-10 10:00:00+02' and "
        "hour_start_at < timestamptz '2025-06-11 00:00:00+02'"
    )
    indexes = [index for index, _ in parking_of(empty_release).car_parks[0].history]
    missing = Bucket.DAY.index_of(datetime(2025, 6, 10))  # noqa: DTZ001 - local day
    assert missing not in indexes
    assert {missing - 1, missing + 1} <= set(indexes)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2025, 3, 30), 23), (datetime(2025, 10, 26), 25)],  # noqa: DTZ001 - local days
)
def test_days_follow_the_local_calendar_when_clocks_change(
    empty_release: ReleaseFile, day: datetime, hours: int
) -> None:
    # The day itself is full, its neighbours are empty: nothing may leak into them.
    midnight = day.replace(tzinfo=UTC) - timedelta(hours=1 if day.month == 3 else 2)
    add_hours(empty_release, midnight - timedelta(days=30), 24, 0.1)
    add_hours(empty_release, midnight, hours, 0.7)
    history = dict(parking_of(empty_release).car_parks[0].history)
    index = Bucket.DAY.index_of(day)
    assert history[index] == pytest.approx(0.7)
    assert {index - 1, index + 1}.isdisjoint(history)


def test_repeated_hour_of_october_is_two_points(empty_release: ReleaseFile) -> None:
    add_hours(empty_release, datetime(2025, 10, 26, 0, tzinfo=UTC), 3)
    indexes = [index for index, _ in parking_of(empty_release).car_parks[0].history]
    assert indexes == list(range(indexes[0], indexes[0] + 3))


def test_repeated_hour_of_october_counts_twice_in_the_profile(
    empty_release: ReleaseFile,
) -> None:
    add_hours(empty_release, datetime(2025, 10, 26, 0, tzinfo=UTC), 1, 0.2)
    add_hours(empty_release, datetime(2025, 10, 26, 1, tzinfo=UTC), 1, 0.6)
    profile = parking_of(empty_release).car_parks[0].profiles["sunday"]
    assert profile[2] == pytest.approx(0.4)


def test_skipped_hour_of_march_is_open_in_the_profile(
    empty_release: ReleaseFile,
) -> None:
    add_hours(empty_release, datetime(2025, 3, 29, 23, tzinfo=UTC), 23)
    profile = parking_of(empty_release).car_parks[0].profiles["sunday"]
    assert profile[2] is None
    assert profile[1] == profile[3] == pytest.approx(0.5)


def test_profile_tells_kinds_of_day_apart_by_the_local_day(
    empty_release: ReleaseFile,
) -> None:
    # Friday 22:30 UTC is already Saturday in La Rochelle.
    add_hours(empty_release, datetime(2025, 6, 6, 22, tzinfo=UTC), 1, 0.9)
    profiles = parking_of(empty_release).car_parks[0].profiles
    assert profiles["saturday"][0] == pytest.approx(0.9)
    assert profiles["weekday"][0] is None


def test_profile_uses_the_last_year_only(empty_release: ReleaseFile) -> None:
    add_hours(empty_release, datetime(2023, 6, 5, 10, tzinfo=UTC), 1, 0.0)
    add_hours(empty_release, datetime(2025, 6, 2, 10, tzinfo=UTC), 1, 1.0)
    profile = parking_of(empty_release).car_parks[0].profiles["weekday"]
    assert profile[12] == pytest.approx(1.0)


def test_newest_name_and_capacity_are_kept(empty_release: ReleaseFile) -> None:
    start = datetime(2025, 6, 1, tzinfo=UTC)
    empty_release.add(HOURLY, parking_name="ANCIEN", space_count=400)
    empty_release.add(
        HOURLY,
        parking_name="NOUVEAU",
        space_count=430,
        hour_start_at=start + timedelta(hours=1),
    )
    (park,) = parking_of(empty_release).car_parks
    assert (park.name, park.capacity) == ("NOUVEAU", 430)


def test_nameless_car_park_is_called_by_its_number(empty_release: ReleaseFile) -> None:
    empty_release.add(HOURLY, parking_name=None, space_count=None)
    (park,) = parking_of(empty_release).car_parks
    assert (park.name, park.capacity) == ("Parking n° 4", None)


def test_absent_and_infinite_rates_are_left_out(empty_release: ReleaseFile) -> None:
    start = datetime(2025, 6, 1, tzinfo=UTC)
    for hour, rate in enumerate((0.5, None, float("nan"), float("inf"))):
        empty_release.add(
            HOURLY,
            hour_start_at=start + timedelta(hours=hour),
            mean_occupancy_rate=rate,
        )
    (park,) = parking_of(empty_release).car_parks
    assert [share for _, share in park.history] == [0.5]


def test_stretch_too_thin_for_any_mean_still_has_an_extent(
    empty_release: ReleaseFile,
) -> None:
    for month in (1, 6):
        add_hours(empty_release, datetime(2025, month, 1, 12, tzinfo=UTC), 1)
    parking = parking_of(empty_release)
    assert parking.car_parks[0].history == ()
    assert parking.extent[0] < parking.extent[1]
