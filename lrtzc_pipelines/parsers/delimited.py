"""Delimited text with a header line, in its declared encoding and packing, as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl
from polars.exceptions import PolarsError

from lrtzc_pipelines.errors import ParseError, one_line
from lrtzc_pipelines.parsers.archives import read_member
from lrtzc_pipelines.parsers.gzipped import gunzip
from lrtzc_pipelines.sources.formats import CsvFormat

_MOST_COLUMNS = 20_000
_MOST_CELLS = 300_000_000


def parse_csv(body: bytes, label: str, csv: CsvFormat) -> pl.DataFrame:
    """One text column per header; a value that is absent is null.

    Raises:
        ParseError: bytes that are not of the declared packing or encoding, rows wider
            or narrower than the header, no header, or one with a name twice.
    """
    body = _unpacked(body, label, csv)
    try:
        text = body.decode(csv.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        msg = f"{label}: line {line}: byte {error.start} is not {csv.encoding}"
        raise ParseError(msg) from error
    first_line = text.partition("\n")[0].rstrip("\r")
    if not first_line:
        msg = f"{label}: line 1: no header"
        raise ParseError(msg)
    header = _read(first_line, label, csv, has_header=False).row(0)
    if (name := repeated_name(header)) is not None:
        msg = f"{label}: line 1: column {name!r} stands twice in the header"
        raise ParseError(msg)
    # Each line is a row, and each row as wide as the header, blank or not.
    rows = text.count("\n")
    if len(header) > _MOST_COLUMNS or rows * len(header) > _MOST_CELLS:
        msg = f"{label}: {rows} rows of {len(header)} columns: too large"
        raise ParseError(msg)
    frame = _read(text, label, csv, has_header=True)
    # Polars fills a row that ends early; a file cut short must not pass for whole.
    if frame[:, -1].has_nulls() and (row := _narrow_row(text, csv, frame.width)):
        msg = (
            f"{label}: not delimited by {csv.separator!r} as declared: "
            f"row {row} has fewer values than the header"
        )
        raise ParseError(msg)
    return frame


def repeated_name(names: Iterable[str | None]) -> str | None:
    """The first name that stands twice, as short as a message wants it."""
    seen: set[str | None] = set()
    for name in names:
        if name in seen:
            return one_line(name or "", 80)
        seen.add(name)
    return None


def _unpacked(body: bytes, label: str, csv: CsvFormat) -> bytes:
    match csv.compression:
        case "gzip":
            return gunzip(body, label)
        case "zip":
            return read_member(body, label, csv.member)
    return body


def _read(text: str, label: str, csv: CsvFormat, *, has_header: bool) -> pl.DataFrame:
    try:
        return pl.read_csv(
            text.encode(),
            separator=csv.separator,
            quote_char=csv.quote or None,
            has_header=has_header,
            infer_schema=False,
        )
    except PolarsError as error:
        # What polars could not read may be personal: its words end before it.
        reason = str(error).splitlines()[0].partition("`")[0].strip()
        msg = f"{label}: not delimited by {csv.separator!r} as declared: {reason}"
        raise ParseError(msg) from error


def _narrow_row(text: str, csv: CsvFormat, width: int) -> int | None:
    """Number of the first row with fewer values than the header; blank ones are not."""
    if csv.quote:
        quote = re.escape(csv.quote)
        text = re.sub(f"{quote}[^{quote}]*{quote}", "-", text)
    for number, line in enumerate(text.split("\n")):
        if line.strip("\r") and line.count(csv.separator) < width - 1:
            return number
    return None
