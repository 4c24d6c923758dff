"""Scanning: every part of a file is looked at, and only public files are."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest
import zstandard

from lrtzc_pipelines.canaries.invented import Canary
from lrtzc_pipelines.canaries.scanning import Scanner, files_at, public_files
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_ZONE, Layout

WORD = "tolazopivomata"
CANARY = Canary("town_counts", "phone", 0, f"Kanari-{WORD}", (WORD,))
LONELY = Canary("town_counts", "commune", 0, "96123", ("96123",), is_cell=True)
SCANNER = Scanner([CANARY, LONELY])


def found(*places: Path) -> set[tuple[str, str, Canary]]:
    leaks = SCANNER.scan(files_at(places))
    return {(leak.path.name, leak.where, leak.canary) for leak in leaks}


def in_duckdb(path: Path, value: str) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("create table t (a integer, b varchar)")
        connection.execute("insert into t values (1, null), (2, ?)", [value])


def in_sqlite(path: Path, value: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (b text)")
        connection.execute("insert into t values (?)", [value])
        connection.commit()


def in_parquet(path: Path, value: str) -> None:
    pl.DataFrame({"b": [value] * 100}).write_parquet(path)


@pytest.mark.parametrize("write", [in_duckdb, in_sqlite, in_parquet])
def test_cells_of_tables_are_told_by_table_and_column(
    tmp_path: Path, write: Callable[[Path, str], None]
) -> None:
    write(tmp_path / "data.bin", CANARY.value)
    places = {where for _, where, canary in found(tmp_path) if canary == CANARY}
    assert any(where.endswith(".b") for where in places)


@pytest.mark.parametrize("write", [in_duckdb, in_sqlite, in_parquet])
def test_a_code_is_found_only_as_a_whole_cell(
    tmp_path: Path, write: Callable[[Path, str], None]
) -> None:
    write(tmp_path / "whole.bin", "96123")
    write(tmp_path / "part.bin", "n° 96123")
    assert {(name, canary) for name, _, canary in found(tmp_path)} == {
        ("whole.bin", LONELY)
    }


def test_a_code_is_found_in_a_delimited_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;commune\n1;96123\n")
    (tmp_path / "b.csv").write_text("x;commune\n1;961234\n")
    assert found(tmp_path) == {("a.csv", "cells", LONELY)}


def test_a_code_is_found_in_a_delimited_file_that_is_packed(tmp_path: Path) -> None:
    body = b"x;commune\n1;96123\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(body))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("inside.csv", body)
    assert found(tmp_path) == {
        ("a.csv.gz", "[gzip]cells", LONELY),
        ("b.zip", "[inside.csv]cells", LONELY),
    }


def zipped(body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", body)
    return packed.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zip": zipped,
    "zip in gzip": lambda body: gzip.compress(zipped(body)),
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_what_is_packed_is_unpacked(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    text = f"{'-' * 500}{WORD}{'-' * 500}".encode()
    (tmp_path / "file").write_bytes(pack(text))
    assert {canary for _, _, canary in found(tmp_path)} == {CANARY}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_bytes_packed_in_a_cell_are_unpacked(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    pl.DataFrame({"b": [pack(WORD.encode())]}).write_parquet(tmp_path / "file")
    assert {canary for _, _, canary in found(tmp_path)} == {CANARY}


def test_a_table_that_is_packed_is_read(tmp_path: Path) -> None:
    in_parquet(tmp_path / "inside", CANARY.value)
    body = (tmp_path / "inside").read_bytes()
    (tmp_path / "outside.gz").write_bytes(gzip.compress(body))
    places = {where for _, where, _ in found(tmp_path / "outside.gz")}
    assert "[gzip].b" in places


def test_names_of_files_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / f"{WORD}.lock").touch()
    assert found(tmp_path) == {(f"{WORD}.lock", "name", CANARY)}


def test_what_cannot_be_looked_into_is_no_proof(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(LrtzcError, match=r"cut\.parquet: cannot be looked into"):
        found(tmp_path)


def test_a_place_where_nothing_is_is_no_proof(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        found(tmp_path / "nowhere")


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(WORD)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "file")
    assert not found(tmp_path / "folder")


def test_all_but_the_private_zone_is_public(tmp_path: Path) -> None:
    for name in (*PRIVATE_ZONE, "releases", "whatever_comes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "stray").touch()
    public = {path.relative_to(tmp_path) for path in public_files(Layout(tmp_path))}
    assert {str(path) for path in public} == {
        "releases/file",
        "whatever_comes/file",
        "stray",
    }


def test_without_data_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    assert not list(public_files(Layout(tmp_path / "none")))
