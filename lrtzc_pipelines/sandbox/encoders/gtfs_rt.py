"""Frames as GTFS-RT feeds, with the columns that `parsers.gtfs_rt` gives.

Each trip update has a vehicle and each feed a vehicle's position, as real ones do:
whoever reads them must leave both alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import polars as pl
from google.protobuf.message import Message
from google.transit import gtfs_realtime_pb2 as realtime

from lrtzc_pipelines.sources.formats import GtfsRtFormat

Row = dict[str, Any]

_TRIP = ("trip_id", "route_id", "direction_id", "start_date", "start_time")
_UPDATE = ("entity_number", *_TRIP, "trip_schedule_relationship", "trip_timestamp")
_INFORMED = ("agency_id", "route_id", "route_type", "direction_id", "stop_id")


def encode(frame: pl.DataFrame, form: GtfsRtFormat) -> bytes:
    """A feed of trip updates or alerts; columns that are absent are left out.

    Rows of one entity stand together: stops of a trip in their order, languages of
    each thing that an alert is about.
    """
    feed = realtime.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.incrementality = realtime.FeedHeader.FULL_DATASET
    rows = frame.to_dicts()
    if rows:
        _set(feed.header, "timestamp", rows[0].get("feed_timestamp"))
    add = {"trip_update": _add_trip_updates, "alert": _add_alerts}[form.entity]
    add(feed, rows)
    return feed.SerializeToString(deterministic=True)


def _add_trip_updates(feed: realtime.FeedMessage, rows: list[Row]) -> None:
    for number, group in enumerate(_groups(rows, _UPDATE), start=1):
        vehicle = f"vehicle-{number}"
        entity = feed.entity.add(id=vehicle)
        update = entity.trip_update
        update.vehicle.id = update.vehicle.label = vehicle
        _set(update, "timestamp", group[0].get("trip_timestamp"))
        # Setting nothing would leave out the trip, which the specification requires.
        update.trip.SetInParent()
        for name in _TRIP:
            _set(update.trip, name, group[0].get(name))
        relationship = group[0].get("trip_schedule_relationship")
        _set(update.trip, "schedule_relationship", relationship)
        for row in group:
            if str(row.get("update_number")) != "0":
                _add_stop(update, row)
    if rows:
        position = feed.entity.add(id="position").vehicle
        position.vehicle.id = "vehicle-1"
        position.position.latitude, position.position.longitude = 46.16, -1.15


def _add_stop(update: realtime.TripUpdate, row: Row) -> None:
    stop = update.stop_time_update.add()
    for name in ("stop_sequence", "stop_id", "schedule_relationship"):
        _set(stop, name, row.get(name))
    for name in ("delay", "time"):
        _set(stop.arrival, name, row.get(f"arrival_{name}"))
        _set(stop.departure, name, row.get(f"departure_{name}"))


def _add_alerts(feed: realtime.FeedMessage, rows: list[Row]) -> None:
    for group in _groups(rows, ("alert_id",)):
        first = group[0]
        entity = feed.entity.add(id=first["alert_id"])
        alert = entity.alert
        alert.SetInParent()
        for name in ("cause", "effect"):
            _set(alert, name, first.get(name))
        for start, end in _periods(first):
            period = alert.active_period.add()
            _set(period, "start", start)
            _set(period, "end", end)
        for things in _groups(group, ("informed_number",)):
            if str(things[0].get("informed_number")) != "0":
                informed = alert.informed_entity.add()
                for name in _INFORMED:
                    _set(informed, name, things[0].get(name))
                _set(informed.trip, "trip_id", things[0].get("trip_id"))
        for row in next(_groups(group, ("informed_number",))):
            _translate(alert.header_text, row.get("language"), row.get("header_text"))
            _translate(
                alert.description_text,
                row.get("language"),
                row.get("description_text"),
            )


def _periods(row: Row) -> Iterable[tuple[int | None, int | None]]:
    if row.get("active_periods"):
        return [(start, end) for start, end in json.loads(row["active_periods"])]
    start, end = row.get("active_period_start"), row.get("active_period_end")
    return [] if start is None and end is None else [(start, end)]


def _translate(
    text: realtime.TranslatedString, language: str | None, words: str | None
) -> None:
    if words is not None:
        _set(text.translation.add(text=words), "language", language)


def _groups(rows: list[Row], names: tuple[str, ...]) -> Iterator[list[Row]]:
    """Neighbouring rows that agree in some columns."""
    for _, group in groupby(rows, key=lambda row: [row.get(name) for name in names]):
        yield list(group)


def _set(message: Message, name: str, value: Any) -> None:
    """Sets a field from a value or its text; None leaves it out."""
    if value is None:
        return
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.enum_type:
        value = field.enum_type.values_by_name[value].number
    elif field.cpp_type != field.CPPTYPE_STRING:
        value = int(value)
    setattr(message, name, value)
