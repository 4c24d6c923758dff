"""Where a row came from: the columns that follow it into quarantine, and no further."""

from __future__ import annotations

import polars as pl

PAGE = "_page"
ROW = "_row"


def placed(frame: pl.DataFrame, page: int) -> pl.DataFrame:
    """`frame` with the index of its page and each row's number on it, from 1."""
    return frame.with_columns(
        pl.lit(page, pl.UInt32).alias(PAGE),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(ROW),
    )
