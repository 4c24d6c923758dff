"""Charging points (IRVE) of many producers' files, one row per point.

A file that is no table of charging points does not take the others with it, and does
not go unseen: it becomes one row without a key, which the typing step puts into
quarantine with the file's place and the reason. The same goes for a file that could
not be fetched, and for a row that does not have the columns of its header.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.irve_files import (
    DYNAMIC_COLUMNS,
    FAULT,
    KEY,
    STATIC_COLUMNS,
    SWAPPED,
    Row,
    read_file,
    unreadable,
)
from lrtzc_pipelines.parsers.places import PAGE, ROW, placed
from lrtzc_pipelines.sources.formats import IrveFormat

REPEATS = "autres_lignes"
"""How many other rows of a charging point, in any of the files, were left out."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_MOMENT = "_moment"


def parse_snapshot(
    pages: Sequence[tuple[str, bytes]], label: str, form: IrveFormat
) -> pl.DataFrame:
    """The charging points of all files, in the columns of the national schema.

    A point in several rows is taken from the one updated last; among equals from the
    first page, then the first row. Rows without an identifier all go on. Besides the
    schema's columns there are `coordonnees_inversees` (whether the axes came the other
    way round, for places only), `ligne_illisible` (why there is nothing in a row) and
    `autres_lignes`.

    Raises:
        ParseError: not one of the files can be read.
    """
    columns = DYNAMIC_COLUMNS if form.dynamic else STATIC_COLUMNS
    frames: list[pl.DataFrame] = []
    faults: list[str] = []
    for index, (name, body) in enumerate(pages):
        try:
            rows = _rows(body, f"{label}: page {name}", form)
        except ParseError as error:
            faults.append(str(error))
            rows = [unreadable(columns, str(error))]
        frames.append(placed(_frame(rows, columns, form), index))
    if len(faults) == len(pages):
        msg = faults[0] if faults else f"{label}: no page"
        raise ParseError(msg)
    return _one_row_per_point(pl.concat(frames), form)


def _rows(body: bytes, label: str, form: IrveFormat) -> list[Row]:
    if not body:
        msg = f"{label}: the file could not be fetched"
        raise ParseError(msg)
    return read_file(body, label, dynamic=form.dynamic)


def _frame(
    rows: Sequence[Row], columns: tuple[str, ...], form: IrveFormat
) -> pl.DataFrame:
    notes = (FAULT,) if form.dynamic else (SWAPPED, FAULT)
    schema = dict.fromkeys((*columns, *notes), pl.String())
    return pl.DataFrame({n: [row.get(n) for row in rows] for n in schema}, schema)


def _one_row_per_point(rows: pl.DataFrame, form: IrveFormat) -> pl.DataFrame:
    updated = rows["horodatage" if form.dynamic else "date_maj"]
    moments = pl.Series(_MOMENT, [_moment(text) for text in updated])
    ranked = rows.with_columns(moments).sort(
        _MOMENT, PAGE, ROW, descending=[True, False, False]
    )
    is_named = pl.col(KEY).is_not_null()
    others = pl.when(is_named).then(pl.len().over(KEY) - 1)
    return (
        ranked.with_columns(others.cast(pl.String).alias(REPEATS))
        .filter(~is_named | pl.col(KEY).is_first_distinct())
        .sort(PAGE, ROW)
        .select(pl.exclude(_MOMENT, PAGE, ROW), PAGE, ROW)
    )


def _moment(text: str | None) -> datetime:
    """When a row was updated; before all others where it does not tell."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return _NEVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
