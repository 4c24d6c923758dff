"""A sample file as text columns: its encoding, separator and number marks.

What the columns mean is `scaffold_columns`' work. Nothing of a sample's content is
kept: it may hold what must not enter the project.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.delimited import parse_csv
from lrtzc_pipelines.parsers.json_records import parse_geojson
from lrtzc_pipelines.sources.formats import CsvFormat, GeojsonFormat

Kind = Literal["csv", "geojson"]

NUMBER = r"^[+-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:[ \x{00a0}\x{202f}]\d{3})+)(?:[.,]\d+)?$"
"""A number in any French or English spelling; a leading zero makes a code."""

_SEPARATORS = ";,\t|"
_LOOKED_AT = 500


@dataclass(frozen=True)
class Sample:
    """A sample file.

    Attributes:
        format: How the platform reads it.
        frame: Its columns as text, under the producer's names.
    """

    format: CsvFormat | GeojsonFormat
    frame: pl.DataFrame


def read_sample(body: bytes, name: str, kind: Kind) -> Sample:
    """The sample as text, read as the platform will.

    Raises:
        ParseError: empty, in no known encoding, without rows, or not of the kind.
    """
    if not body.strip():
        msg = f"{name}: the file is empty"
        raise ParseError(msg)
    if kind == "geojson":
        sample = Sample(GeojsonFormat(kind="geojson"), parse_geojson(body, name))
    else:
        sample = _read_csv(body, name)
    if sample.frame.is_empty():
        msg = f"{name}: no row to learn from"
        raise ParseError(msg)
    unnamed = [i + 1 for i, c in enumerate(sample.frame.columns) if not c.strip()]
    if unnamed:
        msg = f"{name}: line 1: column {unnamed[0]} has no name"
        raise ParseError(msg)
    return sample


def _read_csv(body: bytes, name: str) -> Sample:
    encoding, text = _decode(body, name)
    form = CsvFormat(kind="csv", encoding=encoding, separator=_separator(text, name))
    frame = parse_csv(body, name, form)
    marks = _number_marks(frame)
    return Sample(form.model_copy(update=marks), frame)


def _decode(body: bytes, name: str) -> tuple[str, str]:
    for encoding in ("utf-8", "cp1252"):
        try:
            return encoding, body.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    msg = f"{name}: neither UTF-8 nor cp1252: give a sample in one of them"
    raise ParseError(msg)


def _separator(text: str, name: str) -> str:
    """The separator that gives every row the same number of columns, the most."""
    widths = {mark: _width(text, mark) for mark in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda mark: widths[mark])
    parted = any(mark in text for mark in _SEPARATORS)
    if widths[best] == 0 or (widths[best] == 1 and parted):
        msg = (
            f"{name}: no separator among ; , | and tab gives rows of equal width: "
            "is there a title above the header?"
        )
        raise ParseError(msg)
    return best


def _width(text: str, separator: str) -> int:
    """Columns of the first rows; 0 if they do not all have as many."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        widths = {len(row) for row in islice(rows, _LOOKED_AT) if row}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _number_marks(frame: pl.DataFrame) -> dict[str, str | None]:
    """Decimal mark and thousands separator of the columns that hold numbers."""
    decimal, thousands = ".", None
    for column in frame.iter_columns():
        values = filled(column)
        if values.is_empty() or not values.str.contains(NUMBER).all():
            continue
        if values.str.contains(",", literal=True).any():
            decimal = ","
        if values.str.contains(r"\s").any():
            thousands = " "
    return {"decimal": decimal, "thousands": thousands}


def filled(column: pl.Series) -> pl.Series:
    """The distinct values of a text column, trimmed, blanks left out."""
    trimmed = column.str.strip_chars()
    return trimmed.filter(trimmed.is_not_null() & (trimmed != "")).unique()
