"""Days and moments of a recipe: series, draws, how they are written, and profiles."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.sandbox.recipe_grammar import Profile
from lrtzc_pipelines.sandbox.recipe_values import Between, Bound, Series

Floats = npt.NDArray[np.float64]

LOCAL_ZONE = "Europe/Paris"
_DAYS_PER_YEAR = 365.25
_COLDEST_DAY = 15
_SEASON_SWING = 0.6
_SOLAR_NOON, _MEAN_DAYLIGHT, _DAYLIGHT_SWING = 13.3, 12.2, 3.8
"""Hours of La Rochelle's clock, roughly: what the sun does, not an almanac."""

_LEAST_SUN = 0.35
_RUSHES = ((8.2, 0.9), (17.6, 1.3))
_SATURDAY = 6


def bound(value: Bound, day: date) -> datetime:
    """A bound as a moment in UTC, `day` being the one that is asked for."""
    if value == "day":
        value = day
    elif value == "next_day":
        value = day + timedelta(days=1)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    msg = f"{value!r} is no moment"
    raise TypeError(msg)


def series(asked: Series, day: date) -> pl.Series:
    """Every moment of a series."""
    start, end = bound(asked.start, day), bound(asked.end, day)
    return pl.datetime_range(
        start, end, asked.step, closed="left", time_zone="UTC", eager=True
    )


def drawn(
    between: Between, day: date, rng: np.random.Generator, count: int
) -> pl.Series:
    """So many moments between two, to the second."""
    if between.step:
        steps = Series(start=between.start, end=between.end, step=between.step)
        possible = series(steps, day)
        return possible.gather(rng.integers(0, len(possible), count))
    start, end = bound(between.start, day), bound(between.end, day)
    seconds = rng.integers(0, max(int((end - start).total_seconds()), 1), count)
    since = pl.Series(seconds * 1_000_000, dtype=pl.Duration("us"))
    return (
        pl.Series([start], dtype=pl.Datetime("us", "UTC")).new_from_index(0, count)
        + since
    )


def written(moments: pl.Series, form: str | None, zone: str) -> pl.Series:
    """Moments as text in a time zone, or as numbers since 1970."""
    match form:
        case "epoch_s":
            return moments.dt.epoch("s")
        case "epoch_ms":
            return moments.dt.epoch("ms")
    local = moments.dt.convert_time_zone(zone)
    return local.dt.strftime(form or "%Y-%m-%dT%H:%M:%S%:z")


def profile(name: Profile, moments: pl.Series) -> Floats:
    """Factors by which a quantity follows the season or the hour.

    `winter` and `summer` are 1 in the mean of a year; `daylight` is 0 at night and 1
    at noon in June; `rush_hours` is 1 at the evening's rush on a working day.
    """
    local = moments.dt.convert_time_zone(LOCAL_ZONE)
    day = local.dt.ordinal_day().to_numpy().astype(float)
    hour = (local.dt.hour() + local.dt.minute() / 60).to_numpy().astype(float)
    cold = np.cos(2 * np.pi * (day - _COLDEST_DAY) / _DAYS_PER_YEAR)
    match name:
        case "winter":
            return np.asarray(1 + _SEASON_SWING * cold)
        case "summer":
            return np.asarray(1 - _SEASON_SWING * cold)
        case "daylight":
            return _daylight(hour, cold)
        case "rush_hours":
            weekend = local.dt.weekday().to_numpy() >= _SATURDAY
            return _rush_hours(hour, weekend)


def _daylight(hour: Floats, cold: Floats) -> Floats:
    length = _MEAN_DAYLIGHT - _DAYLIGHT_SWING * cold
    height = np.cos(np.pi * (hour - _SOLAR_NOON) / length)
    is_up = np.abs(hour - _SOLAR_NOON) < length / 2
    season = (1 + _LEAST_SUN) / 2 - (1 - _LEAST_SUN) / 2 * cold
    return np.where(is_up, np.clip(height, 0, 1) * season, 0.0)


def _rush_hours(hour: Floats, weekend: npt.NDArray[np.bool_]) -> Floats:
    rush = sum(np.exp(-(((hour - peak) / width) ** 2)) for peak, width in _RUSHES)
    awake = 0.05 + 0.3 * np.exp(-(((hour - 14) / 5) ** 2))
    return np.minimum(awake + np.where(weekend, 0.15, 0.75) * rush, 1.0)
