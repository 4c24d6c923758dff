"""The car parks' occupancy as the page shows it: over time, and through a mean day.

The hours are averaged inside DuckDB: the page never holds the whole series. Every
hour weighs the same, however often it was measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from lrtzc_pipelines.publishing.site_calendar import Bucket, choose_bucket
from lrtzc_pipelines.publishing.site_data import plain

MOST_POINTS = 8000
PROFILE_DAYS = 365
HOURS = range(24)
DAY_TYPES = {
    "weekday": "Lundi à vendredi",
    "saturday": "Samedi",
    "sunday": "Dimanche",
}

_CAR_PARKS = """
select
    cast(parking_id as varchar) as parking_id,
    arg_max(parking_name, hour_start_at) as parking_name,
    cast(arg_max(space_count, hour_start_at) as bigint) as capacity,
    min(hour_start_at) as first_at,
    max(hour_start_at) as last_at,
    cast(sum(measurement_count) as bigint) as measurement_count
from mart_parking_occupancy_hourly
where isfinite(mean_occupancy_rate::double)
group by all
order by parking_name nulls last, parking_id
"""
_HISTORY = """
with hourly as (
    select
        cast(parking_id as varchar) as parking_id,
        hour_start_at,
        mean_occupancy_rate,
        timezone(
            case when $width = 'hour' then 'UTC' else 'Europe/Paris' end, hour_start_at
        ) as local_at
    from mart_parking_occupancy_hourly
    where isfinite(mean_occupancy_rate::double)
)

select
    parking_id,
    date_trunc($width, local_at)::timestamp as bucket_at,
    avg(mean_occupancy_rate)::double as share
from hourly
group by all
having count(distinct hour_start_at) >= $least_hours
order by all
"""
_PROFILES = """
with hourly as (
    select
        cast(parking_id as varchar) as parking_id,
        mean_occupancy_rate,
        timezone('Europe/Paris', hour_start_at) as local_at
    from mart_parking_occupancy_hourly
    where isfinite(mean_occupancy_rate::double) and hour_start_at > $since
)

select
    parking_id,
    case isodow(local_at)
        when 6 then 'saturday' when 7 then 'sunday' else 'weekday'
    end as day_type,
    hour(local_at) as hour_of_day,
    avg(mean_occupancy_rate)::double as share
from hourly
group by all
"""


@dataclass(frozen=True)
class CarPark:
    """A car park and its means, as shares of one.

    Attributes:
        name: The newest name it was given.
        capacity: The newest number of spaces.
        history: Means by bucket index, in order; a missing index is a gap.
        table: Means by index of the table's wider bucket.
        profiles: For each of `DAY_TYPES`, the means of the 24 local hours.
    """

    name: str
    capacity: int | None
    history: tuple[tuple[int, float], ...]
    table: Mapping[int, float]
    profiles: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class Parking:
    """All car parks over the same stretch of time.

    Attributes:
        extent: First and last bucket index, common to all panels.
        since: The profiles use the hours after it.
    """

    car_parks: tuple[CarPark, ...]
    bucket: Bucket
    table_bucket: Bucket
    extent: tuple[int, int]
    first_at: datetime
    last_at: datetime
    since: datetime
    measurement_count: int


def read_parking(connection: duckdb.DuckDBPyConnection) -> Parking | None:
    """The car parks' occupancy; None if nothing was measured."""
    parks = _rows(connection, _CAR_PARKS, {})
    if not parks:
        return None
    first_at = min(park["first_at"] for park in parks)
    last_at = max(park["last_at"] for park in parks)
    hours = int((last_at - first_at) / timedelta(hours=1))
    bucket = choose_bucket(hours, len(parks), most_points=MOST_POINTS)
    table_bucket = Bucket.DAY if bucket is Bucket.HOUR else Bucket.MONTH
    since = last_at - timedelta(days=PROFILE_DAYS)
    history = _history(connection, bucket)
    table = _history(connection, table_bucket)
    profiles = _profiles(connection, since)
    return Parking(
        car_parks=tuple(
            CarPark(
                name=park["parking_name"] or f"Parking n° {park['parking_id']}",
                capacity=park["capacity"],
                history=tuple(history[park["parking_id"]]),
                table=dict(table[park["parking_id"]]),
                profiles={
                    day: tuple(
                        profiles.get((park["parking_id"], day, h)) for h in HOURS
                    )
                    for day in DAY_TYPES
                },
            )
            for park in parks
        ),
        bucket=bucket,
        table_bucket=table_bucket,
        extent=_extent(history, bucket, first_at, last_at),
        first_at=first_at,
        last_at=last_at,
        since=max(since, first_at),
        measurement_count=sum(park["measurement_count"] or 0 for park in parks),
    )


def _history(
    connection: duckdb.DuckDBPyConnection, bucket: Bucket
) -> defaultdict[str, list[tuple[int, float]]]:
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    parameters = {"width": bucket.value, "least_hours": bucket.least_hours}
    for row in _rows(connection, _HISTORY, parameters):
        index = bucket.index_of(row["bucket_at"])
        found[row["parking_id"]].append((index, row["share"]))
    return found


def _profiles(
    connection: duckdb.DuckDBPyConnection, since: datetime
) -> dict[tuple[str, str, int], float]:
    return {
        (row["parking_id"], row["day_type"], row["hour_of_day"]): row["share"]
        for row in _rows(connection, _PROFILES, {"since": since})
    }


def _extent(
    history: Mapping[str, list[tuple[int, float]]],
    bucket: Bucket,
    first_at: datetime,
    last_at: datetime,
) -> tuple[int, int]:
    """First and last index drawn; the whole stretch if every bucket is too thin."""
    indexes = [index for points in history.values() for index, _ in points]
    if indexes:
        return min(indexes), max(indexes)
    ends = (at.replace(tzinfo=None) for at in (first_at, last_at))
    first, last = (int(bucket.position(at)) for at in ends)
    return first, last


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    # Through Arrow: the other way out of DuckDB wants pytz for instants.
    frame = connection.execute(query, parameters or None).pl()
    return [
        {name: plain(value) for name, value in row.items()}
        for row in frame.iter_rows(named=True)
    ]
