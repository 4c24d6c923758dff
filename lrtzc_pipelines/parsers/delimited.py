"""Delimited text with a header line, in its declared encoding, as text."""

from __future__ import annotations

import polars as pl
from polars.exceptions import PolarsError

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.sources.spec import CsvFormat


def parse_csv(body: bytes, label: str, csv: CsvFormat) -> pl.DataFrame:
    """One text column per header; a value that is absent is null.

    Raises:
        ParseError: bytes that are not of the declared encoding, rows wider or
            narrower than the header, or a header with a name twice.
    """
    try:
        text = body.decode(csv.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        msg = f"{label}: line {line}: byte {error.start} is not {csv.encoding}"
        raise ParseError(msg) from error
    header = pl.read_csv(
        text.partition("\n")[0].rstrip("\r").encode(),
        separator=csv.separator,
        quote_char=csv.quote or None,
        has_header=False,
        infer_schema=False,
    ).row(0)
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        msg = f"{label}: line 1: column {repeated[0]!r} stands twice in the header"
        raise ParseError(msg)
    try:
        return pl.read_csv(
            text.encode(),
            separator=csv.separator,
            quote_char=csv.quote or None,
            infer_schema=False,
            extra_columns="raise",
            missing_columns="raise",
        )
    except PolarsError as error:
        reason = str(error).splitlines()[0]
        msg = f"{label}: not delimited by {csv.separator!r} as declared: {reason}"
        raise ParseError(msg) from error
