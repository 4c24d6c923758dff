"""The published DuckDB file: the models marked for release, with their dictionary.

The file that dbt builds holds staging and intermediate models too. Only what is marked
`release: true` and open goes on, into a new file without free pages, with descriptions
as comments and the tables of schema `meta` that say what the release is made of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.publishing.inputs import ReleaseInput
from lrtzc_pipelines.sources.spec import SourceSpec, Tier

FILE = "lrtzc.duckdb"


@dataclass(frozen=True)
class PublishedColumn:
    """A column of a released table, as the dictionary shows it."""

    name: str
    description: str
    unit: str | None


@dataclass(frozen=True)
class PublishedTable:
    """A dbt model or seed that goes into the release."""

    name: str
    schema: str
    description: str
    columns: tuple[PublishedColumn, ...]
    sources: tuple[str, ...]


def released_tables(manifest: Mapping[str, Any]) -> list[PublishedTable]:
    """The models and seeds of a dbt manifest that are marked for release.

    Raises:
        ReleaseError: one that is not open is marked for release, or one that comes
            from a source that is not open does not say that it is.
    """
    tables = []
    for node in manifest["nodes"].values():
        if node["resource_type"] not in {"model", "seed"}:
            continue
        meta = {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}
        if not meta.get("release"):
            continue
        if meta.get("access_tier", Tier.OPEN) != Tier.OPEN:
            msg = f"{node['name']}: marked for release, but its tier is not open"
            raise ReleaseError(msg)
        tables.append(_table(manifest, node))
    return sorted(tables, key=lambda table: table.name)


def _table(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> PublishedTable:
    columns = tuple(
        PublishedColumn(
            name=column["name"],
            description=column.get("description", ""),
            unit={
                **column.get("meta", {}),
                **column.get("config", {}).get("meta", {}),
            }.get("unit"),
        )
        for column in node.get("columns", {}).values()
    )
    return PublishedTable(
        name=node["name"],
        schema=node["schema"],
        description=node.get("description", ""),
        columns=columns,
        sources=tuple(sorted(_sources_of(manifest, node["unique_id"]))),
    )


def _sources_of(manifest: Mapping[str, Any], unique_id: str) -> set[str]:
    """Ids of the sources a node is made from, however far upstream."""
    found: set[str] = set()
    for parent in manifest["parent_map"].get(unique_id, []):
        if parent.startswith("source."):
            found.add(parent.rpartition(".")[2])
        else:
            found |= _sources_of(manifest, parent)
    return found


def check_tiers(tables: list[PublishedTable], specs: Mapping[str, SourceSpec]) -> None:
    """Raises ReleaseError if a released table comes from a source that is not open.

    What a protection opens is: aggregates of partners' data, never their rows.
    """
    for table in tables:
        closed = [s for s in table.sources if specs[s].released_tier is not Tier.OPEN]
        if closed:
            msg = f"{table.name}: made from {', '.join(closed)}, which is not open"
            raise ReleaseError(msg)


def write_warehouse(
    built: Path, path: Path, tables: list[PublishedTable], *, memory: str
) -> dict[str, int]:
    """Copies the released tables into a new DuckDB file.

    Args:
        built: File that dbt built.
        path: File to make; must not exist.
        tables: What to copy, into schema `main`.
        memory: DuckDB memory limit.

    Returns:
        Rows per table.
    """
    counts = {}
    with duckdb.connect(path, config={"memory_limit": memory, "threads": 2}) as con:
        con.execute("set preserve_insertion_order = false")
        con.execute(f"attach {_literal(str(built))} as built (read_only)")
        for table in tables:
            name = _name(table.name)
            con.execute(
                f"create table main.{name} as from built.{_name(table.schema)}.{name}"
            )
            con.execute(
                f"comment on table main.{name} is {_literal(table.description)}"
            )
            for column in table.columns:
                con.execute(
                    f"comment on column main.{name}.{_name(column.name)} "
                    f"is {_literal(_comment(column))}"
                )
            row = con.execute(f"select count(*) from main.{name}").fetchone()  # noqa: S608 - quoted names
            counts[table.name] = int(row[0]) if row else 0
        con.execute("detach built")
    return counts


def write_meta(
    path: Path,
    *,
    release: Mapping[str, Any],
    tables: list[PublishedTable],
    inputs: Mapping[str, ReleaseInput],
    specs: Mapping[str, SourceSpec],
) -> None:
    """Adds schema `meta`: `release`, `source_status` and `dictionary`."""
    with duckdb.connect(path) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute("create schema meta")
        con.execute(
            "create table meta.release (release_id varchar, created_at timestamptz, "
            "code_version varchar, inputs_sha256 varchar, origin varchar)"
        )
        con.execute(
            "insert into meta.release values (?, ?, ?, ?, ?)",
            [
                release[name]
                for name in (
                    "release_id",
                    "created_at",
                    "code_version",
                    "inputs_sha256",
                    "origin",
                )
            ],
        )
        released = {source for table in tables for source in table.sources}
        _write_source_status(con, inputs, specs, released)
        _write_dictionary(con, tables)


def _write_source_status(
    con: duckdb.DuckDBPyConnection,
    inputs: Mapping[str, ReleaseInput],
    specs: Mapping[str, SourceSpec],
    released: Collection[str],
) -> None:
    con.execute(
        "create table meta.source_status (source_id varchar, title varchar, "
        "producer varchar, licence varchar, homepage varchar, tier varchar, "
        "axis integer, theme varchar, cadence varchar, origin varchar, "
        "row_count bigint, quarantined_count bigint, collected_at timestamptz, "
        "data_changed_at timestamptz, freshness_days integer, snapshot_id varchar, "
        "content_sha256 varchar, is_released boolean)"
    )
    con.executemany(
        "insert into meta.source_status values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?)",
        [
            [
                spec.id,
                spec.title,
                spec.producer,
                spec.released_licence,
                spec.homepage,
                str(spec.released_tier),
                spec.axis,
                str(spec.theme),
                str(spec.cadence),
                inputs[spec.id].origin,
                inputs[spec.id].row_count,
                inputs[spec.id].quarantined_count,
                inputs[spec.id].collected_at,
                inputs[spec.id].data_changed_at,
                spec.freshness_days,
                inputs[spec.id].snapshot_id,
                inputs[spec.id].content_sha256,
                spec.id in released,
            ]
            for spec in specs.values()
        ],
    )


def _write_dictionary(
    con: duckdb.DuckDBPyConnection, tables: list[PublishedTable]
) -> None:
    con.execute(
        "create table meta.dictionary (table_name varchar, column_name varchar, "
        "data_type varchar, unit varchar, description varchar)"
    )
    described = [
        (table.name, column.name, column.unit, column.description)
        for table in tables
        for column in table.columns
    ]
    con.execute(
        "create temp table described (table_name varchar, column_name varchar, "
        "unit varchar, description varchar)"
    )
    if described:
        con.executemany("insert into described values (?, ?, ?, ?)", described)
    con.execute(
        "insert into meta.dictionary "
        "select c.table_name, c.column_name, c.data_type, d.unit, d.description "
        "from duckdb_columns() as c left join described as d "
        "using (table_name, column_name) "
        "where c.schema_name = 'main' and c.database_name = current_database() "
        "and not c.internal "
        "order by c.table_name, c.column_index"
    )
    con.execute("drop table described")


def export_parquet(path: Path, folder: Path, *, memory: str) -> list[Path]:
    """Writes every released table as `<folder>/<table>.parquet`."""
    folder.mkdir(parents=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": 2,
    }
    written = []
    with duckdb.connect(path, read_only=True, config=config) as con:
        con.execute("set preserve_insertion_order = false")
        names = con.execute(
            "select table_name from duckdb_tables() where schema_name = 'main'"
        ).fetchall()
        for (name,) in names:
            target = folder / f"{name}.parquet"
            con.execute(
                f"copy main.{_name(name)} to {_literal(str(target))} "
                "(format parquet, compression zstd)"
            )
            written.append(target)
    return sorted(written)


def _comment(column: PublishedColumn) -> str:
    return (
        f"{column.description} [{column.unit}]" if column.unit else column.description
    )


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
