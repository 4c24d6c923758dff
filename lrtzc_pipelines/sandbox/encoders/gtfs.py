"""Frames as GTFS archives, in the manner of French producers: byte order mark, CRLF."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lrtzc_pipelines.sandbox.encoders.packing import packed
from lrtzc_pipelines.sources.formats import GtfsFormat


def encode(frame: pl.DataFrame, form: GtfsFormat) -> bytes:
    """An archive of one table."""
    return encode_tables({form.table: frame})


def encode_tables(frames: Mapping[str, pl.DataFrame]) -> bytes:
    """An archive of tables by name (`stops`), for sources that read one file."""
    return packed({f"{name}.txt": _table(frame) for name, frame in frames.items()})


def _table(frame: pl.DataFrame) -> bytes:
    text = frame.write_csv(line_terminator="\r\n", quote_style="necessary")
    return b"\xef\xbb\xbf" + text.encode()
