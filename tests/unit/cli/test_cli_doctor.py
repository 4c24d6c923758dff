"""`lrtzc doctor`: each thing that keeps an installation from working, made so."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrtzc_pipelines.cli import doctor
from lrtzc_pipelines.instance import CONFIG, write_instance_config
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.release import MANIFEST
from lrtzc_pipelines.publishing.warehouse import FILE
from lrtzc_pipelines.sources.checkout import Checkout
from lrtzc_pipelines.sources.registry import load_endpoints
from lrtzc_pipelines.storage import locked

Found = list[tuple[str, str]]


@pytest.fixture
def found(lrtzc):
    """What a check finds, and how the command ends."""

    def run(check: str) -> tuple[int, Found]:
        said = lrtzc("doctor", "--json")
        rows = [row for row in said.rows if row["check"] == check]
        return said.code, [(row["state"], row["detail"]) for row in rows]

    return run


def states(found: tuple[int, Found]) -> tuple[int, list[str]]:
    return found[0], [state for state, _ in found[1]]


def test_a_fresh_clone_has_nothing_that_fails_and_gets_nothing_written(
    lrtzc, layout: Layout
) -> None:
    said = lrtzc("doctor", "--json")
    assert said.code == 0
    assert [row for row in said.rows if row["state"] == "fail"] == []
    assert {row["check"] for row in said.rows} >= {"python", "packages", "sources"}
    assert not layout.data_dir.exists()
    assert "will be made" in lrtzc("doctor").out


def test_a_package_of_another_version_is_named(
    found, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = doctor.version
    monkeypatch.setattr(
        doctor, "version", lambda name: "1.4.0" if name == "duckdb" else present(name)
    )
    code, ((state, detail),) = found("packages")
    assert (code, state) == (1, "fail")
    assert "duckdb 1.4.0, but ==1.5." in detail


def test_another_python_is_refused(found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.1")
    assert states(found("python")) == (1, ["fail"])


def test_a_mistake_in_the_catalogue_is_told(found, checkout: Checkout) -> None:
    checkout.suite("yelo_bike_stations").unlink()
    code, ((state, detail),) = found("sources")
    assert (code, state) == (1, "fail")
    assert "yelo_bike_stations.json" in detail


@pytest.mark.parametrize("name", ["raw", "validated", "quarantine"])
def test_a_private_folder_that_others_may_enter_fails(
    found, layout: Layout, name: str
) -> None:
    layout.private(name).chmod(0o750)
    code, ((state, detail),) = found("private folders")
    assert (code, state) == (1, "fail")
    assert f"chmod 700 {layout.data_dir / name}" in detail


def test_private_folders_that_are_closed_are_fine(found, layout: Layout) -> None:
    layout.raw("yelo_bike_stations")
    layout.quarantine("yelo_bike_stations")
    assert found("private folders") == (0, [("ok", "2 closed to others")])


@pytest.mark.parametrize(
    ("free", "state"), [(10**8, "fail"), (10**9, "warn"), (10**11, "ok")]
)
def test_a_disk_that_is_full_soon_is_told(
    found, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(
        doctor.doctor_data.shutil, "disk_usage", lambda _: SimpleNamespace(free=free)
    )
    assert states(found("free space"))[1] == [state]


def test_a_data_directory_that_is_a_file_fails(found, layout: Layout) -> None:
    layout.data_dir.write_text("")
    assert states(found("data directory")) == (1, ["fail"])


def test_data_past_their_time_are_told_and_stay(found, lrtzc, layout: Layout) -> None:
    old = time.time() - 5000 * 86_400
    for source_id in ("rpc_carpool_trips", "ademe_dpe_dwellings"):
        refused = layout.quarantine(source_id) / "rows.parquet"
        refused.write_bytes(b"x")
        os.utime(refused, (old, old))
    before = sorted(layout.data_dir.rglob("*"))
    expected = (
        "2 files of ademe_dpe_dwellings, rpc_carpool_trips are past their time: "
        "`lrtzc retention --purge` deletes them"
    )
    assert found("retention") == (0, [("warn", expected)])
    assert sorted(layout.data_dir.rglob("*")) == before
    assert lrtzc("retention", "--purge").code == 0
    assert states(found("retention")) == (0, ["ok"])


def test_a_dagster_home_as_written_is_fine(found, layout: Layout) -> None:
    home = write_instance_config(layout)
    assert found("dagster home") == (0, [("ok", f"{home}: 0 runs")])
    with (home / CONFIG.name).open("a") as file:
        file.write("# mine\n")
    assert found("dagster home")[1][0][1].endswith("changed by hand")


def test_a_dagster_database_that_cannot_be_read_fails(found, layout: Layout) -> None:
    runs = write_instance_config(layout) / "history" / "runs.db"
    runs.parent.mkdir()
    runs.write_bytes(b"not a database, but long enough to be looked at")
    assert states(found("dagster home")) == (1, ["fail"])


def test_a_dagster_configuration_that_is_no_yaml_fails(found, layout: Layout) -> None:
    (write_instance_config(layout) / CONFIG.name).write_text("a: [")
    assert states(found("dagster home")) == (1, ["fail"])


def test_a_whole_release_is_fine(found, published) -> None:
    code, ((state, detail),) = found("release")
    assert (code, state) == (0, "ok")
    assert published.release_id in detail


def damage_manifest(folder: Path) -> None:
    (folder / MANIFEST).chmod(0o600)
    (folder / MANIFEST).write_text("{")


def damage_warehouse(folder: Path) -> None:
    (folder / FILE).chmod(0o600)
    (folder / FILE).write_bytes(b"\0" * 5000)


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        damage_manifest,
        damage_warehouse,
        lambda folder: (folder / FILE).unlink(),
        lambda folder: (folder / "parquet" / "ref_essai.parquet").unlink(),
    ],
    ids=["folder gone", "manifest", "warehouse", "warehouse gone", "parquet gone"],
)
def test_a_release_that_readers_cannot_use_fails(
    found, published, layout: Layout, damage
) -> None:
    damage(layout.releases / published.release_id)
    code, ((state, detail),) = found("release")
    assert (code, state) == (1, "fail")
    assert published.release_id in detail


def test_what_a_killed_run_left_is_told(found, layout: Layout, published) -> None:
    (layout.releases / ".building-dead").mkdir()
    layout.private("build", "dead-build")
    code, ((state, detail),) = found("leftovers")
    assert (code, state) == (0, "warn")
    assert ".building-dead, dead-build" in detail


def test_a_refresh_under_way_is_told_and_its_work_is_no_leftover(
    found, layout: Layout
) -> None:
    layout.private("build", "alive")
    with locked(layout.lock("refresh"), "a refresh"):
        assert states(found("refresh")) == (0, ["warn"])
        assert found("leftovers")[1] == [("ok", "none")]
    assert found("refresh")[1] == [("ok", "none under way")]


def test_a_contact_or_a_local_address_everywhere_is_enough(
    found, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert states(found("contact"))[1] == ["warn"]
    with monkeypatch.context() as patch:
        patch.setenv("LRTZC_CONTACT", "donnees@example.org")
        assert found("contact")[1] == [("ok", "donnees@example.org")]
    for name in load_endpoints():
        monkeypatch.setenv(f"LRTZC_ENDPOINT__{name.upper()}", "http://127.0.0.1:1/")
    assert states(found("contact"))[1] == ["ok"]


@pytest.mark.parametrize(
    ("variable", "state"),
    [("", "warn"), ("LRTZC_SECRET__", "ok"), ("LRTZC_ENDPOINT__", "ok")],
)
def test_a_key_that_is_needed_is_asked_for(
    found, monkeypatch: pytest.MonkeyPatch, variable: str, state: str
) -> None:
    if variable:
        name = f"{variable}LAROCHELLE_WEBSERVICE"
        monkeypatch.setenv(name, "http://127.0.0.1:1/s3cret")
    code, keys = found("keys")
    asked = {detail.partition(":")[0]: found_state for found_state, detail in keys}
    assert (code, asked["larochelle_webservice"]) == (0, state)
    assert len(asked) == sum(e.key_required for e in load_endpoints().values())
    assert "s3cret" not in str(keys)


@pytest.mark.parametrize("group", ["ENDPOINT", "SECRET"])
def test_a_misspelt_endpoint_is_told(
    found, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    monkeypatch.setenv(f"LRTZC_{group}__YELO_GBF", "http://127.0.0.1:1/s3cret")
    code, ((state, detail),) = found("endpoints")
    assert (code, state) == (0, "warn")
    assert f"LRTZC_{group}__YELO_GBF" in detail
    assert "s3cret" not in detail


def test_an_address_without_http_fails(found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRTZC_ENDPOINT__YELO_GBFS", "/srv/gbfs.json")
    assert states(found("endpoints")) == (1, ["fail"])


@pytest.mark.parametrize(
    "variable", ["LRTZC_CONTATC", "LRTZC_CONTACT__X", "LRTZC_ENDPOINT__"]
)
def test_a_variable_that_nothing_reads_is_told_without_its_value(
    found, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "s3cret")
    expected = f"{variable} is set, but nothing reads it"
    assert found("variables") == (0, [("warn", expected)])


@pytest.mark.parametrize(
    "variable", ["LRTZC_CONTACT", "LRTZC_SECRET__AGENCE_ORE", "LRTZC_BUILD_PATH"]
)
def test_a_variable_that_is_read_is_not_told(
    found, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "s3cret")
    assert states(found("variables")) == (0, ["ok"])
