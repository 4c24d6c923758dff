"""Typed inputs made on the spot, and dbt run on them as a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lrtzc_pipelines.publishing.inputs import input_name
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

DBT = Path(sys.executable).parent / "dbt"
OPTIONS = ("--indirect-selection", "buildable", "--show-all-deprecations")
DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
POLARS_TYPES: dict[ColumnType, pl.DataType] = {
    ColumnType.TEXT: pl.String(),
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.NUMBER: pl.Float64(),
    ColumnType.BOOLEAN: pl.Boolean(),
    ColumnType.DATE: pl.Date(),
    ColumnType.DATETIME: pl.Datetime("us", "UTC"),
}

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Build:
    """One `dbt build`: what it left and how its nodes ended."""

    path: Path
    returncode: int
    output: str
    statuses: Mapping[str, str]

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query on the built file, with a UTC session."""
        return [tuple(row.values()) for row in self.named_rows(query, *parameters)]

    def named_rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """The rows of a query as mappings."""
        with duckdb.connect(self.path, read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            cursor = connection.execute(query, list(parameters))
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def failed(self) -> set[str]:
        """Names of the nodes that failed."""
        bad = {"fail", "error"}
        return {name for name, status in self.statuses.items() if status in bad}


Builder = Callable[..., Build]


@pytest.fixture(scope="session")
def specs() -> dict[str, SourceSpec]:
    return load_sources()


@pytest.fixture(scope="session")
def dbt_project() -> Path:
    return DBT_PROJECT


@pytest.fixture(scope="session")
def dbt_build(
    tmp_path_factory: pytest.TempPathFactory, specs: dict[str, SourceSpec]
) -> Builder:
    """Builds the given rows; sources left out are typed and empty."""
    # The name has what breaks carelessly quoted SQL. One folder for every build, since
    # dbt parses everything again when a path in its profile changes.
    work = tmp_path_factory.mktemp("dbt") / "l'agglo (essai)"
    work.mkdir()

    def build(name: str, rows: Mapping[str, Rows], select: str = "*") -> Build:
        for spec in specs.values():
            write_input(work, spec, rows.get(spec.id, []))
        return run_dbt(work, name, select)

    return build


def write_input(folder: Path, spec: SourceSpec, rows: Rows) -> None:
    """Writes a source's file where a build finds it; absent values are null."""
    schema = {c.name: POLARS_TYPES[c.type] for c in spec.published_columns}
    complete = [{name: row.get(name) for name in schema} for row in rows]
    frame = pl.DataFrame(complete, schema=schema)
    path = folder / input_name(spec)
    path.parent.mkdir(exist_ok=True)
    frame.write_parquet(path)


def run_dbt(folder: Path, name: str, select: str) -> Build:
    """Runs `dbt build` on the inputs in `folder` and sets its database aside."""
    path, target = folder / "warehouse.duckdb", folder / "target"
    environment = os.environ | {
        "LRTZC_BUILD_PATH": os.fspath(path),
        "LRTZC_INPUTS_DIR": os.fspath(folder),
        "DBT_PROFILES_DIR": os.fspath(DBT_PROJECT),
        "DBT_TARGET_PATH": os.fspath(target),
        "DBT_LOG_PATH": os.fspath(folder / "logs"),
        "DBT_USE_COLORS": "false",
    }
    done = subprocess.run(
        [DBT, "build", "--select", select, *OPTIONS],
        cwd=DBT_PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    results = json.loads((target / "run_results.json").read_text("utf-8"))
    statuses = {
        result["unique_id"].split(".")[2]: result["status"]
        for result in results["results"]
    }
    kept = path.rename(folder / f"{name}.duckdb")
    return Build(kept, done.returncode, done.stdout + done.stderr, statuses)
