"""Reads the current release with SQL, for people and programs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
import polars as pl

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing.release import current_folder
from lrtzc_pipelines.publishing.warehouse import FILE
from lrtzc_pipelines.spreadsheets import without_formulas

_TRIES = 5


def run_query(layout: Layout, sql: str) -> pl.DataFrame:
    """The rows of a query on the current release.

    The file is opened read-only and cannot reach other files: a query that was pasted
    from somewhere reads the release and nothing else.

    Raises:
        ReleaseError: nothing was published yet.
        LrtzcError: DuckDB refused the query; its words are in the message.
    """
    with _open(layout) as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set TimeZone = 'Europe/Paris'")
        connection.execute("set lock_configuration = true")
        try:
            relation = connection.sql(sql)
            return pl.DataFrame() if relation is None else relation.pl()
        except duckdb.Error as error:
            raise LrtzcError(str(error)) from error


def _open(layout: Layout) -> duckdb.DuckDBPyConnection:
    """A connection to the current release, whichever it is by now.

    Between reading the link and opening the file, an old release may be pruned; the
    link then names a newer one.
    """
    for attempt in range(_TRIES):
        path: Path = current_folder(layout) / FILE
        try:
            return duckdb.connect(path, read_only=True)
        except duckdb.IOException:
            if path.exists() or attempt == _TRIES - 1:
                raise
            time.sleep(0.05)
    raise AssertionError


def print_frame(frame: pl.DataFrame, *, output: str) -> None:
    """Writes a frame as a table, CSV or JSON to standard output.

    CSV is what a person opens in a spreadsheet, so no text in it runs as a formula.
    """
    if output == "json":
        sys.stdout.write(frame.write_json() + "\n")
    elif output == "csv":
        sys.stdout.write(without_formulas(frame).write_csv())
    else:
        with pl.Config(
            tbl_rows=50,
            tbl_cols=-1,
            tbl_hide_column_data_types=True,
            tbl_formatting="UTF8_FULL_CONDENSED",
            fmt_str_lengths=80,
            tbl_width_chars=-1,
        ):
            sys.stdout.write(f"{frame}\n")
