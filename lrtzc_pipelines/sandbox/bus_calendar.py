"""CKAN's `datastore_search`, and the invented bus calendar it serves.

The envelope is the portal's, down to `_links.next` on pages after the last. Holidays
are real dates; which service runs on them is invented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from lrtzc_pipelines.sandbox.draws import AS_OF, chance, generator

RESOURCE_ID = "8290bd54-ed90-4655-bb72-ac6a533fd5af"
DEFAULT_LIMIT = 100
MAX_LIMIT = 32_000
ADDED, REMOVED = 1, 2
_SERVICES = range(1, 37)
_HELP = "https://sandbox.invalid/api/3/action/help_show?name=datastore_search"
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
_COLUMNS = {
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


def found(
    records: Sequence[Mapping[str, Any]],
    query: Mapping[str, str],
    limit: int,
    offset: int,
) -> bytes:
    """The answer to a search: `limit` records from `offset` on."""
    asked = {name: value for name, value in query.items() if name != "offset"}
    path = "/api/action/datastore_search"
    follow = urlencode({**asked, "offset": offset + limit})
    result = {
        "include_total": True,
        "limit": limit,
        **({"offset": offset} if offset else {}),
        "records_format": "objects",
        "resource_id": query["resource_id"],
        **({"sort": query["sort"]} if "sort" in query else {}),
        "total_estimation_threshold": None,
        "records": list(records[offset : offset + limit]),
        "fields": [{"id": "_id", "type": "int"}]
        + [
            {"id": name, "type": kind, "info": {"label": name}}
            for name, kind in _COLUMNS.items()
        ],
        "_links": {"start": f"{path}?{urlencode(asked)}", "next": f"{path}?{follow}"},
        "total": len(records),
        "total_was_estimated": False,
    }
    return _json({"help": _HELP, "success": True, "result": result})


def refusal(message: str, kind: str) -> bytes:
    """CKAN's way to say no, such as `kind` = "Not Found Error"."""
    error = {"message": message, "__type": kind}
    return _json({"help": _HELP, "success": False, "error": error})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
