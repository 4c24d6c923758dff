"""The invented uplinks: what the night will read, and what is planned in it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.collectors.admission import problem
from lrtzc_pipelines.collectors.declared import load_collector
from lrtzc_pipelines.collectors.spool import sealed_files
from lrtzc_pipelines.parsers.uplinks import parse_uplinks
from lrtzc_pipelines.sandbox.uplinks import messages, write_spool


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = write_spool(tmp_path_factory.mktemp("spool"), 2040)
    assert path is not None
    return parse_uplinks(path.read_bytes(), "x")


def test_the_same_seed_writes_the_same_file_once(tmp_path: Path) -> None:
    first = write_spool(tmp_path, 1)
    assert write_spool(tmp_path, 1) == first
    assert len(sealed_files(tmp_path / "spool" / "lorawan")) == 1


def test_another_seed_takes_the_place_of_the_first(tmp_path: Path) -> None:
    assert write_spool(tmp_path, 1) != write_spool(tmp_path, 2)
    (sealed,) = sealed_files(tmp_path / "spool" / "lorawan")
    assert sealed.invented


def test_a_collector_would_have_taken_every_message() -> None:
    collector = load_collector("lorawan")
    assert {problem(collector, message.payload) for message in messages(2040)} == {None}


def test_every_network_and_measure_is_there(frame: pl.DataFrame) -> None:
    assert frame["device_eui"].n_unique() == 6
    for measure in ("temperature", "humidity", "co2", "energy_kwh", "water_m3"):
        assert frame[f"object.{measure}"].drop_nulls().len() > 100


def test_some_uplinks_come_twice_and_some_never(frame: pl.DataFrame) -> None:
    repeated = frame.height - frame["deduplication_id"].n_unique()
    assert 0 < repeated < 0.05 * frame.height
    assert frame.unique().height == frame["deduplication_id"].n_unique()
    assert frame["deduplication_id"].n_unique() < 6 * 72 * 3


def test_some_temperatures_are_fault_codes(frame: pl.DataFrame) -> None:
    assert (frame["object.temperature"] == "327.67").any()
