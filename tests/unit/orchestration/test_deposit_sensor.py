"""From a partner's inbox through the sensor and the run it asks for to public rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from lrtzc_pipelines.assembly import build_platform, collect_definitions, load_suites
from lrtzc_pipelines.deposits.depositors import open_inbox
from lrtzc_pipelines.deposits.forms import find_form
from lrtzc_pipelines.deposits.intake import ANSWERS, READY
from lrtzc_pipelines.deposits.receipts import Deposits
from lrtzc_pipelines.jobs import COLLECT, PROCESS, processed_keys, raw_keys
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.runs import run_job
from lrtzc_pipelines.sensors import deposits as sensor_module
from lrtzc_pipelines.sensors.deposits import build_deposit_sensors
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import SOURCES_DIR
from lrtzc_pipelines.states import DATA

WASTE, TRIPS = "valorisation_company_waste", "partner_mobility_trips"
COMPANY = "recyclage_dupont"
SIRET = "00000000012345"
HEADINGS = "siret;code_commune;code_naf;mois;code_dechet;code_traitement;tonnes\n"
TABLE = HEADINGS + (
    f"{SIRET};17300;38.32Z;15/03/2024;15 01 01;R3;12,5\n"
    f"{SIRET};17300;38.32Z;15/03/2024;13 02 05*;R9;1 204,25\n"
)
FAULTY = TABLE.replace("12,5", "Camille Inventé")
NAME = "Camille Inventé mars.csv"


@dataclass
class Desk:
    """The platform with the sources that deposits feed, and no other."""

    layout: Layout
    definitions: dg.Definitions
    sensor: dg.SensorDefinition
    instance: dg.DagsterInstance

    @property
    def inbox(self) -> Path:
        return self.layout.inbox("valorisation_waste", COMPANY)

    @property
    def deposits(self) -> Deposits:
        return Deposits(self.layout.deposits("valorisation_waste", COMPANY))

    def told(self, result: dg.ExecuteInProcessResult) -> str:
        """Everything that Dagster keeps of a run: events, metadata and logs."""
        logs = self.instance.all_logs(result.run_id)
        return "\n".join(map(str, [*result.all_events, *logs]))

    def drop(self, text: str, name: str = NAME) -> None:
        (self.inbox / name).write_text(text, "utf-8")
        (self.inbox / f"{name}{READY}").touch()

    def look(self) -> Any:
        """What the sensor answers."""
        with dg.build_sensor_context(self.instance) as context:
            return self.sensor(context)

    def run(
        self, job: str, keys: list[dg.AssetKey] | None
    ) -> dg.ExecuteInProcessResult:
        return run_job(self.definitions, self.instance, job, keys=keys)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    sources = tmp_path / "sources"
    sources.mkdir()
    for source_id in (WASTE, TRIPS):
        shutil.copy(SOURCES_DIR / f"{source_id}.yaml", sources)
    endpoints = yaml.safe_load((SOURCES_DIR / "endpoints.yaml").read_text("utf-8"))
    only = {"partner_deposits": endpoints["partner_deposits"]}
    (sources / "endpoints.yaml").write_text(yaml.safe_dump(only), "utf-8")
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LRTZC_SOURCES_DIR", str(sources))
    platform = build_platform(Settings())
    definitions = collect_definitions(platform, load_suites(platform))
    (sensor,) = build_deposit_sensors(platform, definitions.jobs or ())
    open_inbox(platform.layout, find_form("valorisation_waste"), COMPANY)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(platform.layout, definitions, sensor, instance)


def test_an_empty_inbox_asks_for_nothing(desk: Desk) -> None:
    answer = desk.look()
    assert isinstance(answer, dg.SkipReason)
    (desk.inbox / "mars.csv.part").write_text("a")
    (desk.inbox / "juste-depose.csv").write_text("a")
    assert isinstance(desk.look(), dg.SkipReason)


def test_a_deposit_goes_from_the_inbox_to_anonymized_rows(desk: Desk) -> None:
    desk.drop(TABLE)
    request = desk.look()
    assert isinstance(request, dg.RunRequest)
    assert request.asset_selection == raw_keys([WASTE])
    collected = desk.run(COLLECT, list(request.asset_selection))
    assert collected.success
    assert "ACCEPTÉ" in (desk.inbox / ANSWERS / f"{NAME}.txt").read_text("utf-8")
    (receipt,) = desk.deposits.receipts()
    assert (receipt.accepted, receipt.row_count) == (True, 2)
    assert isinstance(desk.look(), dg.SkipReason)
    processed = desk.run(PROCESS, processed_keys([WASTE]))
    assert processed.success
    validated = pl.read_parquet(desk.layout.validated(WASTE) / DATA)
    assert validated["establishment_siret"].to_list() == [SIRET, SIRET]
    assert sorted(validated["mass_tonnes"]) == [12.5, 1204.25]
    # A single establishment: there is nothing of it that may be told.
    rows = pl.read_parquet(desk.layout.anonymized(WASTE) / DATA)
    assert rows.height
    assert set(rows["mass_tonnes_state"]) == {"secret"}
    assert rows["mass_tonnes"].null_count() == rows.height
    for result in (collected, processed):
        assert SIRET not in desk.told(result)
        assert "Camille" not in desk.told(result)


def test_a_refused_deposit_is_answered_and_changes_nothing(desk: Desk) -> None:
    desk.drop(FAULTY)
    request = desk.look()
    result = desk.run(COLLECT, list(request.asset_selection))
    # Nothing was ever accepted, and nobody is at fault.
    assert result.success
    assert not result.get_asset_materialization_events()
    said = (desk.inbox / ANSWERS / f"{NAME}.txt").read_text("utf-8")
    assert "REFUSÉ" in said
    assert "Ligne 2, colonne « tonnes » : la valeur n'est pas un nombre." in said
    assert "Camille Inventé" not in "".join(said.splitlines()[1:])
    assert "Camille" not in desk.told(result)


def test_a_correction_reaches_the_rows(desk: Desk) -> None:
    for text in (TABLE, TABLE.replace("12,5", "13")):
        desk.drop(text)
        desk.run(COLLECT, list(desk.look().asset_selection))
        desk.run(PROCESS, processed_keys([WASTE]))
    rows = pl.read_parquet(desk.layout.validated(WASTE) / DATA)
    assert sorted(rows["mass_tonnes"]) == [13, 1204.25]


def test_two_companies_count_side_by_side(desk: Desk) -> None:
    desk.drop(TABLE)
    other = open_inbox(desk.layout, find_form("valorisation_waste"), "tri_atlantique")
    (other / "mars.csv").write_text(TABLE, "utf-8")
    (other / f"mars.csv{READY}").touch()
    desk.run(COLLECT, list(desk.look().asset_selection))
    desk.run(PROCESS, processed_keys([WASTE]))
    rows = pl.read_parquet(desk.layout.validated(WASTE) / DATA)
    assert sorted(rows["mass_tonnes"]) == [12.5, 12.5, 1204.25, 1204.25]


def test_the_same_work_asks_once_an_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [datetime(2100, 1, 1, 8, minute, tzinfo=UTC) for minute in (0, 59)]
    moments.append(datetime(2100, 1, 1, 9, tzinfo=UTC))

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return moments.pop(0)

    monkeypatch.setattr(sensor_module, "datetime", Clock)
    desk.drop(TABLE)
    keys = [desk.look().run_key for _ in range(3)]
    assert keys[0] == keys[1] != keys[2]


def test_a_new_file_by_an_old_name_asks_again(desk: Desk) -> None:
    desk.drop(TABLE)
    first = desk.look().run_key
    assert desk.look().run_key == first
    (desk.inbox / NAME).unlink()
    desk.drop(FAULTY)
    assert desk.look().run_key != first
    assert "Camille" not in first


def test_only_the_forms_that_have_files_are_collected(desk: Desk) -> None:
    inbox = open_inbox(desk.layout, find_form("mobility_trips"), "velo_ville")
    (inbox / "trajets.csv").write_text("a")
    (inbox / f"trajets.csv{READY}").touch()
    assert desk.look().asset_selection == raw_keys([TRIPS])
    desk.drop(TABLE)
    assert desk.look().asset_selection == raw_keys([TRIPS, WASTE])


def test_what_a_crash_left_unanswered_asks_too(desk: Desk) -> None:
    folder = desk.deposits.folder
    (folder / "20240401T000000Z-00000000-mars.csv").write_text(TABLE, "utf-8")
    desk.run(COLLECT, list(desk.look().asset_selection))
    assert "ACCEPTÉ" in (desk.inbox / ANSWERS / "mars.csv.txt").read_text("utf-8")
    assert isinstance(desk.look(), dg.SkipReason)


def test_where_no_source_takes_deposits_nothing_looks(
    desk: Desk, tmp_path: Path
) -> None:
    sources = tmp_path / "none"
    sources.mkdir()
    (sources / "endpoints.yaml").write_text("{}")
    platform = build_platform(Settings(sources_dir=sources))
    assert build_deposit_sensors(platform, desk.definitions.jobs or ()) == []
