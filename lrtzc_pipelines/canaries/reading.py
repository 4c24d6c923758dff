"""Everything that a file says: its bytes, what is packed in it, cells of its tables.

Databases and Parquet compress what they hold, so that a value may be in a file whose
bytes do not show it: their tables are read column by column, as text. What is packed
(zip, gzip, zstd, zlib) is unpacked, and looked at in the same way.
"""

from __future__ import annotations

import csv
import io
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from lrtzc_pipelines.errors import LrtzcError

_DEEPEST = 6
_CELL_SEPARATOR = "\n"
_ZLIB = tuple(b"\x78" + level for level in (b"\x01", b"\x5e", b"\x9c", b"\xda"))
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_DELIMITED = frozenset({".csv", ".tsv"})
_SQLITE, _PARQUET, _DUCKDB = b"SQLite format 3\x00", b"PAR1", b"DUCK"
_DUCKDB_MARK = slice(8, 12)
_GZIP_WINDOW = 31


@dataclass(frozen=True)
class Piece:
    """Something that a file says.

    Attributes:
        where: Which part of it, such as a table and a column; empty for its bytes.
        body: What is said, tables as UTF-8 text.
        cells: The values of a column, each once; none outside of tables.
    """

    where: str
    body: bytes
    cells: frozenset[str] = frozenset()


def pieces(path: Path) -> Iterator[Piece]:
    """What a file says.

    Raises:
        LrtzcError: it is a database or an archive, and cannot be read.
    """
    yield Piece("name", path.name.encode())
    try:
        yield from _said("", path.read_bytes(), path, 0, path.name)
    except (duckdb.Error, sqlite3.Error, zipfile.BadZipFile, zstandard.ZstdError) as e:
        msg = f"{path}: cannot be looked into ({type(e).__name__})"
        raise LrtzcError(msg) from None


def _said(
    where: str, body: bytes, path: Path | None, depth: int, named: str = ""
) -> Iterator[Piece]:
    """What bytes say.

    `path` is where they are, if they are a file of their own; `named` is what they are
    called, packed or not.
    """
    yield Piece(where, body)
    if depth == _DEEPEST:
        return
    read = _tables(body)
    if read:
        if path:
            yield from read(where, path)
        else:
            with tempfile.NamedTemporaryFile() as file:
                file.write(body)
                file.flush()
                yield from read(where, Path(file.name))
    elif Path(named).suffix in _DELIMITED:
        yield from _delimited(where, body)
    for name, packed in _packed(body):
        # What is compressed alone is called as it is packed, without the last suffix.
        inside = name if "." in name else Path(named).stem
        yield from _said(f"{where}[{name}]", packed, None, depth + 1, inside)


def _packed(body: bytes) -> Iterator[tuple[str, bytes]]:
    if body.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                yield member.filename, archive.read(member)
    elif body.startswith(_GZIP):
        yield from _inflated("gzip", body, _GZIP_WINDOW)
    elif body.startswith(_ZSTD):
        yield "zstd", zstandard.ZstdDecompressor().decompressobj().decompress(body)
    elif body.startswith(_ZLIB):
        yield from _inflated("zlib", body, zlib.MAX_WBITS)


def _inflated(name: str, body: bytes, window: int) -> Iterator[tuple[str, bytes]]:
    try:
        yield name, zlib.decompressobj(window).decompress(body)
    except zlib.error:
        # Two bytes are a weak mark: what cannot be unpacked was not packed.
        return


def _tables(body: bytes) -> Callable[[str, Path], Iterator[Piece]] | None:
    if body.startswith(_SQLITE):
        return _sqlite
    if body.startswith(_PARQUET):
        return _parquet
    return _duckdb if body[_DUCKDB_MARK] == _DUCKDB else None


def _parquet(where: str, path: Path) -> Iterator[Piece]:
    with duckdb.connect() as connection:
        source = "read_parquet('{}')".format(str(path).replace("'", "''"))
        yield from _columns(connection, source, where)


def _duckdb(where: str, path: Path) -> Iterator[Piece]:
    with duckdb.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
        for schema, table in tables:
            source = f"{_name(schema)}.{_name(table)}"
            try:
                yield from _columns(connection, source, f"{where}{table}")
            except duckdb.IOException:
                # A view of files that are gone; what they said is in no table.
                continue


def _columns(
    connection: duckdb.DuckDBPyConnection, source: str, label: str
) -> Iterator[Piece]:
    described = connection.execute(f"describe select * from {source}").fetchall()  # noqa: S608 - quoted names
    for name, kind, *_ in described:
        column = _name(name)
        value = column if kind == "BLOB" else f"{column}::varchar"
        rows = connection.execute(
            f"select distinct {value} from {source} where {column} is not null"  # noqa: S608 - quoted names
        ).fetchall()
        yield from _column(f"{label}.{name}", [row[0] for row in rows])


def _sqlite(where: str, path: Path) -> Iterator[Piece]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = connection.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall()
        for (table,) in tables:
            found = connection.execute(f"select * from {_name(table)}")  # noqa: S608 - quoted name
            rows = found.fetchall()
            for place, (name, *_) in enumerate(found.description):
                cells = [row[place] for row in rows if row[place] is not None]
                yield from _column(f"{where}{table}.{name}", cells)


def _delimited(where: str, body: bytes) -> Iterator[Piece]:
    text = body.decode("utf-8", "replace")
    first = text.partition("\n")[0]
    separator = max(";,\t", key=first.count)
    rows = [
        row
        for row in csv.reader(io.StringIO(text, newline=None), delimiter=separator)
        if row
    ]
    cells = frozenset(cell for row in rows for cell in row)
    yield Piece(f"{where}cells", b"", cells)


def _column(label: str, values: list[Any]) -> Iterator[Piece]:
    """The values of a column together, and bytes that are packed in it apart."""
    texts: dict[str, None] = {}
    for value in values:
        if not isinstance(value, bytes):
            texts[str(value)] = None
            continue
        yield from _said(label, value, None, 1)
    body = _CELL_SEPARATOR.join(texts).encode("utf-8", "surrogateescape")
    yield Piece(label, body, frozenset(texts))


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
