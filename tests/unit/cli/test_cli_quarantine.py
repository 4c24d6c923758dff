"""`lrtzc quarantine`: why rows were refused; personal values only when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.casefile import run_case
from lrtzc_pipelines.sources.registry import load_source

SPEC = """\
id: essai_dossiers
title: Dossiers d'essai
description: Des dossiers inventés pour éprouver la quarantaine.
producer: Essai
homepage: https://example.invalid/
licence: etalab-2.0
tier: open
axis: 10
theme: catalogue
owner: team:donnees
endpoint: essai
connector: {kind: http_file, path: dossiers.csv}
format: {kind: csv}
cadence: yearly
primary_key: [number]
freshness_days: 400
raw_retention_days: 400
columns:
  - {name: number, source: numero, type: integer, required: true,
     description: Numéro., privacy: keep}
  - {name: holder, source: titulaire, type: text,
     description: Titulaire., privacy: drop}
  - {name: born_on, source: naissance, type: date,
     description: Naissance., privacy: {generalize: {time: 1y}}}
  - {name: amount, source: montant, type: number,
     description: Montant., privacy: keep}
"""
ENDPOINTS = """\
essai:
  title: Essai
  base_url: https://example.invalid/
  requests_per_second: 1
  contact: https://example.invalid/
"""
ANSWER = """\
numero;titulaire;naissance;montant
1;Camille Inventé;1980-05-06;12.5
2;Dominique Fictif;1979-01-02;beaucoup
3;Claude Imaginaire;hier;3
"""
SUITE = """{"name": "essai_dossiers", "expectations": [{
  "type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1},
  "meta": {"check": "row_count", "on_failure": "block"},
  "description": "At least one row.", "severity": "critical"}]}"""
PERSONAL = ("Dominique Fictif", "1979-01-02", "Claude Imaginaire", "hier")


@pytest.fixture
def refused(tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue with personal columns, and two refused rows of its source."""
    sources, case = tmp_path / "sources", tmp_path / "case"
    sources.mkdir()
    case.mkdir()
    (sources / "essai_dossiers.yaml").write_text(SPEC, "utf-8")
    (sources / "endpoints.yaml").write_text(ENDPOINTS, "utf-8")
    (case / "response.csv").write_text(ANSWER, "utf-8")
    spec = load_source(sources / "essai_dossiers.yaml")
    run_case(spec, Suite.model_validate_json(SUITE), case, layout)
    monkeypatch.setenv("LRTZC_SOURCES_DIR", str(sources))


def test_refused_rows_are_counted_by_rule_and_reason(lrtzc, refused) -> None:
    rows = lrtzc("quarantine", "list", "--json").rows
    assert [(row["rule"], row["column"], row["rows"]) for row in rows] == [
        ("type", "amount", 1),
        ("type", "born_on", 1),
    ]
    assert "not readable as number" in lrtzc("quarantine", "list").out


@pytest.mark.parametrize("output", [(), ("--json",)])
def test_personal_values_are_hidden(lrtzc, refused, output: tuple[str, ...]) -> None:
    said = lrtzc("quarantine", "show", "essai_dossiers", *output)
    assert said.code == 0
    assert "beaucoup" in said.out
    assert "•••" in said.out
    assert not any(value in said.out for value in PERSONAL)


def test_personal_values_are_shown_when_asked_for(lrtzc, refused) -> None:
    said = lrtzc("quarantine", "show", "essai_dossiers", "--personal", "--json")
    assert all(value in said.out for value in PERSONAL)
    assert {row["row_in_page"] for row in said.rows} == {2, 3}


def test_a_limit_is_kept(lrtzc, refused) -> None:
    said = lrtzc("quarantine", "show", "essai_dossiers", "--limit", "1", "--json")
    assert len(said.rows) == 1


def test_nothing_in_quarantine_is_said(lrtzc) -> None:
    assert lrtzc("quarantine", "list", "--json").rows == []
    assert lrtzc("quarantine", "list").out == "no row is in quarantine\n"
    assert lrtzc("quarantine", "show", "yelo_bike_stations", "--json").rows == []
