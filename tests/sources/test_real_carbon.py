"""Real files of the carbon registers, through the parsers of their sources.

What is expected here is counted in the files by other means than the platform's.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.conforming import Conformed, conform
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

REAL = Path(__file__).parents[3] / "shared" / "real"
SPECS = load_sources()

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]


def conformed(spec: SourceSpec, suffix: str, body: bytes) -> Conformed:
    page = StoredPage("page-1", suffix, "0", "0", len(body))
    return conform(spec, parse(spec, [(page, body)]))


def served(name: str, text: str) -> str | float:
    """A cell of the file of the Base Carbone as its service writes it."""
    if name.startswith("Date de"):
        return datetime.strptime(text, "%d/%m/%Y").date().isoformat()  # noqa: DTZ007
    if "Identifiant" in name:
        return text
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def test_real_factors_keep_their_parts_and_their_stages() -> None:
    spec = SPECS["ademe_base_carbone"]
    asked = set(spec.connector.model_dump()["select"])
    file = REAL / "base_carbone" / "base_carbone_extract.csv"
    lines = list(csv.DictReader(file.read_text("cp1252").splitlines(), delimiter=";"))
    # The service has underscores for spaces and leaves blanks out.
    records = [
        {
            name.replace(" ", "_"): served(name, text)
            for name, text in line.items()
            if text and name.replace(" ", "_") in asked
        }
        for line in lines
    ]
    body = json.dumps({"total": len(records), "results": records}).encode()
    found = conformed(spec, "json", body)
    assert found.refused.is_empty()
    assert not found.unknown_columns
    assert Counter(found.rows["line_type"]) == {"Elément": 53, "Poste": 64}
    assert found.rows.height == len(lines) == 117
    whole = found.rows.filter(pl.col("line_type") == "Elément")
    rows = {row["element_id"]: row for row in whole.iter_rows(named=True)}
    copier, printer = rows["20591"], rows["27025"]
    assert (copier["total_kg_co2e"], copier["stage_type"]) == (2935.0, "Ensemble")
    assert copier["created_on"] == date(2014, 11, 5)
    assert printer["validity_period"] == "20/12/2021"
    stages = found.rows.filter(
        (pl.col("element_id") == "27025") & (pl.col("line_type") == "Poste")
    )
    assert printer["total_kg_co2e"] == 88.2
    # Stages are rounded too.
    assert stages["total_kg_co2e"].sum() == pytest.approx(88.2, abs=0.05)
    biogenic = [line["CO2b"] for line in lines if line["CO2b"]]
    assert found.rows["biogenic_co2_kg_co2e"].count() == len(biogenic)


def test_a_real_inventory_does_not_take_a_blank_for_zero() -> None:
    spec = SPECS["ademe_igt_commune_emissions"]
    body = (REAL / "ghg_igt" / "igt_prg_2_communes.csv").read_bytes()
    found = conformed(spec, "csv", body)
    assert found.refused.is_empty()
    assert not found.unknown_columns
    first, second = found.rows.sort("commune_code").iter_rows(named=True)
    assert first["commune_code"] == "01001"
    assert first["agriculture_t_co2e"] == 3711.425991
    assert first["biomass_co2_t"] == 432.751835
    for row in (first, second):
        assert row["other_transport_t_co2e"] is None
        assert row["other_transport_state"] == "not_occurring"
        assert row["road_transport_state"] == "observed"
