"""Buckets of time on the page: how wide they are, their order, their axis labels.

A bucket is known by its index, a whole number that grows by one from a bucket to the
next: a gap in the data is a jump of the index. Hours are counted in UTC, so that the
hour repeated in October makes two buckets; longer ones follow the local calendar.
No drawing, no data access.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from lrtzc_pipelines.publishing import site_text

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - bucket starts carry no zone
MOST_TICKS = 4
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240)
_SHORT_STEPS = tuple(
    timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 48, 72, 168, 336)
)


class Bucket(StrEnum):
    """Width of a bucket; the value is DuckDB's name for it."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def noun(self) -> str:
        """The French noun."""
        return {"hour": "heure", "day": "jour", "week": "semaine", "month": "mois"}[
            self.value
        ]

    @property
    def least_hours(self) -> int:
        """Hours that must be measured for a mean to stand for the bucket: half."""
        return {"hour": 1, "day": 12, "week": 84, "month": 360}[self.value]

    def position(self, start: datetime) -> float:
        """Where a time without zone falls, in buckets since 1970."""
        days = (start - EPOCH) / timedelta(days=1)
        if self is Bucket.HOUR:
            return days * 24
        if self is Bucket.DAY:
            return days
        if self is Bucket.WEEK:
            # 1970 began on a Thursday, weeks begin on Monday.
            return (days + 3) / 7
        return (start.year - EPOCH.year) * 12 + start.month - 1 + (start.day - 1) / 31

    def index_of(self, start: datetime) -> int:
        """The index of the bucket that begins at `start`."""
        return round(self.position(start))

    def wall_clock(self, index: int) -> datetime:
        """The start of a bucket on the clocks of Paris, without zone."""
        if self is Bucket.HOUR:
            start = EPOCH + timedelta(hours=index)
            return site_text.in_paris(start.replace(tzinfo=UTC)).replace(tzinfo=None)
        if self is Bucket.DAY:
            return EPOCH + timedelta(days=index)
        if self is Bucket.WEEK:
            return EPOCH + timedelta(days=index * 7 - 3)
        return EPOCH.replace(year=EPOCH.year + index // 12, month=index % 12 + 1)

    def label(self, index: int) -> str:
        """The bucket's name in a table."""
        start = self.wall_clock(index)
        if self is Bucket.MONTH:
            return f"{site_text.MONTHS[start.month - 1]} {start.year}"
        hour = f", {start.hour}\u00a0h" if self is Bucket.HOUR else ""
        return f"{site_text.day(start)}{hour}"


def choose_bucket(hours: int, series: int, *, most_points: int) -> Bucket:
    """The finest bucket that keeps a drawing of `series` lines light and legible."""
    for bucket, width, most_buckets in (
        (Bucket.HOUR, 1, 24 * 14),
        (Bucket.DAY, 24, 1100),
        (Bucket.WEEK, 168, 1100),
    ):
        buckets = hours // width + 1
        if buckets <= most_buckets and buckets * series <= most_points:
            return bucket
    return Bucket.MONTH


def ticks(bucket: Bucket, first: int, last: int) -> list[tuple[float, str]]:
    """Positions and labels of a few round dates between two buckets."""
    start, end = bucket.wall_clock(first), bucket.wall_clock(last)
    moments = _round_months(start, end)
    if len(moments) > 1:
        return [(bucket.position(at), site_text.short_month(at)) for at in moments]
    moments = _round_hours(start, end)
    whole_days = all(at.hour == 0 for at in moments)
    return [
        (_local_position(bucket, at), _day_label(at) if whole_days else f"{at.hour} h")
        for at in moments
    ]


def _round_months(start: datetime, end: datetime) -> list[datetime]:
    months = Bucket.MONTH
    first, last = months.position(start), int(months.position(end))
    step = next(
        (s for s in _MONTH_STEPS if (last - first) / s < MOST_TICKS), _MONTH_STEPS[-1]
    )
    begin = -int(-first // step) * step
    return [months.wall_clock(month) for month in range(begin, last + 1, step)]


def _round_hours(start: datetime, end: datetime) -> list[datetime]:
    step = next(
        (s for s in _SHORT_STEPS if (end - start) / s < MOST_TICKS), _SHORT_STEPS[-1]
    )
    at = start.replace(hour=0, minute=0)
    moments = []
    while at <= end:
        if at >= start:
            moments.append(at)
        at += step
    return moments


def _local_position(bucket: Bucket, at: datetime) -> float:
    if bucket is Bucket.HOUR:
        zoned = at.replace(tzinfo=ZoneInfo(site_text.PARIS))
        at = zoned.astimezone(UTC).replace(tzinfo=None)
    return bucket.position(at)


def _day_label(at: datetime) -> str:
    return f"{at.day}\u00a0{site_text.SHORT_MONTHS[at.month - 1]}"
