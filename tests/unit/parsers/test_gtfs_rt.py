"""Trip updates and alerts of a GTFS-RT feed; vehicles never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from google.transit import gtfs_realtime_pb2 as realtime
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import gtfs_rt as module
from lrtzc_pipelines.parsers.gtfs_rt import (
    ALERT_COLUMNS,
    TRIP_UPDATE_COLUMNS,
    parse_gtfs_rt,
)
from lrtzc_pipelines.parsers.registry import _PAGE_PARSERS, _function
from lrtzc_pipelines.sources.formats import GtfsRtFormat

LABEL = "yelo_trip_updates: page file"
REAL = (
    Path(__file__).parents[4]
    / "shared"
    / "real"
    / "gtfs_netex"
    / "bibus-brest-gtfs-rt-alerts.pb"
)
Kind = Literal["trip_update", "alert"]
KINDS: list[Kind] = ["trip_update", "alert"]


def feed() -> realtime.FeedMessage:
    made = realtime.FeedMessage()
    made.header.gtfs_realtime_version = "2.0"
    made.header.timestamp = 1_700_000_000
    return made


def with_trip(made: realtime.FeedMessage, trip_id: str = "T1") -> realtime.TripUpdate:
    update = made.entity.add(id=f"entity-{trip_id}").trip_update
    update.trip.trip_id = trip_id
    return update


def with_alert(made: realtime.FeedMessage, alert_id: str = "A1") -> realtime.Alert:
    alert = made.entity.add(id=alert_id).alert
    alert.SetInParent()
    return alert


def parse(body: bytes, entity: Kind = "trip_update") -> pl.DataFrame:
    return parse_gtfs_rt(body, LABEL, GtfsRtFormat(kind="gtfs_rt", entity=entity))


def rows(
    made: realtime.FeedMessage, entity: Kind = "trip_update"
) -> list[dict[str, Any]]:
    frame = parse(made.SerializeToString(), entity)
    columns = {"trip_update": TRIP_UPDATE_COLUMNS, "alert": ALERT_COLUMNS}[entity]
    assert frame.schema == dict.fromkeys(columns, pl.String())
    return frame.to_dicts()


def given_values(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def test_the_registry_knows_the_parser() -> None:
    assert _function(_PAGE_PARSERS["gtfs_rt"]) is parse_gtfs_rt


def test_each_stop_of_a_trip_update_is_a_row() -> None:
    made = feed()
    update = with_trip(made)
    update.trip.route_id, update.trip.direction_id = "L1", 0
    update.trip.start_date, update.trip.start_time = "20231114", "25:10:00"
    update.trip.schedule_relationship = realtime.TripDescriptor.SCHEDULED
    update.timestamp = 1_699_999_990
    first = update.stop_time_update.add(stop_sequence=3, stop_id="S3")
    first.arrival.delay, first.departure.delay = -60, 120
    first.departure.time = 1_700_000_120
    update.stop_time_update.add(stop_sequence=0, schedule_relationship="SKIPPED")
    trip = {
        "entity_number": "1",
        "trip_id": "T1",
        "route_id": "L1",
        "direction_id": "0",
        "start_date": "20231114",
        "start_time": "25:10:00",
        "trip_schedule_relationship": "SCHEDULED",
        "trip_timestamp": "1699999990",
        "feed_timestamp": "1700000000",
    }
    assert [given_values(row) for row in rows(made)] == [
        {
            **trip,
            "update_number": "1",
            "stop_sequence": "3",
            "stop_id": "S3",
            "arrival_delay": "-60",
            "departure_delay": "120",
            "departure_time": "1700000120",
        },
        {
            **trip,
            "update_number": "2",
            "stop_sequence": "0",
            "schedule_relationship": "SKIPPED",
        },
    ]


def test_a_delay_of_zero_is_not_an_absent_one() -> None:
    made = feed()
    with_trip(made).stop_time_update.add(stop_id="S").arrival.delay = 0
    (row,) = rows(made)
    assert (row["arrival_delay"], row["departure_delay"]) == ("0", None)


def test_a_cancelled_trip_without_stops_is_a_row() -> None:
    made = feed()
    cancelled = with_trip(made)
    cancelled.trip.schedule_relationship = realtime.TripDescriptor.CANCELED
    with_trip(made, "T2").stop_time_update.add(stop_id="S")
    found = rows(made)
    assert [(r["entity_number"], r["update_number"], r["stop_id"]) for r in found] == [
        ("1", "0", None),
        ("2", "1", "S"),
    ]
    assert found[0]["trip_schedule_relationship"] == "CANCELED"


def test_deleted_entities_are_left_out() -> None:
    made = feed()
    with_trip(made)
    made.entity[0].is_deleted = True
    assert rows(made) == []


@pytest.mark.parametrize("entity", KINDS)
def test_no_vehicle_is_ever_read(entity: Kind) -> None:
    made = feed()
    update = with_trip(made)
    made.entity[0].id = "SECRET-entity"
    update.stop_time_update.add(stop_id="S")
    vehicle = made.entity.add(id="SECRET-vehicle").vehicle
    for described in (update.vehicle, vehicle.vehicle):
        described.id, described.label = "SECRET-id", "SECRET-label"
        described.license_plate = "SECRET-plate"
    vehicle.trip.trip_id = "SECRET-trip"
    vehicle.position.latitude, vehicle.position.longitude = 46.1234, -1.4321
    alert = with_alert(made)
    alert.informed_entity.add(stop_id="S")
    frame = parse(made.SerializeToString(), entity)
    assert frame.height == 1
    assert not any("vehicle" in name for name in frame.columns)
    text = frame.write_json()
    assert "SECRET" not in text
    assert "46.12" not in text


def test_an_alert_is_a_row_for_each_thing_and_language() -> None:
    made = feed()
    alert = with_alert(made)
    alert.cause, alert.effect = realtime.Alert.CONSTRUCTION, realtime.Alert.DETOUR
    alert.active_period.add(start=100, end=200)
    alert.header_text.translation.add(text="Déviation", language="fr")
    alert.header_text.translation.add(text="Detour", language="en")
    alert.description_text.translation.add(text="Rue barrée", language="fr")
    alert.informed_entity.add(agency_id="YELO", route_id="L1", route_type=3)
    other = alert.informed_entity.add(stop_id="S1")
    other.trip.trip_id, other.trip.direction_id = "T1", 1
    about = {
        "alert_id": "A1",
        "cause": "CONSTRUCTION",
        "effect": "DETOUR",
        "active_period_start": "100",
        "active_period_end": "200",
        "active_periods": "[[100,200]]",
        "feed_timestamp": "1700000000",
    }
    french = {
        "language": "fr",
        "header_text": "Déviation",
        "description_text": "Rue barrée",
    }
    english = {"language": "en", "header_text": "Detour"}
    line = {
        "informed_number": "1",
        "agency_id": "YELO",
        "route_id": "L1",
        "route_type": "3",
    }
    stop = {
        "informed_number": "2",
        "stop_id": "S1",
        "trip_id": "T1",
        "direction_id": "1",
    }
    assert [given_values(row) for row in rows(made, "alert")] == [
        {**about, **line, **french},
        {**about, **line, **english},
        {**about, **stop, **french},
        {**about, **stop, **english},
    ]


@pytest.mark.parametrize(
    ("periods", "start", "end", "every"),
    [
        ([], None, None, None),
        ([(100, 200), (50, 60)], "50", "200", "[[100,200],[50,60]]"),
        ([(100, None), (50, 60)], "50", None, "[[100,null],[50,60]]"),
        ([(None, 200)], None, "200", "[[null,200]]"),
    ],
)
def test_periods_are_told_as_a_whole_and_one_by_one(
    periods: list[tuple[int | None, int | None]],
    start: str | None,
    end: str | None,
    every: str | None,
) -> None:
    made = feed()
    alert = with_alert(made)
    for period_start, period_end in periods:
        alert.active_period.add(start=period_start, end=period_end)
    (row,) = rows(made, "alert")
    names = ("active_period_start", "active_period_end", "active_periods")
    assert tuple(row[name] for name in names) == (start, end, every)


def test_an_alert_about_nothing_in_no_language_is_a_row() -> None:
    made = feed()
    with_alert(made)
    assert [given_values(row) for row in rows(made, "alert")] == [
        {"alert_id": "A1", "informed_number": "0", "feed_timestamp": "1700000000"}
    ]


@pytest.mark.parametrize("entity", KINDS)
def test_a_feed_without_such_entities_has_columns_and_no_rows(entity: Kind) -> None:
    assert rows(feed(), entity) == []


def differential(made: realtime.FeedMessage) -> None:
    made.header.incrementality = realtime.FeedHeader.DIFFERENTIAL


def unversioned(made: realtime.FeedMessage) -> None:
    made.header.gtfs_realtime_version = ""


@pytest.mark.parametrize(
    ("change", "said"),
    [(differential, "tells only differences"), (unversioned, "no version")],
)
def test_a_feed_that_is_no_state_is_refused(
    change: Callable[[realtime.FeedMessage], None], said: str
) -> None:
    made = feed()
    change(made)
    with pytest.raises(ParseError, match=f"^{LABEL}: .*{said}"):
        parse(made.SerializeToString())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Maintenance</title>",
        b'{"error": "Too many requests"}',
        b"PK\x03\x04",
        b"\xff" * 50,
        b"\x0a\x00",
    ],
)
@pytest.mark.parametrize("entity", KINDS)
def test_what_is_no_feed_is_refused(body: bytes, entity: Kind) -> None:
    with pytest.raises(ParseError, match=f"^{LABEL}: not a GTFS-RT message"):
        parse(body, entity)


def test_a_feed_cut_inside_an_entity_is_refused() -> None:
    made = feed()
    whole_header = len(made.SerializeToString())
    with_trip(made, "T" * 100).stop_time_update.add(stop_id="S")
    body = made.SerializeToString()
    for length in range(whole_header + 1, len(body)):
        with pytest.raises(ParseError, match="cut short"):
            parse(body[:length])


def test_text_that_is_not_utf_8_is_refused_without_being_shown() -> None:
    made = feed()
    with_alert(made).header_text.translation.add(text="Dupont-XX")
    body = made.SerializeToString().replace(b"XX", b"\xe9\xe8")
    with pytest.raises(ParseError, match=f"^{LABEL}: ") as caught:
        parse(body, "alert")
    assert "Dupont" not in str(caught.value)


def test_a_long_text_on_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGEST_TEXT", 1_000_000)
    made = feed()
    alert = with_alert(made)
    alert.header_text.translation.add(text="x" * 50_000)
    for _ in range(1000):
        alert.informed_entity.add(stop_id="S")
    body = made.SerializeToString()
    assert len(body) < 60_000
    with pytest.raises(ParseError, match="1 MB of text in rows"):
        parse(body, "alert")


def sample() -> bytes:
    made = feed()
    update = with_trip(made)
    update.stop_time_update.add(stop_id="S", stop_sequence=4).arrival.delay = 30
    with_alert(made).header_text.translation.add(text="Déviation", language="fr")
    return made.SerializeToString()


@given(st.data(), st.sampled_from(KINDS))
def test_damaged_feeds_are_read_or_refused_and_never_anything_else(
    data: st.DataObject, entity: Kind
) -> None:
    body = bytearray(sample())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    columns = {"trip_update": TRIP_UPDATE_COLUMNS, "alert": ALERT_COLUMNS}[entity]
    try:
        found = parse(bytes(body), entity).columns
    except ParseError:
        found = list(columns)
    assert found == list(columns)


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_any_bytes_are_read_or_refused(body: bytes, entity: Kind) -> None:
    with pytest.raises(ParseError, match=f"^{LABEL}: "):
        parse(b"\x1f" + body, entity)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_file(), reason="the real files are not here")
def test_the_alerts_of_a_real_feed_are_read() -> None:
    body = REAL.read_bytes()
    frame = parse(body, "alert")
    # Counted in the bytes: each entity opens with its id, a UUID of 36 signs.
    assert frame["alert_id"].n_unique() == body.count(b"\n\x24") == 12
    assert frame.height == 14
    assert set(frame["feed_timestamp"]) == {"1639668542"}
    assert set(frame["cause"]) <= {"CONSTRUCTION", "OTHER_CAUSE", "MAINTENANCE"}
    first = frame.row(0, named=True)
    assert first["route_id"] == "45"
    assert (first["active_period_start"], first["active_period_end"]) == (
        "1631635200",
        "1640365200",
    )
    assert first["header_text"].startswith("L 45 Prolongation des travaux")
    assert "Arrêts non desservis" in first["description_text"]
    assert parse(body, "trip_update").height == 0


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    made = feed()
    with_trip(made, "T-XX")
    body = made.SerializeToString().replace(b"XX", b"\xe9\xe8")
    with pytest.raises(ParseError, match="row 1: a text that is not UTF-8"):
        parse(body)
