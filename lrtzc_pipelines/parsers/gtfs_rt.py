"""Trip updates and alerts of a GTFS-RT feed, as text.

Vehicles are never read: neither their positions, identifiers and labels, nor the names
of trip updates' entities, which many producers make of the vehicle's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import polars as pl
from google.protobuf.message import DecodeError, Message
from google.transit import gtfs_realtime_pb2 as realtime

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.json_records import as_text
from lrtzc_pipelines.sources.formats import GtfsRtFormat

TRIP_UPDATE_COLUMNS = (
    "entity_number",
    "update_number",
    "trip_id",
    "route_id",
    "direction_id",
    "start_date",
    "start_time",
    "trip_schedule_relationship",
    "trip_timestamp",
    "stop_sequence",
    "stop_id",
    "arrival_delay",
    "arrival_time",
    "departure_delay",
    "departure_time",
    "schedule_relationship",
    "feed_timestamp",
)
"""Columns of trip updates.

`entity_number` counts the feed's trip updates and `update_number` the stops of each,
from 1; it is 0 for a trip of which no stop is told, as cancelled ones are. Times are
seconds since 1970, delays seconds; enumerations have their names in the specification.
"""

ALERT_COLUMNS = (
    "alert_id",
    "informed_number",
    "language",
    "cause",
    "effect",
    "active_period_start",
    "active_period_end",
    "active_periods",
    "agency_id",
    "route_id",
    "route_type",
    "direction_id",
    "trip_id",
    "stop_id",
    "header_text",
    "description_text",
    "feed_timestamp",
)
"""Columns of alerts: a row for each language of each thing that an alert is about.

`informed_number` counts those things from 1, and is 0 where none is told. The period
runs from the earliest start to the latest end, null where one is open;
`active_periods` has each as `[start,end]` in JSON.
"""

_LARGEST_TEXT = 50_000_000
"""Characters in a frame; the size of a feed is no bound, as texts repeat on rows."""

_PLACE = 8
"""What a value takes of a row, whatever it is: rows of nothing add up, too."""

Text: TypeAlias = str | bytes | None
"""A field; bytes are a text that is not UTF-8, and refused with its row."""

Row: TypeAlias = tuple[Text, ...]


def parse_gtfs_rt(body: bytes, label: str, form: GtfsRtFormat) -> pl.DataFrame:
    """One row per stop of each trip update, or per thing and language of each alert.

    A value that the feed leaves out is null, even where the specification gives it a
    default. A protocol buffer does not tell its length: a body cut exactly between two
    entities reads as a shorter feed, and only HTTP can tell.

    Raises:
        ParseError: not a GTFS-RT message, cut inside an entity, one that tells only
            differences, or one that would grow out of all proportion.
    """
    feed = realtime.FeedMessage()
    try:
        feed.ParseFromString(body)
    except (DecodeError, UnicodeDecodeError) as error:
        msg = f"{label}: not a GTFS-RT message, or cut short"
        raise ParseError(msg) from error
    header = feed.header
    if not header.gtfs_realtime_version:
        msg = f"{label}: not a GTFS-RT message: no version"
        raise ParseError(msg)
    if header.incrementality == realtime.FeedHeader.DIFFERENTIAL:
        msg = f"{label}: tells only differences, which are no state of the network"
        raise ParseError(msg)
    columns, rows = _KINDS[form.entity]
    return _frame(rows(feed), columns, label)


def _frame(rows: Iterator[Row], columns: tuple[str, ...], label: str) -> pl.DataFrame:
    kept: list[Row] = []
    size = 0
    for row in rows:
        # Protobuf hands over as bytes what should be text and is not UTF-8.
        if any(isinstance(value, bytes) for value in row):
            msg = f"{label}: row {len(kept) + 1}: a text that is not UTF-8"
            raise ParseError(msg)
        size += sum(len(value) for value in row if value) + _PLACE * len(row)
        if size > _LARGEST_TEXT:
            msg = f"{label}: more than {_LARGEST_TEXT // 1_000_000} MB of text in rows"
            raise ParseError(msg)
        kept.append(row)
    return pl.DataFrame(kept, schema=dict.fromkeys(columns, pl.String), orient="row")


def _trip_update_rows(feed: realtime.FeedMessage) -> Iterator[Row]:
    timestamp = _value(feed.header, "timestamp")
    entities = _entities(feed, "trip_update")
    for number, entity in enumerate(entities, start=1):
        update = entity.trip_update
        trip = (
            *_values(update.trip, "trip_id", "route_id", "direction_id"),
            *_values(update.trip, "start_date", "start_time"),
            _value(update.trip, "schedule_relationship"),
            _value(update, "timestamp"),
        )
        if not update.stop_time_update:
            yield (str(number), "0", *trip, *[None] * 7, timestamp)
        for position, stop in enumerate(update.stop_time_update, start=1):
            yield (
                str(number),
                str(position),
                *trip,
                *_values(stop, "stop_sequence", "stop_id"),
                *_values(stop.arrival, "delay", "time"),
                *_values(stop.departure, "delay", "time"),
                _value(stop, "schedule_relationship"),
                timestamp,
            )


def _alert_rows(feed: realtime.FeedMessage) -> Iterator[Row]:
    timestamp = _value(feed.header, "timestamp")
    for entity in _entities(feed, "alert"):
        alert = entity.alert
        about = (
            *_values(alert, "cause", "effect"),
            *_periods(alert),
        )
        headers = _by_language(alert.header_text)
        descriptions = _by_language(alert.description_text)
        languages = dict.fromkeys([*headers, *descriptions]) or {None: None}
        for number, informed in _numbered(alert.informed_entity):
            thing = (
                *_values(informed, "agency_id", "route_id", "route_type"),
                _direction(informed),
                _value(informed.trip, "trip_id"),
                _value(informed, "stop_id"),
            )
            for language in languages:
                texts = (headers.get(language), descriptions.get(language))
                place = (entity.id, number, language)
                yield (*place, *about, *thing, *texts, timestamp)


_KINDS: dict[
    str, tuple[tuple[str, ...], Callable[[realtime.FeedMessage], Iterator[Row]]]
] = {
    "trip_update": (TRIP_UPDATE_COLUMNS, _trip_update_rows),
    "alert": (ALERT_COLUMNS, _alert_rows),
}


def _entities(feed: realtime.FeedMessage, kind: str) -> Iterator[realtime.FeedEntity]:
    return (e for e in feed.entity if e.HasField(kind) and not e.is_deleted)


def _value(message: Message, name: str) -> Text:
    """A field as text, an enumeration by its name; null if it is left out."""
    if not message.HasField(name):
        return None
    value = getattr(message, name)
    if isinstance(value, bytes):
        return value
    kind = message.DESCRIPTOR.fields_by_name[name].enum_type
    return str(kind.values_by_number[value].name if kind else value)


def _values(message: Message, *names: str) -> Iterator[Text]:
    return (_value(message, name) for name in names)


def _direction(informed: realtime.EntitySelector) -> Text:
    """A direction stands on the selector, or on the trip that it selects."""
    own = _value(informed, "direction_id")
    return _value(informed.trip, "direction_id") if own is None else own


def _numbered(
    informed: Any,
) -> Iterator[tuple[str, realtime.EntitySelector]]:
    if not informed:
        yield "0", realtime.EntitySelector()
    for number, selector in enumerate(informed, start=1):
        yield str(number), selector


def _periods(alert: realtime.Alert) -> tuple[str | None, str | None, str | None]:
    """Earliest start and latest end, null where open, and every period as JSON."""
    periods = [
        [p.start if p.HasField("start") else None, p.end if p.HasField("end") else None]
        for p in alert.active_period
    ]
    starts, ends = [start for start, _ in periods], [end for _, end in periods]
    start = min((s for s in starts if s is not None), default=None)
    end = max((e for e in ends if e is not None), default=None)
    return (
        None if start is None or None in starts else str(start),
        None if end is None or None in ends else str(end),
        as_text(periods) if periods else None,
    )


def _by_language(text: realtime.TranslatedString) -> dict[Text, str]:
    """Texts by language; the first of two in one language."""
    found: dict[Text, str] = {}
    for translation in text.translation:
        found.setdefault(_value(translation, "language"), translation.text)
    return found
