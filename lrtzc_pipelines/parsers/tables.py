"""Tables that carry their types, Parquet and Excel, as text like any other format.

What a column is to be is said by the source's specification; a cell that does not fit
is told of there. So types are written out here, in the forms that are read by default:
ISO 8601, a decimal point, `true` and `false`, JSON for what is nested.
"""

from __future__ import annotations

import fastexcel
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.archives import ArchiveLimits, opened
from lrtzc_pipelines.sources.formats import ParquetFormat, XlsxFormat

_MOST_CELLS = 300_000_000
_MOST_BYTES = 4_000 * MEGABYTE
_SHEETS = ArchiveLimits(members=2_000, total_bytes=1_000 * MEGABYTE)


def parse_parquet(body: bytes, label: str, _: ParquetFormat) -> pl.DataFrame:
    """One text column per field; datetimes with a zone end in their offset.

    Raises:
        ParseError: no Parquet file, a damaged one, one that would not fit in memory,
            or a column that has no text, such as bytes.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True)
        _check_size(file.metadata, label)
        frame = pl.from_arrow(file.read())
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        msg = f"{label}: no Parquet file that can be read: {type(error).__name__}"
        raise ParseError(msg) from error
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table was given
    return pl.DataFrame([_text(frame[name], label) for name in frame.columns])


def _check_size(metadata: pq.FileMetaData, label: str) -> None:
    """Raises ParseError for a file that is small packed and huge unpacked."""
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if size > _MOST_BYTES or rows * metadata.num_columns > _MOST_CELLS:
        msg = f"{label}: {rows} rows of {metadata.num_columns} columns: too large"
        raise ParseError(msg)


def _text(column: pl.Series, label: str) -> pl.Series:
    kind = column.dtype
    if kind.is_nested():
        if isinstance(kind, pl.Struct):
            return column.struct.json_encode().alias(column.name)
        # Polars encodes objects only: `{"_":[1,2]}` gives its list back.
        alone = pl.DataFrame({"_": column}).select(pl.struct("_").struct.json_encode())
        listed = alone[:, 0].str.slice(len('{"_":')).str.head(-1)
        blank = pl.Series([None], dtype=pl.String)
        return listed.zip_with(column.is_not_null(), blank).alias(column.name)
    if isinstance(kind, pl.Datetime):
        written = "%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if kind.time_zone else "")
        return column.dt.strftime(written)
    if kind == pl.Binary:
        try:
            return column.cast(pl.String)
        except pl.exceptions.PolarsError as error:
            msg = f"{label}: column {column.name!r} holds bytes that are no text"
            raise ParseError(msg) from error
    return column.cast(pl.String)


def parse_xlsx(body: bytes, label: str, form: XlsxFormat) -> pl.DataFrame:
    """One text column per heading of the sheet, without rows that are empty.

    The first row that holds anything has the headings; columns without a heading are
    left out if they hold nothing.

    Raises:
        ParseError: no workbook, no such sheet, a heading twice, or values in a column
            without a heading.
    """
    # What the archive would expand to is checked before a reader believes it.
    with opened(body, label, _SHEETS) as archive:
        if "xl/workbook.xml" not in archive.names:
            msg = f"{label}: an archive that is no Excel workbook"
            raise ParseError(msg)
    try:
        book = fastexcel.read_excel(body)
        if form.sheet is not None and form.sheet not in book.sheet_names:
            msg = f"{label}: no sheet {form.sheet!r} in the workbook"
            raise ParseError(msg)
        sheet = book.load_sheet(
            form.sheet if form.sheet is not None else 0,
            header_row=None,
            dtypes="string",
        )
        cells = sheet.to_polars()
    except fastexcel.FastExcelError as error:
        msg = f"{label}: no Excel workbook that can be read: {type(error).__name__}"
        raise ParseError(msg) from error
    return _headed(cells.filter(pl.any_horizontal(pl.all().is_not_null())), label)


def _headed(cells: pl.DataFrame, label: str) -> pl.DataFrame:
    if cells.is_empty():
        msg = f"{label}: the sheet is empty"
        raise ParseError(msg)
    headings = [(text or "").strip() for text in cells.row(0)]
    table = cells.slice(1)
    columns: dict[str, pl.Series] = {}
    for place, (heading, name) in enumerate(zip(headings, cells.columns, strict=True)):
        column = table[name]
        if not heading:
            if column.null_count() < column.len():
                msg = f"{label}: column {place + 1} has values but no heading"
                raise ParseError(msg)
            continue
        if heading in columns:
            msg = f"{label}: column {heading!r} stands twice in the headings"
            raise ParseError(msg)
        columns[heading] = column
    return pl.DataFrame(columns)
