"""The invented bus calendar that the CKAN portal serves.

Holidays are real dates; which service runs on them is invented.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from lrtzc_pipelines.sandbox.draws import AS_OF, chance, generator

RESOURCE_ID = "8290bd54-ed90-4655-bb72-ac6a533fd5af"
ADDED, REMOVED = 1, 2
_SERVICES = range(1, 37)
_HOLIDAYS = (
    date(2026, 12, 25),
    date(2027, 1, 1),
    date(2027, 3, 29),
    date(2027, 5, 1),
    date(2027, 5, 6),
    date(2027, 5, 8),
    date(2027, 5, 17),
    date(2027, 7, 14),
    date(2027, 8, 15),
)
_ORDINARY_DAYS_PER_SERVICE = 4
COLUMNS = {
    "service_id": "numeric",
    "date": "date",
    "exception_type": "numeric",
    "calendar_dates_date_donnee": "timestamp",
}


def calendar_dates(seed: int) -> list[dict[str, Any]]:
    """Every record of the resource, by `_id`; a service has a day at most once."""
    rng = generator(seed, "bus calendar")
    updated = f"{AS_OF:%Y-%m-%d}T05:54:39"
    first = AS_OF.date()
    records: list[dict[str, Any]] = []
    for service in _SERVICES:
        runs_on_holidays = chance(rng, 0.3)
        shifts = rng.choice(270, _ORDINARY_DAYS_PER_SERVICE, replace=False)
        ordinary = {first + timedelta(days=int(shift)) for shift in shifts}
        for day in sorted(ordinary | set(_HOLIDAYS)):
            added = runs_on_holidays if day in _HOLIDAYS else chance(rng, 0.5)
            records.append(
                {
                    "_id": len(records) + 1,
                    "service_id": service,
                    "date": day.isoformat(),
                    "exception_type": ADDED if added else REMOVED,
                    "calendar_dates_date_donnee": updated,
                }
            )
    return records
