"""Cells of text read as the type that their column declares.

A cell is read or it is not: nothing is guessed. What is wrong with those that are not
is told by `faults_of`, for quarantine.
"""

from __future__ import annotations

import re

import polars as pl

from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.formats import CsvFormat

TYPES = {
    ColumnType.TEXT: pl.String(),
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.NUMBER: pl.Float64(),
    ColumnType.BOOLEAN: pl.Boolean(),
    ColumnType.DATE: pl.Date(),
    ColumnType.DATETIME: pl.Datetime("us", "UTC"),
}
"""Polars type of a validated column; text is UTF-8, datetimes are UTC."""

_OFFSET = re.compile(r"%(\+|:{0,3}z|#z)")
"""Where a format holds the offset from UTC, so that no time zone is to be assumed."""
_TRUE, _FALSE = ("true", "1", "t", "y", "oui"), ("false", "0", "f", "n", "non")


def read_cells(column: Column, csv: CsvFormat | None) -> pl.Expr:  # noqa: PLR0911 - one per type
    """The typed value of a column; null where it is blank or cannot be read."""
    if column.source is None:
        return pl.lit(column.constant).cast(TYPES[column.type])
    text = pl.col(column.source).str.strip_chars()
    match column.type:
        case ColumnType.TEXT:
            return pl.when(text != "").then(text)
        case ColumnType.INTEGER:
            return _digits(text, csv).cast(pl.Int64, strict=False)
        case ColumnType.NUMBER:
            number = _digits(text, csv).cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case ColumnType.BOOLEAN:
            lower = text.str.to_lowercase()
            yes, no = lower.is_in(_TRUE), lower.is_in(_FALSE)
            return pl.when(yes | no).then(yes)
        case ColumnType.DATE:
            return text.str.to_date(column.datetime_format or "%Y-%m-%d", strict=False)
        case ColumnType.DATETIME:
            return _read_datetime(text, column)


def _digits(text: pl.Expr, csv: CsvFormat | None) -> pl.Expr:
    if csv and csv.thousands:
        # A thousands space is typed in any of its widths.
        spaces = r"[\s\u{00a0}\u{202f}]"
        text = (
            text.str.replace_all(spaces, "")
            if csv.thousands.isspace()
            else text.str.replace_all(csv.thousands, "", literal=True)
        )
    if csv and csv.decimal == ",":
        text = text.str.replace(",", ".", literal=True)
    return text


def _read_datetime(text: pl.Expr, column: Column) -> pl.Expr:
    # Without a format: RFC 3339 with its offset, as JSON services write it.
    written = column.datetime_format or "%+"
    if _OFFSET.search(written):
        return text.str.to_datetime(
            written, time_unit="us", time_zone="UTC", strict=False
        )
    naive = text.str.to_datetime(written, time_unit="us", strict=False)
    # The hour that comes twice in autumn is read as its first pass; the one that
    # spring leaves out does not exist, so such a value is refused.
    return naive.dt.replace_time_zone(
        column.timezone, ambiguous="earliest", non_existent="null"
    ).dt.convert_time_zone("UTC")


def faults_of(column: Column, frame: pl.DataFrame, typed: pl.DataFrame) -> pl.Series:
    """What is wrong with each cell of a column; null where nothing is."""
    blank = pl.col("text").is_null() | (pl.col("text").str.strip_chars() == "")
    missing = f"{column.name}: required, but empty"
    unreadable = f"{column.name}: not readable as {column.type}"
    cells = pl.DataFrame({"text": frame[column.source or ""]}).with_columns(
        typed[column.name].is_null().alias("null")
    )
    return cells.select(
        pl.when(pl.col("null") & ~blank)
        .then(pl.lit(unreadable))
        .when(pl.col("null") & blank & pl.lit(column.required))
        .then(pl.lit(missing))
    )[:, 0]
