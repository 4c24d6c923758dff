"""The graph as it is meant to be: a change of it is a diff that someone reviews."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from lrtzc_pipelines.assembly import build_definitions
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import load_sources

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lrtzc_pipelines"
ORCHESTRATION = {"assets", "resources", "sensors", "schedules"}
ORCHESTRATION_MODULES = {
    "assembly.py",
    "definitions.py",
    "jobs.py",
    "running.py",
    "runs.py",
    "run_summary.py",
}


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    data_dir = tmp_path_factory.mktemp("definitions")
    return build_definitions(Settings(data_dir=data_dir))


def test_the_asset_graph(defs: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    graph = defs.resolve_asset_graph()
    described: dict[str, Any] = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        described[key.to_user_string()] = {
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "owners": sorted(node.owners),
            "pools": sorted(node.pools or ()),
        }
    assert described == snapshot


def test_the_checks_and_which_of_them_block(
    defs: dg.Definitions, snapshot: SnapshotAssertion
) -> None:
    graph = defs.resolve_asset_graph()
    described = {
        f"{key.asset_key.to_user_string()}:{key.name}": graph.get_check_spec(
            key
        ).blocking
        for key in sorted(graph.asset_check_keys)
    }
    assert described == snapshot


def test_jobs_schedules_and_sensors(
    defs: dg.Definitions, snapshot: SnapshotAssertion
) -> None:
    schedules = {
        s.name: [s.cron_schedule, s.execution_timezone, s.job_name, s.default_status]
        for s in defs.schedules or ()
    }
    assert {
        "jobs": sorted(job.name for job in defs.jobs or ()),
        "schedules": schedules,
        "sensors": {s.name: s.default_status for s in defs.sensors or ()},
    } == snapshot


@pytest.mark.parametrize("source_id", sorted(load_sources()))
def test_every_source_reads_like_a_catalogue(
    defs: dg.Definitions, source_id: str
) -> None:
    graph = defs.resolve_asset_graph()
    for layer in ("raw", "validated", "anonymized"):
        node = graph.get(dg.AssetKey([layer, source_id]))
        assert node.owners
        assert node.kinds
        assert node.group_name != "default"
        assert node.description
        assert node.metadata["licence"]
    validated = dg.AssetKey(["validated", source_id])
    assert graph.get_check_keys_for_assets({validated})
    anonymized = graph.get(dg.AssetKey(["anonymized", source_id]))
    assert anonymized.freshness_policy is not None


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_only_orchestration_knows_dagster(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    orchestrates = (
        relative.parts[0] in ORCHESTRATION or relative.name in ORCHESTRATION_MODULES
    )
    names = imported(path)
    assert orchestrates or not names & {"dagster", "dagster_dbt"}
    assert relative.name == "runner.py" or "great_expectations" not in names


def test_a_command_that_runs_nothing_loads_neither_dagster_nor_dbt() -> None:
    code = (
        "import sys, lrtzc_pipelines.cli.app, lrtzc_pipelines.cli.refresh; "
        "print([m for m in ('dagster', 'dbt', 'great_expectations') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_dg_check_defs_passes(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "LRTZC_DATA_DIR": str(tmp_path / "data"),
        "DAGSTER_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dg"), "check", "defs"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_ways_to_load_name_the_location_alike() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    (entry,) = workspace["load_from"]
    assert entry["python_module"]["location_name"] == "lrtzc_pipelines"
    assert entry["python_module"]["module_name"] == "lrtzc_pipelines.definitions"


def test_the_production_instance_differs_in_its_storage_only() -> None:
    embedded = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    production = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())
    assert "postgres" in production.pop("storage")
    assert production == embedded
