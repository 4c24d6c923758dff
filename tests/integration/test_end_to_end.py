"""The whole line through the real jobs: twice, with a fault, back, and read by SQL."""

from __future__ import annotations

import json
import stat
import urllib.request
from typing import Any

import pytest
from dagster import DagsterInstance, RunsFilter

from lrtzc_pipelines.sources.registry import load_sources

from .conftest import Platform


@pytest.fixture(scope="module")
def first(platform: Platform) -> dict[str, Any]:
    outcome: dict[str, Any] = platform.json("refresh")
    return outcome


@pytest.fixture(scope="module")
def second(platform: Platform, first: dict[str, Any]) -> dict[str, Any]:
    assert first["release"]
    outcome: dict[str, Any] = platform.json("refresh")
    return outcome


def by_source(outcome: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["source"]: entry for entry in outcome["sources"]}


def scalar(platform: Platform, sql: str) -> Any:
    (row,) = platform.json("query", sql)
    (value,) = row.values()
    return value


def test_every_source_is_collected_and_published(first: dict[str, Any]) -> None:
    assert first["published"]
    assert {entry["state"] for entry in first["sources"]} == {"changed"}
    assert all(entry["bytes"] > 0 for entry in first["sources"])


def test_nothing_is_lost_between_the_service_and_the_release(
    platform: Platform, first: dict[str, Any]
) -> None:
    parking = by_source(first)["larochelle_parking_history"]
    published = scalar(platform, "select count(*) from fct_parking_measurement")
    assert published == parking["published"]
    assert parking["rows_in"] == (
        published + parking["quarantined"] + parking["repeats"]
    )
    assert parking["quarantined"] > 0
    assert parking["holes"] > 0


def test_the_unchanged_is_skipped_and_says_so(
    platform: Platform, second: dict[str, Any]
) -> None:
    assert not second["published"]
    assert {entry["state"] for entry in second["sources"]} == {"unchanged"}
    assert len(platform.json("releases", "list")) == 1
    told = platform.run("refresh", "--source", "dgcl_epci_perimeter")
    assert "nothing new, skipped" in told.stderr
    assert "nothing changed: the current release stays" in told.stderr


def test_an_unchanged_source_materializes_nothing(
    platform: Platform, second: dict[str, Any]
) -> None:
    assert second["release"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(platform.data_dir / "dagster"))
        instance = DagsterInstance.get()
        materialized = {
            job_name: [
                len(
                    [
                        record
                        for record in instance.all_logs(run.run_id)
                        if record.dagster_event
                        and record.dagster_event.is_step_materialization
                    ]
                )
                for run in instance.get_runs(RunsFilter(job_name=job_name))
            ]
            for job_name in ("collect", "process")
        }
        instance.dispose()
    # Only the first night found something; one without news needs no run.
    sources = sum(not spec.is_daily for spec in load_sources().values())
    assert materialized == {"collect": [sources], "process": [2 * sources]}


def test_communes_and_ledger_are_what_they_should_be(
    platform: Platform, first: dict[str, Any]
) -> None:
    assert first["release"]
    assert scalar(platform, "select count(*) from ref_commune") == 28
    (ledger,) = platform.json("query", "select * from fct_carbon_ledger")
    expected = ledger["activity_quantity"] * ledger["factor_value"]
    assert ledger["result_tco2e"] == pytest.approx(expected)
    for field in ("activity_unit", "factor_unit", "factor_source", "year", "method"):
        assert ledger[field]


def test_the_release_is_whole_read_only_and_checks(
    platform: Platform, first: dict[str, Any]
) -> None:
    folder = platform.data_dir / "releases" / first["release"]
    assert platform.run("releases", "verify").returncode == 0
    assert not (folder / "lrtzc.duckdb.wal").exists()
    assert stat.S_IMODE((folder / "lrtzc.duckdb").stat().st_mode) == 0o444
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["tables"]) == {p.stem for p in folder.glob("parquet/*")}
    assert manifest["origin"] == "sandbox"
    page = (folder / "site" / "index.html").read_text()
    assert "Données de démonstration" in page


def test_private_folders_are_closed(platform: Platform, first: dict[str, Any]) -> None:
    assert first["release"]
    for name in ("raw", "validated", "quarantine"):
        mode = stat.S_IMODE((platform.data_dir / name).stat().st_mode)
        assert mode == 0o700, name
    blob = next((platform.data_dir / "raw").rglob("*.zst"))
    assert stat.S_IMODE(blob.stat().st_mode) == 0o600


def test_a_source_that_fails_leaves_the_release_and_names_the_cause(
    platform: Platform, sandbox_url: str, second: dict[str, Any]
) -> None:
    plan = {"endpoint": "agence_ore", "fault": "html_200", "times": 20}
    request = urllib.request.Request(
        f"{sandbox_url}/__faults",
        data=json.dumps(plan).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request).close()
    # Another copy of the data directory would be unchanged: ask without conditions.
    done = platform.run("refresh", "--source", "ore_residential_electricity", "--json")
    urllib.request.urlopen(
        urllib.request.Request(f"{sandbox_url}/__faults", method="DELETE")
    ).close()
    assert done.returncode == 3, done.stderr
    outcome = json.loads(done.stdout)
    (entry,) = outcome["sources"]
    assert entry["state"] == "failed"
    assert "agence_ore" in entry["reason"]
    assert "HTML" in entry["reason"]
    assert outcome["release"] == second["release"]
    assert scalar(platform, "select count(*) from mart_residential_electricity") > 0


def test_replay_from_raw_needs_no_service(
    platform: Platform, second: dict[str, Any]
) -> None:
    assert second["release"]
    offline = Platform(platform.data_dir, dict(platform.environment))
    offline.environment["LRTZC_ENDPOINT__LAROCHELLE_WEBSERVICE"] = "http://127.0.0.1:9"
    done = offline.run("quarantine", "replay", "larochelle_public_buildings", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sources"][0]["state"] == "unchanged"


def test_two_refreshes_do_not_run_at_once(
    platform: Platform, second: dict[str, Any]
) -> None:
    assert second["release"]
    running = platform.popen("refresh")
    try:
        for _ in range(200):
            done = platform.run("releases", "list")
            assert done.returncode == 0
            if running.poll() is not None or (
                platform.data_dir / "locks" / "refresh.lock"
            ).read_text() == str(running.pid):
                break
        assert platform.run("refresh").returncode == 75
    finally:
        running.wait(120)


def test_rollback_without_an_older_release_says_so(
    platform: Platform, first: dict[str, Any]
) -> None:
    assert first["release"]
    done = platform.run("releases", "rollback")
    assert done.returncode == 1
    assert "no release is older" in done.stderr
