"""Anonymization by column rules, as pure Polars expressions.

A column is kept, dropped, or kept coarser; a column without a rule cannot exist, since
its specification would not load. What leaves here is what a release may be made of.
"""

from __future__ import annotations

import polars as pl

from lrtzc_pipelines.sources.columns import (
    Column,
    ColumnType,
    Generalize,
    GeneralizeNumber,
    GeneralizeText,
    GeneralizeTime,
)
from lrtzc_pipelines.sources.spec import SourceSpec

ANONYMIZATION_VERSION = 3
"""Raised when this code would anonymize the same rows differently."""


def anonymize(spec: SourceSpec, validated: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of a source with every column's privacy rule applied.

    Args:
        spec: Source whose columns say what to keep.
        validated: Columns of the specification, typed.

    Returns:
        The published columns only, in the order of the specification. Where a column
        was made coarser or left out, rows are sorted by what remains, so that their
        order no longer tells what was taken away.
    """
    columns = spec.published_columns
    frame = validated.select(_apply(column).alias(column.name) for column in columns)
    if any(column.privacy != "keep" for column in spec.columns):
        return frame.sort([column.name for column in columns], nulls_last=True)
    return frame


def _apply(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if not isinstance(column.privacy, Generalize):
        return value
    match column.privacy.generalize:
        case GeneralizeTime(time=every):
            return value.dt.truncate(every)
        case GeneralizeNumber(step=step) if column.type is ColumnType.INTEGER:
            return value // int(step) * int(step)
        case GeneralizeNumber(step=step):
            return (value / step).floor() * step
        case GeneralizeText(prefix=length):
            return value.str.head(length)
