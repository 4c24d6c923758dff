"""A release made by hand, in the shape of the published one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import html

from lrtzc_pipelines.publishing.site import render_page

CREATED_AT = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)
TABLES = {
    "ref_commune": (
        "commune_code varchar, commune_name varchar, city_name varchar, "
        "commune_siren varchar, epci_siren varchar, epci_name varchar, "
        "population_municipal bigint, population_total bigint, population_year bigint"
    ),
    "ref_commune_outline": (
        "commune_code varchar, commune_name varchar, geometry_geojson varchar"
    ),
    "mart_parking_occupancy_hourly": (
        "parking_id bigint, parking_name varchar, hour_start_at timestamptz, "
        "measurement_count bigint, space_count bigint, mean_free_space_count double, "
        "mean_occupancy_rate double, max_occupancy_rate double"
    ),
    "mart_bike_station_status": (
        "station_id varchar, station_name varchar, latitude double, "
        "longitude double, capacity bigint, bikes_available bigint, "
        "docks_available bigint, is_installed boolean, is_renting boolean, "
        "is_returning boolean, last_reported_at timestamptz, "
        "feed_updated_at timestamptz"
    ),
    "fct_carbon_ledger": (
        "ledger_row_id varchar, area_level varchar, area_code varchar, "
        "area_name varchar, year bigint, sector varchar, activity varchar, "
        "activity_quantity double, activity_unit varchar, "
        "activity_source_id varchar, activity_state varchar, factor_id varchar, "
        "factor_value double, factor_unit varchar, factor_year bigint, "
        "factor_source varchar, factor_uncertainty_percent double, method varchar, "
        "result_tco2e double, result_low_tco2e double, result_high_tco2e double, "
        "result_state varchar"
    ),
    "meta.release": (
        "release_id varchar, created_at timestamptz, code_version varchar, "
        "inputs_sha256 varchar, origin varchar"
    ),
    "meta.source_status": (
        "source_id varchar, title varchar, producer varchar, licence varchar, "
        "homepage varchar, tier varchar, axis integer, theme varchar, "
        "cadence varchar, origin varchar, row_count bigint, "
        "quarantined_count bigint, collected_at timestamptz, "
        "data_changed_at timestamptz, freshness_days integer, snapshot_id varchar, "
        "content_sha256 varchar, is_released boolean"
    ),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "ref_commune": {
        "commune_code": "17300",
        "commune_name": "La Rochelle",
        "population_municipal": 79961,
        "population_year": 2025,
    },
    "ref_commune_outline": {
        "commune_code": "17300",
        "commune_name": "La Rochelle",
        "geometry_geojson": json.dumps(
            {
                "type": "Polygon",
                "coordinates": [
                    [
                        [-1.2, 46.1],
                        [-1.1, 46.1],
                        [-1.1, 46.2],
                        [-1.2, 46.2],
                        [-1.2, 46.1],
                    ]
                ],
            }
        ),
    },
    "mart_parking_occupancy_hourly": {
        "parking_id": 4,
        "parking_name": "ENCAN",
        "hour_start_at": datetime(2025, 6, 1, tzinfo=UTC),
        "measurement_count": 12,
        "space_count": 430,
        "mean_occupancy_rate": 0.5,
    },
    "mart_bike_station_status": {
        "station_id": "s1",
        "station_name": "Gare",
        "latitude": 46.15,
        "longitude": -1.15,
        "capacity": 20,
        "bikes_available": 5,
        "docks_available": 15,
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported_at": CREATED_AT,
        "feed_updated_at": CREATED_AT,
    },
    "fct_carbon_ledger": {
        "ledger_row_id": "epci-1",
        "area_level": "epci",
        "area_code": "241700434",
        "area_name": "CA de La Rochelle",
        "year": 2023,
        "sector": "residentiel",
        "activity": "electricity",
        "activity_quantity": 441735.519,
        "activity_unit": "MWh",
        "activity_source_id": "ore_residential_electricity",
        "activity_state": "computed",
        "factor_id": "mix",
        "factor_value": 0.052,
        "factor_unit": "kgCO2e/kWh",
        "factor_year": 2022,
        "factor_source": "ADEME, Base Carbone",
        "factor_uncertainty_percent": 10.0,
        "method": "electricity_average_mix_location_based",
        "result_tco2e": 22970.247,
        "result_low_tco2e": 20673.222,
        "result_high_tco2e": 25267.272,
        "result_state": "computed",
    },
    "meta.release": {
        "release_id": "20250701T223000Z-abcdef12",
        "created_at": CREATED_AT,
        "code_version": "0.1.0",
        "inputs_sha256": "ab" * 32,
        "origin": "live",
    },
    "meta.source_status": {
        "source_id": "larochelle_parking_history",
        "title": "Historique des parkings",
        "producer": "Ville de La Rochelle",
        "licence": "etalab-2.0",
        "homepage": "https://opendata.larochelle.fr/",
        "axis": 5,
        "origin": "live",
        "row_count": 1234567,
        "quarantined_count": 3,
        "collected_at": CREATED_AT,
        "data_changed_at": CREATED_AT,
        "freshness_days": 14,
    },
}


class ReleaseFile:
    """A release database to fill: every table exists and is empty at first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.execute("create schema meta")
        for table, columns in TABLES.items():
            self.execute(f"create table {table} ({columns})")

    @property
    def path(self) -> Path:
        """The file, closed so that the page can open it."""
        if self._connection:
            self._connection.close()
            self._connection = None
        return self._path

    def execute(self, query: str, values: object = None) -> None:
        """Runs a statement in UTC."""
        if self._connection is None:
            self._connection = duckdb.connect(self._path)
            self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute(query, values)

    def add(self, table: str, **values: Any) -> None:
        """Adds a plausible row, changed by `values`."""
        row = DEFAULTS[table] | values
        marks = ", ".join("?" for _ in row)
        query = f"insert into {table} ({', '.join(row)}) values ({marks})"
        self.execute(query, [*row.values()])

    def fill(self, origin: str = "live") -> ReleaseFile:
        """Adds a row or more to every table."""
        self.add("meta.release", origin=origin)
        for source_id in (
            "larochelle_parking_history",
            "yelo_bike_stations",
            "ore_residential_electricity",
            "geo_commune_contours",
        ):
            self.add("meta.source_status", source_id=source_id, origin=origin)
        for table in TABLES:
            if table.startswith(("ref", "fct", "mart_bike")):
                self.add(table)
        self.add_hours(days=3)
        return self

    def add_hours(
        self, *, days: int, car_parks: int = 2, start: str = "2025-06-01 00:00:00+00"
    ) -> None:
        """Adds a measured hour for every hour of `days` days."""
        self.execute(
            "insert into mart_parking_occupancy_hourly "
            "select p, 'Parking ' || p, $start::timestamptz + to_hours(h::integer), "
            "12, 100 * p, 50, 0.5 + 0.4 * sin(h / 24.0 * 6.28 + p), 1.0 "
            "from range(1, $car_parks + 1) as parks(p), range(0, $hours) as hours(h)",
            {"start": start, "car_parks": car_parks, "hours": days * 24},
        )


@pytest.fixture
def empty_release(tmp_path: Path) -> ReleaseFile:
    """A release with every table and no row."""
    return ReleaseFile(tmp_path / "lrtzc.duckdb")


@pytest.fixture
def release(empty_release: ReleaseFile) -> ReleaseFile:
    """A release with something in every table."""
    return empty_release.fill()


@pytest.fixture
def render() -> Callable[[ReleaseFile], str]:
    """Gives the page of a release, as text."""
    return lambda release_file: render_page(release_file.path)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a live release with something in every table, made once."""
    return render_page(
        ReleaseFile(tmp_path_factory.mktemp("page") / "lrtzc.duckdb").fill().path
    )


@pytest.fixture
def tree(page: str) -> Any:
    """The same page, parsed."""
    return html.fromstring(page)
