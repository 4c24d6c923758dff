"""The register of processing: every source about persons, and nothing invented."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from noisy_trips import noisy
from pydantic import ValidationError
from typer.testing import CliRunner

from lrtzc_pipelines.cli.app import app
from lrtzc_pipelines.privacy.register import (
    HEADINGS,
    TO_COMPLETE,
    is_about_persons,
    register,
)
from lrtzc_pipelines.sources.processing import Processing
from lrtzc_pipelines.sources.registry import load_sources

SPECS = load_sources()
ENTRIES = {
    entry["source"]: entry
    for entry in register(SPECS.values(), controller="CDA", officer="dpo@cda.example")
}


def test_every_source_about_persons_says_why_and_whose() -> None:
    assert ENTRIES.keys() == {n for n, s in SPECS.items() if is_about_persons(s)}
    for entry in ENTRIES.values():
        assert entry.keys() == HEADINGS.keys()
        assert TO_COMPLETE not in entry.values()
        assert all(entry.values())


def test_sources_about_nobody_say_so() -> None:
    silent = {
        name
        for name, spec in SPECS.items()
        if any(c.is_personal for c in spec.columns) and not spec.processing
    }
    assert silent == set()
    assert "larochelle_agglomeration_communes" not in ENTRIES
    assert "insee_iris" not in ENTRIES


def test_an_entry_tells_what_leaves_to_whom_and_for_how_long() -> None:
    entry = ENTRIES["linky_load_curves"]
    assert "Numéro du compteur" in entry["data"]
    assert "sert à compter, ne sort pas" in entry["data"]
    assert entry["recipients"].startswith("lignes : personne hors de la zone privée")
    assert "tout public (etalab-2.0)" in entry["recipients"]
    assert entry["retention"].startswith("90 jours")
    assert "au moins 11 personnes" in entry["security"]
    assert entry["controller"] == "CDA"
    assert "0700/0600" in entry["security"]
    trips = ENTRIES["partner_mobility_trips"]
    assert "clés des pseudonymes" in trips["retention"]


def test_an_entry_tells_of_noise_and_its_budget() -> None:
    (entry,) = register([noisy(epsilon=0.25)], controller="", officer="")
    assert "ε de 0,25 par période, 6 par an au plus" in entry["security"]


def test_what_nobody_declared_is_to_complete() -> None:
    spec = SPECS["linky_load_curves"].model_copy(update={"processing": None})
    (entry,) = register([spec], controller="", officer="")
    assert entry["purpose"] == entry["controller"] == TO_COMPLETE


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"purpose": "For some reason."},
        {"no_person": "Nobody is in it.", "purpose": "For some reason."},
    ],
)
def test_half_an_entry_does_not_load(told: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="processing"):
        Processing.model_validate(told)


def test_the_command_prints_what_a_spreadsheet_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LRTZC_CONTROLLER", "=1+1")
    done = CliRunner().invoke(app, ["privacy", "register"])
    assert done.exit_code == 0
    header, *rows = csv.reader(io.StringIO(done.output), delimiter=";")
    assert header == list(HEADINGS.values())
    assert {row[0] for row in rows} == ENTRIES.keys()
    assert {row[2] for row in rows} == {"'=1+1"}
    told = CliRunner().invoke(app, ["privacy", "register", "--json"])
    assert {entry["source"] for entry in json.loads(told.output)} == ENTRIES.keys()
