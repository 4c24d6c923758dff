"""A Parquet file, its columns of the frame's own types."""

from __future__ import annotations

import io

import polars as pl

from lrtzc_pipelines.sources.formats import ParquetFormat


def encode(frame: pl.DataFrame, form: ParquetFormat) -> bytes:  # noqa: ARG001 - every encoder's signature
    """The rows as one file."""
    written = io.BytesIO()
    frame.write_parquet(written, compression="snappy")
    return written.getvalue()
