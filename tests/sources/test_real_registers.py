"""Real files of the web service, a Linky gateway and ODRÉ, through the real line.

What is expected here is counted in the files by other means than the platform's.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.anonymizing import write_anonymized
from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.conforming import conform
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import RawStore, StoredPage
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_replay_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.validating import Validated, validate

REAL = Path(__file__).parents[3] / "shared" / "real"
XML = REAL / "larochelle_webservice_xml"
FILES = {
    "larochelle_tourist_tax": "taxesejour-taxesejour_00.xml",
    "larochelle_museum_entries": "billetterie-entree_musee_par_mois_origine.xml",
    "larochelle_budget": "budget-bp_2017_fonction.xml",
    "larochelle_water_bills": "factureeau-factureeau_00.xml",
}
SPECS = load_sources()

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]

Run = Callable[[str], tuple[Validated, pl.DataFrame]]


@pytest.fixture(scope="module")
def endpoints() -> Iterator[dict[str, str]]:
    with RunningSandbox(create_replay_app(XML)) as base_url:
        yield endpoint_overrides(base_url)


@pytest.fixture
def collected(endpoints: dict[str, str], tmp_path: Path) -> Run:
    """Collects, validates and anonymizes a source; its checks and its rows."""

    def run(source_id: str) -> tuple[Validated, pl.DataFrame]:
        spec, layout = SPECS[source_id], Layout(tmp_path)
        store = RawStore(layout.raw(spec.id))
        base_url = endpoints[spec.endpoint]
        target = Target(spec.endpoint, base_url, "https://service.invalid/", 1)
        found = collect(spec, target, store, run_id="real")
        suite = load_suite(spec)
        validated = validate(spec, suite, found.snapshot, layout, run_id="real")
        validated.require(spec)
        write_anonymized(spec, layout, run_id="real")
        return validated, pl.read_parquet(layout.anonymized(spec.id) / DATA)

    return run


def in_file(source_id: str) -> list[dict[str, str]]:
    """The rows of a recorded file, read without the platform's parser."""
    text = (XML / FILES[source_id]).read_text("utf-8")
    rows = re.findall(r"<row>(.*?)</row>", text, re.DOTALL)
    return [
        {
            name: html.unescape(html.unescape(value)).strip('" ')
            for name, value in re.findall(r"<(\w+)>(.*?)</\1>", row, re.DOTALL)
        }
        for row in rows
    ]


@pytest.mark.parametrize(
    ("source_id", "count"),
    [
        ("larochelle_tourist_tax", 193),
        ("larochelle_museum_entries", 3444),
        ("larochelle_budget", 389),
        ("larochelle_water_bills", 166),
    ],
)
def test_every_row_of_the_file_comes_through(
    collected: Run, source_id: str, count: int
) -> None:
    validated, rows = collected(source_id)
    assert len(in_file(source_id)) == rows.height == count
    assert validated.quarantined_count == 0


def test_the_tax_is_that_of_the_file_by_year_and_lodging(collected: Run) -> None:
    _, rows = collected("larochelle_tourist_tax")
    expected = {
        (int(r["ts_annee"]), int(r["ts_trimestre"]), r["ts_type_hebergement"]): float(
            r["ts_montant"]
        )
        for r in in_file("larochelle_tourist_tax")
    }
    found = {
        (year, quarter, "" if lodging == "Non précisé" else lodging): amount
        for year, quarter, lodging, amount in rows.rows()
    }
    assert found == expected
    lodgings = set(rows["lodging_type"])
    assert {"Chambre D'hôte", "Résidences Loisirs", "Non précisé"} <= lodgings
    assert rows.filter(pl.col("lodging_type") == "Non précisé").height == 22
    assert set(rows["quarter"]) == {0, 1, 2, 3, 4}


def test_entries_are_those_of_the_file_and_names_lose_their_quotes(
    collected: Run,
) -> None:
    _, rows = collected("larochelle_museum_entries")
    received = in_file("larochelle_museum_entries")
    assert rows["entry_count"].sum() == sum(int(r["mu_quantite"]) for r in received)
    revenue = sum(float(r["mu_montant"]) for r in received)
    assert rows["revenue_eur"].sum() == pytest.approx(revenue)
    countries = set(rows["country"])
    assert countries == {row["mu_pays"] for row in received}
    assert {"France", "Allemagne"} <= countries
    assert rows.filter(pl.col("region") == "Non précisé").height == 561
    texts = rows.select(pl.col(pl.String))
    assert not texts.select(
        pl.any_horizontal(pl.all().str.contains(r'["&;<>]|^\s|\s$').any())
    ).item()


def test_expenses_and_receipts_of_the_budget_are_those_of_the_file(
    collected: Run,
) -> None:
    _, rows = collected("larochelle_budget")
    received = in_file("larochelle_budget")
    for direction in ("Dépense", "Recette"):
        expected = sum(
            float(r["budg_montant"]) for r in received if r["budg_dep_rec"] == direction
        )
        found = rows.filter(pl.col("direction") == direction)["amount_eur"].sum()
        assert found == pytest.approx(expected)
    without = rows.filter(pl.col("function_code") == "Sans fonction")
    assert without.height == 12
    assert set(without["budget_category"]) == {"Budget annexe"}


def test_billed_volumes_are_those_of_the_file_corrections_included(
    collected: Run,
) -> None:
    validated, rows = collected("larochelle_water_bills")
    expected = {
        (int(r["conso_annee"]), int(r["conso_mois"])): float(r["conso_volume"])
        for r in in_file("larochelle_water_bills")
    }
    assert {(year, month): volume for year, month, volume in rows.rows()} == expected
    negative = sum(volume < 0 for volume in expected.values())
    assert negative > 0
    assert rows.filter(pl.col("volume_m3") < 0).height == negative
    check = next(c for c in validated.checks if c.name == "volume_not_negative")
    assert (check.passed, check.blocking) == (False, False)


def test_a_real_load_curve_ends_early_and_is_stamped_at_its_starts() -> None:
    spec = SPECS["linky_load_curves"]
    body = (REAL / "linky" / "detail.json").read_bytes()
    reading = json.loads(body)["meter_reading"]
    page = StoredPage("meter-1-2023-03-01", "json", "0", "0", len(body))
    found = conform(spec, parse(spec, [(page, body)]))
    assert found.refused.is_empty()
    assert not found.unknown_columns
    rows = found.rows.sort("started_at")
    assert rows.height == len(reading["interval_reading"]) == 144
    assert rows["started_at"][0] == datetime(2023, 2, 28, 23, 0, tzinfo=UTC)
    assert rows["started_at"][-1] == datetime(2023, 3, 3, 22, 30, tzinfo=UTC)
    assert reading["end"] == "2023-03-08"
    values = [float(point["value"]) for point in reading["interval_reading"]]
    assert rows["mean_power_w"].to_list() == values


def test_a_real_index_of_another_association_has_the_columns_of_ours() -> None:
    spec = SPECS["atmo_na_air_index"]
    body = (REAL / "atmo" / "arcgis_ind_atmo_gwadair_2025.json").read_bytes()
    page = StoredPage("offset-0", "json", "0", "0", len(body))
    found = conform(spec, parse(spec, [(page, body)]))
    assert found.refused.is_empty()
    assert not found.unknown_columns
    [row] = found.rows.iter_rows(named=True)
    # A midnight, on the association's own clock.
    assert row["due_at"] == datetime(2025, 11, 8, 4, tzinfo=UTC)
    assert row["air_quality_index"] == row["pm25_index"] == 1


def test_real_records_of_the_grid_are_read_whole_and_none_is_unknown() -> None:
    spec = SPECS["odre_eco2mix_national"]
    file = REAL / "ods_odre" / "eco2mix-national-tr_v2.1_records_2023.json"
    records = json.loads(file.read_text("utf-8"))["results"]
    # An export has the same records, one a line.
    body = "".join(f"{json.dumps(record)}\n" for record in records).encode()
    page = StoredPage("export", "jsonl", "0", "0", len(body))
    found = conform(spec, parse(spec, [(page, body)]))
    assert found.refused.is_empty()
    assert not found.unknown_columns
    rows = found.rows.sort("started_at")
    received = sorted(records, key=lambda record: record["date_heure"])
    assert rows.height == len(received) == 4
    assert rows["started_at"][-1] == datetime(2023, 9, 12, 23, 15, tzinfo=UTC)
    assert received[-1]["date"] == "2023-09-13"
    for name, source in (
        ("consumption_mw", "consommation"),
        ("co2_g_per_kwh", "taux_co2"),
        ("onshore_wind_mw", "eolien_terrestre"),
        ("battery_charging_mw", "stockage_batterie"),
        ("physical_exchange_mw", "ech_physiques"),
    ):
        assert rows[name].to_list() == [float(record[source]) for record in received]
