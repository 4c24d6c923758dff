"""What goes from dbt's database into the published file, and what may not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.publishing.inputs import ReleaseInput
from lrtzc_pipelines.publishing.warehouse import (
    PublishedColumn,
    PublishedTable,
    check_tiers,
    export_parquet,
    released_tables,
    write_meta,
    write_warehouse,
)
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec, Tier

SPECS = load_sources()
BUILDINGS, COMMUNES = "larochelle_public_buildings", "larochelle_agglomeration_communes"
MEMORY = "100MB"
ODD = 'it\'s "odd"'

Node = dict[str, Any]


def node(name: str, *parents: str, kind: str = "model", **meta: object) -> Node:
    return {
        "name": name,
        "unique_id": f"{kind}.lrtzc.{name}",
        "resource_type": kind,
        "schema": "main",
        "description": f"About {name}.",
        "config": {"meta": meta},
        "depends_on": {"nodes": list(parents)},
        "columns": {
            "n": {
                "name": "n",
                "description": "A number.",
                "config": {"meta": {"unit": "MWh"}},
            },
            "plain": {"name": "plain", "description": "No unit."},
        },
    }


def manifest(*nodes: Node) -> dict[str, Any]:
    return {
        "nodes": {n["unique_id"]: n for n in nodes},
        "parent_map": {n["unique_id"]: n["depends_on"]["nodes"] for n in nodes},
    }


MANIFEST = manifest(
    node("mart_b", "model.lrtzc.stg", "model.lrtzc.ref_a", release=True),
    node("ref_a", f"source.lrtzc.anonymized.{COMMUNES}", release=True),
    node("stg", f"source.lrtzc.anonymized.{BUILDINGS}"),
    node("seeded", kind="seed", release=True),
    node("a_test", "model.lrtzc.stg", kind="test", release=True),
)


def table(name: str = "t", *sources: str, schema: str = "main") -> PublishedTable:
    columns = (
        PublishedColumn("n", "It's a number.", "MWh"),
        PublishedColumn(ODD, "An odd name.", None),
    )
    return PublishedTable(name, schema, "It's a table.", columns, sources)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What dbt leaves: a table to release, one not to, and one elsewhere."""
    path = tmp_path / "l'agglo" / "warehouse.duckdb"
    path.parent.mkdir()
    quoted = ODD.replace('"', '""')
    with duckdb.connect(path) as con:
        con.execute("create table t as select range as n, 1 as odd from range(3)")
        con.execute(f'alter table t rename odd to "{quoted}"')
        con.execute("create table internal as select 'private' as x")
        con.execute("create schema other")
        con.execute("create table other.far as select 7 as n")
    return path


@pytest.fixture
def released(built: Path, tmp_path: Path) -> Path:
    path = tmp_path / "lrtzc.duckdb"
    write_warehouse(built, path, [table()], memory=MEMORY)
    return path


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def test_only_models_and_seeds_marked_for_release_are_released() -> None:
    found = [item.name for item in released_tables(MANIFEST)]
    assert found == ["mart_b", "ref_a", "seeded"]


def test_a_released_table_knows_every_source_behind_it() -> None:
    by_name = {item.name: item for item in released_tables(MANIFEST)}
    assert by_name["mart_b"].sources == tuple(sorted((BUILDINGS, COMMUNES)))
    assert by_name["ref_a"].sources == (COMMUNES,)
    assert by_name["seeded"].sources == ()


def test_a_released_table_carries_words_and_units() -> None:
    found = released_tables(MANIFEST)[0]
    assert (found.schema, found.description) == ("main", "About mart_b.")
    assert found.columns == (
        PublishedColumn("n", "A number.", "MWh"),
        PublishedColumn("plain", "No unit.", None),
    )


@pytest.mark.parametrize("tier", ["partners", "restricted"])
def test_a_model_that_is_not_open_cannot_be_released(tier: str) -> None:
    closed = manifest(node("m", release=True, access_tier=tier))
    with pytest.raises(ReleaseError, match="m: marked for release, but its tier"):
        released_tables(closed)


@pytest.mark.parametrize("tier", [Tier.PARTNERS, Tier.RESTRICTED])
def test_a_table_made_from_a_closed_source_is_refused(tier: Tier) -> None:
    specs: dict[str, SourceSpec] = {
        **SPECS,
        BUILDINGS: SPECS[BUILDINGS].model_copy(update={"tier": tier}),
    }
    tables = released_tables(MANIFEST)
    with pytest.raises(ReleaseError, match=f"mart_b: made from {BUILDINGS}, which is"):
        check_tiers(tables, specs)


def test_open_sources_pass() -> None:
    check_tiers(released_tables(MANIFEST), SPECS)


def test_only_what_is_named_is_copied(released: Path) -> None:
    names = rows(released, "select table_name from duckdb_tables() order by all")
    assert names == [("t",)]


def test_rows_are_counted_per_table(built: Path, tmp_path: Path) -> None:
    far = table("far", schema="other")
    no_columns = PublishedTable(far.name, far.schema, "", (), ())
    path = tmp_path / "lrtzc.duckdb"
    counts = write_warehouse(built, path, [table(), no_columns], memory=MEMORY)
    assert counts == {"t": 3, "far": 1}
    assert rows(path, "select n from main.far") == [(7,)]


def test_the_file_is_closed_without_a_log(released: Path) -> None:
    assert not released.with_name(f"{released.name}.wal").exists()


def test_words_become_comments(released: Path) -> None:
    assert rows(released, "select comment from duckdb_tables()") == [("It's a table.",)]
    comments = "select column_name, comment from duckdb_columns() where not internal"
    assert dict(rows(released, comments)) == {
        "n": "It's a number. [MWh]",
        ODD: "An odd name.",
    }


def meta(path: Path, built_from: dict[str, ReleaseInput]) -> None:
    release = {
        "release_id": "r1",
        "created_at": "2026-06-17T03:30:00+00:00",
        "code_version": "0.1",
        "inputs_sha256": "ab",
        "origin": "sandbox",
        "tables": {"t": 3},
    }
    write_meta(path, release=release, tables=[table()], inputs=built_from, specs=SPECS)


@pytest.fixture
def described(released: Path) -> Path:
    inputs = {name: ReleaseInput(source_id=name) for name in SPECS}
    inputs[COMMUNES] = ReleaseInput(
        source_id=COMMUNES,
        content_sha256="cd",
        origin="sandbox",
        row_count=28,
        quarantined_count=1,
        snapshot_id="s",
        collected_at="2026-06-17T05:54:39+02:00",
        data_changed_at="2026-06-16T05:54:39+00:00",
    )
    meta(released, inputs)
    return released


def test_the_file_says_which_release_it_is(described: Path) -> None:
    assert rows(described, "select * from meta.release") == [
        ("r1", datetime(2026, 6, 17, 3, 30, tzinfo=UTC), "0.1", "ab", "sandbox")
    ]


def test_the_file_says_what_every_source_was(described: Path) -> None:
    assert rows(described, "select count(*) from meta.source_status") == [(len(SPECS),)]
    status = (
        "select title, tier, origin, row_count, quarantined_count, collected_at "
        f"from meta.source_status where source_id = '{COMMUNES}'"
    )
    assert rows(described, status) == [
        (
            SPECS[COMMUNES].title,
            "open",
            "sandbox",
            28,
            1,
            datetime(2026, 6, 17, 3, 54, 39, tzinfo=UTC),
        )
    ]


def test_an_absent_source_is_in_the_file_as_absent(described: Path) -> None:
    status = (
        "select origin, row_count, collected_at, snapshot_id from meta.source_status "
        f"where source_id = '{BUILDINGS}'"
    )
    assert rows(described, status) == [("absent", 0, None, None)]


def test_the_dictionary_explains_every_column(described: Path) -> None:
    assert rows(described, "select * from meta.dictionary") == [
        ("t", "n", "BIGINT", "MWh", "It's a number."),
        ("t", ODD, "INTEGER", None, "An odd name."),
    ]


def test_every_released_table_is_exported_as_parquet(
    described: Path, tmp_path: Path
) -> None:
    written = export_parquet(described, tmp_path / "l'export", memory=MEMORY)
    assert [path.name for path in written] == ["t.parquet"]
    assert pl.read_parquet(written[0]).sort("n").rows() == [(0, 1), (1, 1), (2, 1)]


def test_an_export_does_not_change_the_database(
    described: Path, tmp_path: Path
) -> None:
    before = described.read_bytes()
    export_parquet(described, tmp_path / "parquet", memory=MEMORY)
    assert described.read_bytes() == before
