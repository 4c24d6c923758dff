"""Real files of the mobility protocols, read as the sources of the territory declare.

They are of other places: what counts is that every row is read, not where it lies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lrtzc_pipelines.conforming import Conformed, conform
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.registry import load_sources

REAL = Path(__file__).parents[3] / "shared" / "real"
TRANSIT, CHARGING, GBFS = REAL / "gtfs_netex", REAL / "irve", REAL / "gbfs"
SPECS = load_sources()

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]


def read(source_id: str, **pages: bytes) -> Conformed:
    """The rows of a source whose pages would be these."""
    spec = SPECS[source_id]
    stored = [
        (StoredPage(name, "bin", "0", "0", len(body)), body)
        for name, body in pages.items()
    ]
    return conform(spec, parse(spec, stored))


def feeds(version: str) -> Iterator[tuple[str, bytes]]:
    for name in ("gbfs", "station_information", "station_status"):
        yield name, (GBFS / f"spec_example_{name}.{version}.json").read_bytes()


@pytest.mark.parametrize(
    ("source_id", "file", "count"),
    [
        ("irve_charging_points", CHARGING / "exemple-valide-statique.csv", 2),
        ("irve_charging_status", CHARGING / "exemple-valide-dynamique.csv", 2),
        ("naq_bus_stops_netex", TRANSIT / "netex.zip", 7),
        ("yelo_bus_stops_gtfs", TRANSIT / "gtfs.zip", 9),
        ("yelo_bus_routes_gtfs", TRANSIT / "gtfs.zip", 1),
    ],
)
def test_every_row_of_a_file_is_read(source_id: str, file: Path, count: int) -> None:
    found = read(source_id, file=file.read_bytes())
    assert found.refused.is_empty()
    assert not found.unknown_columns
    assert found.rows.height == count


def test_a_charging_point_is_where_the_schema_s_example_puts_it() -> None:
    body = (CHARGING / "exemple-valide-statique.csv").read_bytes()
    rows = read("irve_charging_points", file=body).rows
    row = rows.row(0, named=True)
    assert (row["longitude"], row["latitude"]) == (7.487105, 48.345345)
    assert (row["commune_code"], row["power_kw"]) == ("75001", 22.0)
    assert row["updated_date"] == date(2021, 4, 5)


def test_the_schema_s_offsets_are_read() -> None:
    body = (CHARGING / "exemple-valide-dynamique.csv").read_bytes()
    rows = read("irve_charging_status", file=body).rows
    assert set(rows["observed_at"]) == {datetime(2022, 10, 18, 12, 35, 49, tzinfo=UTC)}


def test_quays_know_their_commune_and_their_place() -> None:
    rows = read("naq_bus_stops_netex", file=(TRANSIT / "netex.zip").read_bytes()).rows
    assert rows["commune_code"].str.contains(r"^29\d{3}$").all()
    assert rows["parent_stop_id"].str.contains(":StopPlace:").all()
    assert rows["latitude"].is_between(47, 49).all()


@pytest.mark.parametrize("version", ["2.2", "3.0"])
def test_stations_of_both_versions_are_read(version: str) -> None:
    found = read("citiz_car_stations", **dict(feeds(version)))
    assert found.refused.is_empty()
    assert found.rows["feed_updated_at"].null_count() == 0


def test_car_parks_of_the_agglomeration_have_their_codes_and_places() -> None:
    # Records of the same gateway, of a dataset that counts nothing.
    file = REAL / "larochelle_api_v1" / "parking_stationnement_b79209c5_records.json"
    records = json.loads(file.read_text("utf-8"))
    body = json.dumps({"nhits": len(records), "records": records}).encode()
    found = read("larochelle_parking_live", **{"offset-0": body})
    assert found.refused.is_empty()
    rows = found.rows
    assert rows.height == len(records) == 20
    assert rows["parking_code"].str.contains(r"^17\d{3}-P-\d{3}$").all()
    assert rows["latitude"].is_between(46.1, 46.3).all()
    assert set(rows["free_space_count_state"]) == {"missing"}
    # A car park without a count of its spaces is not one of no space.
    assert rows["space_count"].null_count() > 0
    assert 0 not in rows["space_count"]
