"""GBFS: a discovery file, and next to it the feeds that it names.

The recipe decides the version. One that counts bikes (`num_bikes_available`) is served
as version 2.3: feeds under a language, plain names, seconds since 1970. Any other is
version 3.0: names by language, times with their offset. Vehicles have no feed here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.encoders.json import encode, read_nested
from lrtzc_pipelines.sandbox.records import json_answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.formats import GbfsStationsFormat, JsonFormat
from lrtzc_pipelines.sources.protocols import GbfsConnector

_DISCOVERY = {"", "gbfs"}
_KEY, _NAME = "station_id", "name"
_STATUS = frozenset(
    {
        "num_vehicles_available",
        "num_vehicles_disabled",
        "num_bikes_available",
        "num_bikes_disabled",
        "num_docks_available",
        "num_docks_disabled",
        "vehicle_types_available",
        "vehicle_docks_available",
        "is_installed",
        "is_renting",
        "is_returning",
        "last_reported",
    }
)
"""What is told in `station_status`; the rest of a row is in `station_information`."""

_OF_VERSION_2 = frozenset({"num_bikes_available", "num_bikes_disabled"})
_LANGUAGE = "fr"
_WINTER_TIME = timezone(timedelta(hours=1))
_TTL_S = 300

Station = dict[str, Any]


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The discovery file or a feed of one of the sources; None at another address."""
    found = [
        table
        for table in tables.values()
        if isinstance(table.spec.connector, GbfsConnector)
    ]
    if not found or question.method != "GET":
        return None
    wanted = question.path.strip("/").removesuffix(".json")
    if wanted in _DISCOVERY:
        return json_answer(_discovery(found, question))
    for table in found:
        if wanted in _feeds(table):
            return json_answer(_feed(table, wanted))
    return None


def _discovery(tables: list[Table], question: Question) -> dict[str, Any]:
    """The feeds of every source at this endpoint."""
    names = dict.fromkeys(name for table in tables for name in _feeds(table))
    listed = {
        "feeds": [
            {"name": name, "url": at(question.base_url, f"{name}.json")}
            for name in names
        ]
    }
    is_old = any(_is_version_2(table) for table in tables)
    data = {_LANGUAGE: listed} if is_old else listed
    return {**_header(is_old=is_old), "data": data}


def _feed(table: Table, name: str) -> dict[str, Any]:
    header = _header(is_old=_is_version_2(table))
    form = table.spec.format
    if isinstance(form, JsonFormat):
        # The rows are those of the first feed; the others have none.
        frame = table.frame if name == _feeds(table)[0] else table.frame.clear()
        return {**header, **json.loads(encode(frame, form))}
    if name == "station_information":
        return {**header, "data": {"stations": _information(table)}}
    if name == "station_status":
        return {**header, "data": {"stations": _statuses(table)}}
    return {**header, "data": {}}


def _information(table: Table) -> list[Station]:
    stations = [
        {name: value for name, value in row.items() if name not in _STATUS}
        for row in _rows(table)
    ]
    if not _is_version_2(table):
        for station in stations:
            if _NAME in station:
                text = {"text": station[_NAME], "language": _language(table)}
                station[_NAME] = [text]
    return stations


def _statuses(table: Table) -> list[Station]:
    """The stations that tell something of their state; one that is silent is absent."""
    told = [
        {name: row[name] for name in row if name in {_KEY, *_STATUS}}
        for row in _rows(table)
    ]
    return [status for status in told if status.keys() & _STATUS]


def _rows(table: Table) -> list[Station]:
    """The rows without the fields that have no value."""
    return [
        {name: read_nested(value) for name, value in row.items() if value is not None}
        for row in table.frame.iter_rows(named=True)
    ]


def _header(*, is_old: bool) -> dict[str, Any]:
    if is_old:
        return {
            "last_updated": int(AS_OF.timestamp()),
            "ttl": _TTL_S,
            "version": "2.3",
        }
    updated = AS_OF.astimezone(_WINTER_TIME).isoformat()
    return {"last_updated": updated, "ttl": _TTL_S, "version": "3.0"}


def _is_version_2(table: Table) -> bool:
    return bool(_OF_VERSION_2 & set(table.frame.columns))


def _language(table: Table) -> str:
    form = table.spec.format
    return form.language if isinstance(form, GbfsStationsFormat) else _LANGUAGE


def _feeds(table: Table) -> tuple[str, ...]:
    connector = table.spec.connector
    assert isinstance(connector, GbfsConnector)  # noqa: S101 - filtered before
    return connector.feeds
