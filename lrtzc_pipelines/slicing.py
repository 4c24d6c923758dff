"""Sources partitioned by day: which days there are, and which are looked at again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.spec import SourceSpec

TIMEZONE = "Europe/Paris"
"""Where a day begins and ends."""


def last_complete_day(now: datetime) -> date:
    """The day before today, as Paris counts days."""
    return now.astimezone(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)


def window(spec: SourceSpec, last: date, since: date | None = None) -> list[date]:
    """Days to ask a source for, in order.

    Args:
        spec: A source partitioned by day.
        last: Last complete day.
        since: First day; by default as far back as data may come late.
    """
    first = since or last - timedelta(days=spec.late_days)
    first = max(first, spec.first_day or first)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def held_days(folder: Path) -> list[date]:
    """Days that have a folder of their own in the folder of a source, in order."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            found.append(date.fromisoformat(path.name))
        except ValueError:
            continue
    return sorted(found)


def slices(spec: SourceSpec, layout: Layout) -> list[SourceSpec]:
    """The source itself, or each day of it that was ever collected."""
    if not spec.is_daily:
        return [spec]
    return [spec.for_day(day) for day in held_days(layout.raw(spec.id))]


def every_slice(specs: Iterable[SourceSpec], layout: Layout) -> list[SourceSpec]:
    """The slices of some sources."""
    return [part for spec in specs for part in slices(spec, layout)]
