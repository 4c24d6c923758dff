"""Delimited text with a header line, in its declared encoding and packing."""

from __future__ import annotations

import gzip
import io
import zipfile

import polars as pl

from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sources.formats import CsvFormat

_MEMBER = "export.csv"


def encode(frame: pl.DataFrame, form: CsvFormat) -> bytes:
    """The rows as a file; nothing stands between separators where a value is absent.

    Raises:
        UnicodeEncodeError: a text that the declared encoding cannot write.
    """
    plain = frame.select(_text(frame[name], form) for name in frame.columns)
    text = plain.write_csv(
        separator=form.separator,
        quote_char=form.quote or '"',
        quote_style="necessary" if form.quote else "never",
    )
    return _packed(text.encode(form.encoding), form)


def _text(column: pl.Series, form: CsvFormat) -> pl.Series:
    """A column as text, numbers with the file's marks."""
    if not column.dtype.is_numeric():
        return column.cast(pl.String)
    if form.thousands:
        grouped = [_grouped(value, form.thousands) for value in column.to_list()]
        column = pl.Series(column.name, grouped, dtype=pl.String)
        return _with_mark(column, form) if form.decimal == "," else column
    return _with_mark(column.cast(pl.String), form)


def _with_mark(column: pl.Series, form: CsvFormat) -> pl.Series:
    return column.str.replace(".", form.decimal, literal=True)


def _grouped(value: float | None, mark: str) -> str | None:
    if value is None:
        return None
    whole, point, rest = str(value).partition(".")
    return f"{int(whole):,}".replace(",", mark) + point + rest


def _packed(body: bytes, form: CsvFormat) -> bytes:
    match form.compression:
        case "gzip":
            return gzip.compress(body, mtime=int(AS_OF.timestamp()))
        case "zip":
            packed = io.BytesIO()
            info = zipfile.ZipInfo(form.member or _MEMBER, AS_OF.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr(info, body)
            return packed.getvalue()
    return body
