"""GBFS in the sandbox: both versions, and what the platform reads in their feeds."""

from __future__ import annotations

from typing import Any

import pytest
from protocol_tables import BASE_URL, document, get, table

from lrtzc_pipelines.connectors.gbfs import feed_urls
from lrtzc_pipelines.parsers.gbfs_stations import parse_feeds
from lrtzc_pipelines.sandbox.protocols.gbfs import answer
from lrtzc_pipelines.sandbox.tables import Question, Table

FEEDS = ("station_information", "station_status")
STATIONS = {"kind": "gbfs_stations", "language": "fr"}
NEW: list[dict[str, Any]] = [
    {
        "station_id": "t-1",
        "name": "Place d'essai",
        "lat": 46.16,
        "lon": -1.15,
        "capacity": 2,
        "num_vehicles_available": 1,
        "vehicle_types_available": '[{"vehicle_type_id":"1","count":1}]',
        "is_renting": True,
        "last_reported": "2026-11-15T21:00:00+01:00",
    },
    {
        "station_id": "t-2",
        "name": "Sans état",
        "lat": 46.17,
        "lon": -1.16,
        "capacity": None,
        "num_vehicles_available": None,
        "vehicle_types_available": None,
        "is_renting": None,
        "last_reported": None,
    },
]
OLD: list[dict[str, Any]] = [
    {
        "station_id": "t-1",
        "name": "Place d'essai",
        "lat": 46.16,
        "lon": -1.15,
        "num_bikes_available": 3,
        "is_renting": False,
        "last_reported": 1_794_772_800,
    }
]


def tables(
    rows: list[dict[str, Any]],
    *feeds: str,
    form: dict[str, Any] = STATIONS,
    name: str = "town_cars",
) -> dict[str, Table]:
    asked = {"kind": "gbfs", "feeds": feeds or FEEDS}
    return {name: table(rows, asked, form, name)}


def ask(found: dict[str, Table], path: str) -> dict[str, Any]:
    asked: dict[str, Any] = document(answer(found, get(path)))
    return asked


def parsed(found: dict[str, Table]) -> list[dict[str, Any]]:
    bodies = {}
    for name in FEEDS:
        given = answer(found, get(f"{name}.json"))
        assert given
        bodies[name] = given.body
    return parse_feeds(bodies, "town", language="fr").to_dicts()


@pytest.mark.parametrize("path", ["", "gbfs", "gbfs.json"])
def test_version_3_lists_its_feeds_next_to_the_discovery_file(path: str) -> None:
    found = ask(tables(NEW), path)
    assert (found["version"], found["last_updated"]) == (
        "3.0",
        "2026-11-15T21:55:00+01:00",
    )
    assert feed_urls("town", found) == {
        name: f"{BASE_URL}{name}.json" for name in FEEDS
    }


def test_version_2_lists_its_feeds_under_a_language() -> None:
    found = ask(tables(OLD), "gbfs.json")
    assert found["version"] == "2.3"
    assert isinstance(found["last_updated"], int)
    assert list(found["data"]) == ["fr"]
    assert set(feed_urls("town", found)) == set(FEEDS)


def test_version_3_gives_names_by_language_and_version_2_plain_ones() -> None:
    new = ask(tables(NEW), "station_information.json")["data"]["stations"]
    assert new[0]["name"] == [{"text": "Place d'essai", "language": "fr"}]
    old = ask(tables(OLD), "station_information.json")["data"]["stations"]
    assert old[0]["name"] == "Place d'essai"


def test_a_field_stands_in_the_feed_that_it_belongs_to() -> None:
    (known, silent) = ask(tables(NEW), "station_information")["data"]["stations"]
    assert set(known) == {"station_id", "name", "lat", "lon", "capacity"}
    assert "capacity" not in silent
    (status,) = ask(tables(NEW), "station_status")["data"]["stations"]
    assert status == {
        "station_id": "t-1",
        "num_vehicles_available": 1,
        "vehicle_types_available": [{"vehicle_type_id": "1", "count": 1}],
        "is_renting": True,
        "last_reported": "2026-11-15T21:00:00+01:00",
    }


def test_both_versions_are_read_under_the_names_of_the_third() -> None:
    new, silent = parsed(tables(NEW))
    assert (new["num_vehicles_available"], silent["num_vehicles_available"]) == (
        "1",
        None,
    )
    (old,) = parsed(tables(OLD))
    assert (old["name"], old["num_vehicles_available"]) == ("Place d'essai", "3")
    assert old["last_reported"] == "2026-11-15T20:00:00+00:00"
    assert old["feed_last_updated"] == "2026-11-15T20:55:00+00:00"


def test_sources_of_one_endpoint_share_a_discovery_file() -> None:
    types = [{"vehicle_type_id": "1", "form_factor": "car"}]
    form = {"kind": "json", "records": "data.vehicle_types", "absent_is_empty": True}
    found = tables(NEW) | tables(
        types, "vehicle_types", "system_regions", form=form, name="town_types"
    )
    listed = ask(found, "gbfs.json")["data"]["feeds"]
    assert [feed["name"] for feed in listed] == [
        *FEEDS,
        "vehicle_types",
        "system_regions",
    ]
    feed = ask(found, "vehicle_types.json")
    assert (feed["version"], feed["data"]) == ("3.0", {"vehicle_types": types})
    assert ask(found, "system_regions.json")["data"] == {"vehicle_types": []}


def test_a_feed_beside_the_stations_is_empty() -> None:
    found = tables(NEW, *FEEDS, "system_alerts")
    assert ask(found, "system_alerts.json")["data"] == {}


@pytest.mark.parametrize("path", ["vehicle_status.json", "else/gbfs.json"])
def test_another_address_is_not_answered(path: str) -> None:
    assert answer(tables(NEW), get(path)) is None


def test_only_questions_to_a_source_are_answered() -> None:
    assert answer({}, get("gbfs.json")) is None
    assert answer(tables(NEW), Question("POST", "gbfs.json")) is None
