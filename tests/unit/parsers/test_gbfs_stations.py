"""Stations of both GBFS versions under the names of version 3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.gbfs_stations import parse_feeds

LABEL = "yelo_bike_stations"
REPORTED = "2026-06-17T05:54:39+00:00"
SECONDS = 1781675679


def feed(*stations: Any, **envelope: Any) -> bytes:
    return json.dumps({**envelope, "data": {"stations": stations}}).encode()


def read(
    information: bytes, status: bytes, language: str = "fr"
) -> list[dict[str, Any]]:
    bodies = {"station_information": information, "station_status": status}
    return parse_feeds(bodies, LABEL, language=language).to_dicts()


VERSION_2 = (
    feed({"station_id": "1", "name": "Gare", "lat": 46.15, "lon": -1.14}),
    feed(
        {
            "station_id": "1",
            "num_bikes_available": 3,
            "num_bikes_disabled": 1,
            "is_renting": True,
            "last_reported": SECONDS,
        },
        last_updated=SECONDS,
        version="2.3",
    ),
)
VERSION_3 = (
    feed(
        {
            "station_id": "1",
            "name": [{"text": "Gare", "language": "fr"}],
            "lat": 46.15,
            "lon": -1.14,
        }
    ),
    feed(
        {
            "station_id": "1",
            "num_vehicles_available": 3,
            "num_vehicles_disabled": 1,
            "is_renting": True,
            "last_reported": REPORTED,
        },
        last_updated=REPORTED,
        version="3.0",
    ),
)


@pytest.mark.parametrize("feeds", [VERSION_2, VERSION_3], ids=["2.3", "3.0"])
def test_both_versions_say_the_same(feeds: tuple[bytes, bytes]) -> None:
    assert read(*feeds) == [
        {
            "station_id": "1",
            "name": "Gare",
            "lat": "46.15",
            "lon": "-1.14",
            "num_vehicles_available": "3",
            "num_vehicles_disabled": "1",
            "is_renting": "true",
            "last_reported": REPORTED,
            "feed_last_updated": REPORTED,
        }
    ]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (SECONDS, REPORTED),
        (SECONDS + 0.5, "2026-06-17T05:54:39.500000+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        ("2026-06-17T07:54:39+02:00", "2026-06-17T07:54:39+02:00"),
        (None, None),
        # Not a moment: left as it is, for the typing step to refuse the row.
        (SECONDS * 1000, str(SECONDS * 1000)),
        (-(10**30), str(-(10**30))),
        (1e300, "1e+300"),
        (True, "true"),
        ("hier", "hier"),
    ],
)
def test_a_moment_is_seconds_or_rfc_3339(moment: object, text: str | None) -> None:
    information = feed({"station_id": "1", "name": "Gare"})
    status = feed({"station_id": "1", "last_reported": moment}, last_updated=moment)
    (station,) = read(information, status)
    assert station["last_reported"] == text
    assert station["feed_last_updated"] == text


def named(**texts: str) -> list[dict[str, str]]:
    return [{"language": language, "text": text} for language, text in texts.items()]


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("Gare", "fr", "Gare"),
        (named(en="Station", fr="Gare"), "fr", "Gare"),
        (named(en="Station", fr="Gare"), "en", "Station"),
        (named(en="Station", de="Bahnhof"), "fr", "Station"),
        (named(en="Station", fr=""), "fr", "Station"),
        (["Gare"], "fr", None),
        ([], "fr", None),
        (None, "fr", None),
    ],
)
def test_a_name_is_taken_in_the_language_of_the_source(
    name: object, language: str, expected: str | None
) -> None:
    information = feed({"station_id": "1", "name": name})
    (station,) = read(information, feed(), language)
    assert station["name"] == expected


def test_a_station_without_status_stays_with_what_is_known() -> None:
    information = feed(
        {"station_id": "1", "name": "Gare", "capacity": 12},
        {"station_id": "2", "name": "Port", "capacity": 8},
    )
    status = feed({"station_id": "2", "num_vehicles_available": 5})
    first, second = read(information, status)
    assert (first["capacity"], first["num_vehicles_available"]) == ("12", None)
    assert (second["capacity"], second["num_vehicles_available"]) == ("8", "5")


def test_a_status_without_its_station_makes_no_row() -> None:
    status = feed({"station_id": "9", "num_vehicles_available": 5})
    (station,) = read(feed({"station_id": "1", "name": "Gare"}), status)
    assert station["station_id"] == "1"


def test_values_of_the_new_name_win_over_the_old() -> None:
    status = feed(
        {"station_id": "1", "num_vehicles_available": 5, "num_bikes_available": 4}
    )
    (station,) = read(feed({"station_id": "1", "name": "Gare"}), status)
    assert station["num_vehicles_available"] == "5"


def test_no_stations_are_no_rows() -> None:
    assert read(feed(), feed()) == []


@pytest.mark.parametrize("absent", ["station_information", "station_status"])
def test_a_feed_that_was_not_collected_is_named(absent: str) -> None:
    bodies = {"station_information": feed(), "station_status": feed()}
    del bodies[absent]
    with pytest.raises(ParseError, match=rf"^{LABEL}: feed {absent} was not collected"):
        parse_feeds(bodies, LABEL, language="fr")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not a JSON document"),
        (b"[]", "expected a JSON object"),
        (b"{}", "no data.stations"),
        (b'{"data": null}', "no data.stations"),
        (b'{"data": {"stations": {}}}', "no data.stations"),
        (b'{"data": {"stations": ["1"]}}', "no data.stations"),
        (b'{"data": {"stations": [null]}}', "no data.stations"),
    ],
)
def test_a_feed_without_stations_is_refused_by_its_name(
    body: bytes, reason: str
) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: station_information: {reason}"):
        read(body, feed())
    with pytest.raises(ParseError, match=rf"^{LABEL}: station_status: {reason}"):
        read(feed(), body)
