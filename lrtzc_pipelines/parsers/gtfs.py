"""One table of a GTFS archive, as text.

Tables are comma-separated UTF-8 with or without a byte order mark. What their values
mean is not judged here: a decimal comma stays one until the column is typed.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.archives import Archive, opened
from lrtzc_pipelines.parsers.delimited import parse_csv, repeated_name
from lrtzc_pipelines.sources.formats import CsvFormat, GtfsFormat

_TEXT = CsvFormat(kind="csv", separator=",")


def parse_gtfs(body: bytes, label: str, form: GtfsFormat) -> pl.DataFrame:
    """One text column per field of the table; blank lines are no rows.

    Raises:
        ParseError: no harmless zip archive, no such table in it or several, bytes
            that are not UTF-8, rows wider or narrower than the header.
    """
    file = f"{form.table}.txt"
    with opened(body, label) as archive:
        table = archive.read(_path(archive, file, label))
    frame = parse_csv(table, f"{label}: {file}", _TEXT)
    names = [name.strip() for name in frame.columns]
    if (name := repeated_name(names)) is not None:
        msg = f"{label}: {file}: column {name!r} stands twice in the header"
        raise ParseError(msg)
    frame.columns = names
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))


def _path(archive: Archive, file: str, label: str) -> str:
    """Where a table is: at the top, as it should be, or in the one folder with it."""
    if file in archive.names:
        return file
    found = [name for name in archive.names if PurePosixPath(name).name == file]
    if len(found) != 1:
        count = "several" if found else "no"
        msg = f"{label}: {count} {file} in the archive"
        raise ParseError(msg)
    return found[0]
