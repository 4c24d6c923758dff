"""GBFS stations, versions 2 and 3 brought to the names of version 3, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.json_records import are_objects, load, text_frame
from lrtzc_pipelines.parsers.places import placed
from lrtzc_pipelines.sources.formats import GbfsStationsFormat

_NAMES_OF_VERSION_2 = {
    "num_bikes_available": "num_vehicles_available",
    "num_bikes_disabled": "num_vehicles_disabled",
}


def parse_snapshot(
    pages: Sequence[tuple[str, bytes]], label: str, form: GbfsStationsFormat
) -> pl.DataFrame:
    """The stations of a snapshot, placed on its status page.

    Raises:
        ParseError: a feed is absent or lacks stations.
    """
    frame = parse_feeds(dict(pages), label, language=form.language)
    names = [name for name, _ in pages]
    return placed(frame, names.index("station_status"))


def parse_feeds(
    bodies: Mapping[str, bytes], label: str, *, language: str
) -> pl.DataFrame:
    """One row per station of `station_information`, with its status where there is one.

    Args:
        bodies: Feed bodies by name.
        label: Source, for messages.
        language: Language preferred among localized names.

    Raises:
        ParseError: a feed is absent or lacks stations.
    """
    information = _stations(bodies, "station_information", label)
    statuses = _stations(bodies, "station_status", label)
    by_station = {status.get("station_id"): status for status in statuses}
    updated = _moment(load(bodies["station_status"], label).get("last_updated"))
    rows = []
    for station in information:
        status = by_station.get(station.get("station_id"), {})
        row = {**station, **status, "feed_last_updated": updated}
        row["name"] = _localized(station.get("name"), language)
        row["last_reported"] = _moment(status.get("last_reported"))
        for old, new in _NAMES_OF_VERSION_2.items():
            if old in row:
                row.setdefault(new, row.pop(old))
        rows.append(row)
    return text_frame(rows, label)


def _stations(
    bodies: Mapping[str, bytes], feed: str, label: str
) -> list[dict[str, Any]]:
    if feed not in bodies:
        msg = f"{label}: feed {feed} was not collected"
        raise ParseError(msg)
    data = load(bodies[feed], f"{label}: {feed}").get("data")
    stations = data.get("stations") if isinstance(data, dict) else None
    if not are_objects(stations):
        msg = f"{label}: {feed}: no data.stations"
        raise ParseError(msg)
    return stations


def _localized(name: object, language: str) -> object:
    """Version 3 gives a list of texts by language, version 2 a plain string."""
    if not isinstance(name, list):
        return name
    if not are_objects(name):
        return None
    texts = {item.get("language"): item.get("text") for item in name}
    return texts.get(language) or next(iter(texts.values()), None)


def _moment(value: object) -> object:
    """Version 2 gives POSIX seconds, version 3 RFC 3339; the latter comes out.

    What is no moment stays as it is: the typing step refuses its row, with a reason.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(value, UTC).isoformat()
    return value
