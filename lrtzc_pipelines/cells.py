"""Cells of text read as the type that their column declares.

A cell is read or it is not: nothing is guessed. What is wrong with those that are not
is told by `faults_of`, for quarantine.
"""

from __future__ import annotations

import polars as pl

from lrtzc_pipelines.coordinates import coordinate
from lrtzc_pipelines.moments import read_moment
from lrtzc_pipelines.sources.columns import Column, ColumnType, State
from lrtzc_pipelines.sources.formats import CsvFormat
from lrtzc_pipelines.sources.spec import SourceSpec

TYPES = {
    ColumnType.TEXT: pl.String(),
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.NUMBER: pl.Float64(),
    ColumnType.BOOLEAN: pl.Boolean(),
    ColumnType.DATE: pl.Date(),
    ColumnType.DATETIME: pl.Datetime("us", "UTC"),
}
"""Polars type of a validated column; text is UTF-8, datetimes are UTC."""

_TRUE, _FALSE = ("true", "1", "t", "y", "oui"), ("false", "0", "f", "n", "non")


def read_cells(column: Column, spec: SourceSpec) -> pl.Expr:
    """The typed value of a column; null where it is blank or cannot be read."""
    if column.state_of is not None:
        return _state(spec.column(column.state_of))
    if column.source is None:
        return pl.lit(column.constant).cast(TYPES[column.type])
    text = _stripped(pl.col(column.source), column)
    if column.states:
        text = pl.when(~text.is_in(column.state_texts)).then(text)
    if column.point:
        return coordinate(text, column.point)
    return _read(text, column, spec)


def _state(column: Column) -> pl.Expr:
    """Why a column has no value, row by row."""
    if column.source is None:
        return pl.lit(str(State.OBSERVED))
    text = _stripped(pl.col(column.source), column).fill_null("")
    state = pl.when(text == "").then(pl.lit(str(State.MISSING)))
    chain = state.otherwise(pl.lit(str(State.OBSERVED)))
    for name, texts in column.states.items():
        chain = pl.when(text.is_in(texts)).then(pl.lit(str(name))).otherwise(chain)
    return chain


def _stripped(text: pl.Expr, column: Column) -> pl.Expr:
    """A text without what its producer left around it."""
    text = text.str.strip_chars()
    if column.strip:
        text = text.str.strip_chars(column.strip).str.strip_chars()
    return text


def _read(text: pl.Expr, column: Column, spec: SourceSpec) -> pl.Expr:
    match column.type:
        case ColumnType.TEXT:
            return pl.when(text != "").then(text).otherwise(pl.lit(column.blank_as))
        case ColumnType.INTEGER:
            return _digits(text, column, spec).cast(pl.Int64, strict=False)
        case ColumnType.NUMBER:
            number = _digits(text, column, spec).cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case ColumnType.BOOLEAN:
            lower = text.str.to_lowercase()
            yes, no = lower.is_in(_TRUE), lower.is_in(_FALSE)
            return pl.when(yes | no).then(yes)
        case ColumnType.DATE:
            if column.datetime_format is None:
                # A day as workbooks hold it.
                text = text.str.strip_suffix(" 00:00:00")
            return text.str.to_date(column.datetime_format or "%Y-%m-%d", strict=False)
        case ColumnType.DATETIME:
            return read_moment(text, column)


def _digits(text: pl.Expr, column: Column, spec: SourceSpec) -> pl.Expr:
    csv = spec.format if isinstance(spec.format, CsvFormat) else None
    if csv and csv.thousands:
        # A thousands space is typed in any of its widths.
        spaces = r"[\s\u{00a0}\u{202f}]"
        text = (
            text.str.replace_all(spaces, "")
            if csv.thousands.isspace()
            else text.str.replace_all(csv.thousands, "", literal=True)
        )
    if (column.decimal or (csv.decimal if csv else ".")) == ",":
        text = text.str.replace(",", ".", literal=True)
    return text


def faults_of(column: Column, frame: pl.DataFrame, typed: pl.DataFrame) -> pl.Series:
    """What is wrong with each cell of a column; null where nothing is."""
    no_value = ["", *column.state_texts]
    text = _stripped(pl.col("text"), column)
    blank = text.is_in(no_value).fill_null(value=True)
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
