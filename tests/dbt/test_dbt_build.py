"""The marts made from small invented inputs, from none, and from faulty ones."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:  # a conftest is pytest's to import, not ours
    from conftest import Build, Builder, Rows

CASES = Path(__file__).parent / "cases"
EPCI = "241700434"
NOON = datetime(2016, 1, 15, 12, tzinfo=UTC)
MARTS = {
    "ref_commune": "commune_code commune_name city_name commune_siren epci_siren "
    "epci_name population_municipal population_total population_year",
    "ref_commune_outline": "commune_code commune_name geometry_geojson",
    "ref_public_building": "building_id building_name commune_code commune_code_rule "
    "postcode street_number street_name commune_label footprint_m2 floor_area_m2 "
    "building_type public_access_category purpose department updated_at",
    "ref_emission_factor": "factor_id factor_name factor_value factor_unit factor_kind "
    "factor_year source source_record licence uncertainty_percent valid_for",
    "fct_parking_measurement": "measurement_id parking_id parking_name measured_at "
    "measured_at_rule space_count free_space_count occupied_space_count occupancy_rate",
    "mart_parking_occupancy_hourly": "parking_id parking_name hour_start_at "
    "measurement_count space_count mean_free_space_count mean_occupancy_rate "
    "max_occupancy_rate",
    "mart_bike_station_status": "station_id station_name latitude longitude capacity "
    "bikes_available docks_available is_installed is_renting is_returning "
    "last_reported_at feed_updated_at",
    "mart_yelo_service_exception": "service_id service_date exception_type "
    "exception_label source_updated_at",
    "mart_residential_electricity": "epci_siren epci_name year site_count "
    "consumption_mwh mean_consumption_mwh_per_site operator_count",
    "fct_carbon_ledger": "ledger_row_id area_level area_code area_name year sector "
    "activity activity_quantity activity_unit activity_source_id activity_state "
    "factor_id factor_value factor_unit factor_year factor_source "
    "factor_uncertainty_percent method result_tco2e result_low_tco2e "
    "result_high_tco2e result_state",
}


def read_csv(name: str) -> list[dict[str, str | None]]:
    """The rows of a case file; an empty cell is null."""
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value or None for key, value in row.items()} for row in rows]


BUILDINGS = read_csv("buildings.csv")
COMMUNES = read_csv("communes.csv")


def building_rows() -> Rows:
    return [
        {
            "building_id": f"{number:06}",
            "postcode": row["received_code"],
            "commune_label": row["commune_label"],
        }
        for number, row in enumerate(BUILDINGS)
    ]


def inputs(name: str) -> dict[str, Rows]:
    """The inputs called `name`, over the good ones if they are the faulty ones."""
    cases: dict[str, dict[str, Rows]] = yaml.safe_load(
        (CASES / "inputs.yaml").read_text("utf-8")
    )
    if name == "missing_activity":
        return cases[name]
    named = {"epci_name": "CA de La Rochelle", "population_year": 2025}
    figures = {"population_municipal": 1000, "population_total": 1010}
    territory: dict[str, Rows] = {
        "dgcl_epci_perimeter": [row | named | figures for row in COMMUNES],
        "larochelle_agglomeration_communes": [
            row | {"commune_name": f"{row['commune_name']} (Ville)"} for row in COMMUNES
        ],
        "larochelle_public_buildings": building_rows(),
    }
    return territory | cases["good"] | cases[name]


@pytest.fixture(scope="module")
def good(dbt_build: Builder) -> Build:
    build = dbt_build("good", inputs("good"))
    assert build.returncode == 0, build.output
    return build


@pytest.fixture(scope="module")
def empty(dbt_build: Builder) -> Build:
    return dbt_build("empty", {})


@pytest.fixture(scope="module")
def faulty(dbt_build: Builder) -> Build:
    return dbt_build("faulty", inputs("faulty"))


def test_the_build_has_no_deprecation(good: Build) -> None:
    assert "deprecat" not in good.output.lower(), good.output


def test_no_test_is_skipped_or_warns(good: Build) -> None:
    assert set(good.statuses.values()) <= {"success", "pass", "no-op"}


@pytest.mark.parametrize("name", MARTS)
def test_a_mart_has_the_columns_of_the_release(good: Build, name: str) -> None:
    described = good.rows(f"describe main.{name}")
    assert [row[0] for row in described] == MARTS[name].split()


@pytest.mark.parametrize("name", MARTS)
def test_every_published_column_is_described(good: Build, name: str) -> None:
    blank = good.rows(
        "select column_name from duckdb_columns() "
        "where table_name = ? and coalesce(comment, '') = ''",
        name,
    )
    assert blank == []


def test_ref_commune_holds_only_the_agglomeration(good: Build) -> None:
    codes = good.rows("select commune_code from ref_commune order by all")
    expected = [row["commune_code"] for row in COMMUNES if row["epci_siren"] == EPCI]
    assert [code for (code,) in codes] == expected


def test_the_city_spelling_is_found_by_code(good: Build) -> None:
    names = good.rows(
        "select commune_name, city_name from ref_commune where commune_code = '17274'"
    )
    assert names == [("Périgny", "Périgny (Ville)")]


@pytest.mark.parametrize("number", range(len(BUILDINGS)))
def test_a_code_is_told_from_a_postcode(good: Build, number: int) -> None:
    (row,) = good.named_rows(
        "select commune_code, postcode, commune_code_rule from ref_public_building "
        "where building_id = ?",
        f"{number:06}",
    )
    assert row == {name: BUILDINGS[number][name] for name in row}


def test_every_measurement_is_kept(good: Build) -> None:
    rows = good.rows(
        "select measurement_id, occupied_space_count, occupancy_rate "
        "from fct_parking_measurement where parking_id < 9 order by all"
    )
    assert rows == [
        (1, 50, 0.5),
        (2, 100, 1.0),
        (3, 100, 1.0),
        (4, 75, 0.75),
        (5, 0, 0.0),
        (6, 0, None),
    ]


def test_noon_written_as_midnight_is_told_by_its_neighbours(good: Build) -> None:
    rows = good.rows(
        "select measurement_id, measured_at, measured_at_rule "
        "from fct_parking_measurement where measurement_id in (102, 105, 108) "
        "order by all"
    )
    noon = datetime(2016, 1, 20, 11, 3, tzinfo=UTC)
    assert rows == [
        (102, noon, "noon_written_as_midnight"),
        (105, datetime(2016, 1, 20, 23, 4, tzinfo=UTC), "as_received"),
        (108, datetime(2016, 1, 21, 23, 0, tzinfo=UTC), "noon_or_midnight_unresolved"),
    ]
    hours = good.rows(
        "select count(*), sum(measurement_count) "
        "from mart_parking_occupancy_hourly where parking_id = 9"
    )
    assert hours == [(8, 8)]


def test_a_repeated_instant_counts_once_in_its_hour(good: Build) -> None:
    rows = good.rows(
        "select hour_start_at, measurement_count, mean_free_space_count, "
        "mean_occupancy_rate, max_occupancy_rate "
        "from mart_parking_occupancy_hourly where parking_id = 4 order by all"
    )
    assert rows == [
        (NOON, 2, 25.0, 0.75, 1.0),
        (NOON + timedelta(hours=1), 1, 25.0, 0.75, 0.75),
    ]


def test_electricity_is_summed_over_operators(good: Build) -> None:
    row = good.named_rows(
        "from mart_residential_electricity where epci_siren = ?", EPCI
    )
    assert row == [
        {
            "epci_siren": EPCI,
            "epci_name": "CA de La Rochelle",
            "year": 2023,
            "site_count": 20,
            "consumption_mwh": pytest.approx(441_735.519),
            "mean_consumption_mwh_per_site": pytest.approx(22_086.77595),
            "operator_count": 2,
        }
    ]


def test_a_total_with_a_missing_part_is_missing(good: Build) -> None:
    rows = good.rows(
        "select epci_siren, consumption_mwh from mart_residential_electricity "
        "where epci_siren != ?",
        EPCI,
    )
    assert rows == [("200000001", None)]


def test_the_ledger_row_carries_its_whole_calculation(good: Build) -> None:
    assert good.named_rows("from fct_carbon_ledger") == [
        {
            "ledger_row_id": f"epci-{EPCI}.2023.residentiel.electricity."
            "electricity_average_mix_location_based",
            "area_level": "epci",
            "area_code": EPCI,
            "area_name": "CA de La Rochelle",
            "year": 2023,
            "sector": "residentiel",
            "activity": "electricity",
            "activity_quantity": pytest.approx(441_735.519),
            "activity_unit": "MWh",
            "activity_source_id": "ore_residential_electricity",
            "activity_state": "computed",
            "factor_id": "electricity_fr_average_mix_2022_total",
            "factor_value": 0.052,
            "factor_unit": "kgCO2e/kWh",
            "factor_year": 2022,
            "factor_source": "ADEME, Base Carbone",
            "factor_uncertainty_percent": 10.0,
            "method": "electricity_average_mix_location_based",
            "result_tco2e": pytest.approx(22_970.246988),
            "result_low_tco2e": pytest.approx(20_673.222289),
            "result_high_tco2e": pytest.approx(25_267.271687),
            "result_state": "computed",
        }
    ]


def test_exceptions_to_the_bus_calendar_are_labelled(good: Build) -> None:
    rows = good.rows(
        "select service_date, exception_label from mart_yelo_service_exception "
        "order by all"
    )
    assert rows == [
        (date(2026, 5, 1), "service retiré"),
        (date(2026, 5, 2), "service ajouté"),
    ]


def test_stations_and_outlines_pass_through(good: Build) -> None:
    assert good.rows(
        "select station_id, bikes_available, is_renting, feed_updated_at "
        "from mart_bike_station_status order by all"
    ) == [("a", 5, True, NOON), ("b", 5, True, NOON)]
    assert good.rows("from ref_commune_outline") == [("17300", "X", "{}")]


def test_a_build_without_any_row_passes(empty: Build) -> None:
    assert empty.returncode == 0, empty.output
    counts = {name: len(empty.rows(f"from {name}")) for name in MARTS}
    assert {name for name, count in counts.items() if count} == {"ref_emission_factor"}


def test_a_missing_activity_is_a_state_not_a_zero(dbt_build: Builder) -> None:
    build = dbt_build("missing", inputs("missing_activity"), "+fct_carbon_ledger")
    assert build.returncode == 0, build.output
    assert build.rows(
        "select activity_quantity, activity_state, result_tco2e, result_state "
        "from fct_carbon_ledger"
    ) == [(None, "missing", None, "missing")]


def test_no_code_is_guessed_before_the_communes_are_known(dbt_build: Builder) -> None:
    buildings = {"larochelle_public_buildings": building_rows()}
    build = dbt_build("buildings", buildings, "+ref_public_building")
    assert build.returncode == 0, build.output
    rules = build.rows("select distinct commune_code_rule from ref_public_building")
    assert sorted(rules) == [("blank",), ("unresolved",)]


def test_a_faulty_build_fails(faulty: Build) -> None:
    assert faulty.returncode != 0


@pytest.mark.parametrize(
    "name",
    [
        "ref_commune_has_all_communes",
        "unique_fct_parking_measurement_measurement_id",
        "accepted_range_fct_parking_measurement_0__1__occupancy_rate",
        "accepted_range_mart_residential_electricity_0__consumption_mwh",
        "accepted_values_mart_yelo_service_exception_exception_type__False__1__2",
        "unique_mart_bike_station_status_station_id",
        "relationships_when_present_ref_commune_outline_commune_code__commune_code__"
        "ref_ref_commune_",
    ],
)
def test_each_planted_fault_is_found(faulty: Build, name: str) -> None:
    assert name in faulty.failed()
