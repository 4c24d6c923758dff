"""Tables that carry their types, Parquet and Excel, as text like any other format.

What a column is to be is said by the source's specification; a cell that does not fit
is told of there. So types are written out here, in the forms that are read by default:
ISO 8601, a decimal point, `true` and `false`, JSON for what is nested.
"""

from __future__ import annotations

import fastexcel
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.errors import ParseError, one_line
from lrtzc_pipelines.parsers.archives import opened
from lrtzc_pipelines.parsers.workbooks import (
    LIMITS,
    Sheet,
    is_workbook,
    survey,
    worksheets,
)
from lrtzc_pipelines.sources.formats import ParquetFormat, XlsxFormat

_MOST_CELLS = 300_000_000
_MOST_BYTES = 4_000 * MEGABYTE
_RATIO, _RATIO_FROM = 100, 50 * MEGABYTE
"""Most bytes that one byte of a file may become, above a size that does no harm."""

_CELL_BYTES = 8


def parse_parquet(body: bytes, label: str, form: ParquetFormat) -> pl.DataFrame:
    """One text column per field; datetimes with a zone end in their offset.

    Raises:
        ParseError: no Parquet file, a damaged one, one that would not fit in memory,
            without a column that rows are chosen by, or with one that has no text,
            such as bytes.
    """
    try:
        file = pq.ParquetFile(
            pa.BufferReader(body),
            page_checksum_verification=True,
            read_dictionary=_texts(pq.read_schema(pa.BufferReader(body))),
        )
        most = min(_MOST_BYTES, max(_RATIO_FROM, len(body) * _RATIO))
        _check_size(file.metadata, label, most)
        _check_choice(file, label, form)
        table = _chosen_rows(file, form)
        _check_rows(file, table, label, form)
        _check_texts(table, label, most)
        frame = pl.from_arrow(table)
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        msg = f"{label}: no Parquet file that can be read: {type(error).__name__}"
        raise ParseError(msg) from error
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table was given
    return pl.DataFrame([_text(frame[name], label) for name in frame.columns])


def _check_choice(file: pq.ParquetFile, label: str, form: ParquetFormat) -> None:
    missing = sorted(set(form.rows) - set(file.schema_arrow.names))
    if missing:
        msg = f"{label}: no column {missing[0]!r} to choose its rows by"
        raise ParseError(msg)


def _chosen_rows(file: pq.ParquetFile, form: ParquetFormat) -> pa.Table:
    """The rows that the format wants, never more than a group of others in memory."""
    if not form.rows:
        return file.read()
    chosen = [file.schema_arrow.empty_table()]
    for number in range(file.num_row_groups):
        group = file.read_row_group(number)
        for name, values in form.rows.items():
            texts = group[name].cast(pa.string())
            group = group.filter(pc.is_in(texts, value_set=pa.array(values)))
        chosen.append(group)
    return pa.concat_tables(chosen)


def _check_rows(
    file: pq.ParquetFile, table: pa.Table, label: str, form: ParquetFormat
) -> None:
    told = file.metadata.num_rows
    if not form.rows and table.num_rows != told:
        msg = f"{label}: {table.num_rows} rows in the file, {told} in its footer"
        raise ParseError(msg)


def _texts(schema: pa.Schema) -> list[str]:
    """Columns of texts: each different one is read once, however often it is meant."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    return [field.name for field in schema if any(kind(field.type) for kind in kinds)]


def _check_size(metadata: pq.FileMetaData, label: str, most: int) -> None:
    """Raises ParseError for a file that is small packed and huge unpacked."""
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    # Lists in a cell are counted by what is in them.
    values = sum(
        group.column(n).num_values for group in groups for n in range(group.num_columns)
    )
    cells = max(rows * metadata.num_columns, values)
    if size > _MOST_BYTES or cells > min(_MOST_CELLS, most // _CELL_BYTES):
        msg = f"{label}: {rows} rows of {metadata.num_columns} columns: too large"
        raise ParseError(msg)


def _check_texts(table: pa.Table, label: str, most: int) -> None:
    """Raises ParseError for few texts that are meant so often that they fill memory."""
    chunks = [chunk for column in table.columns for chunk in column.chunks]
    size = 0
    for chunk in chunks:
        if pa.types.is_dictionary(chunk.type):
            lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
            size += pc.sum(lengths.cast(pa.int64())).as_py() or 0
    if size > most:
        msg = f"{label}: {size / MEGABYTE:.0f} MB of texts: too large"
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
    with opened(body, label, LIMITS) as archive:
        if not is_workbook(archive):
            msg = f"{label}: an archive that is no Excel workbook"
            raise ParseError(msg)
        sheet = _chosen(worksheets(archive, label), form.sheet, label)
        # What it would expand to is counted before a reader believes it.
        survey(archive, sheet, label)
    cells = sheet_cells(body, label, sheet.name)
    return _headed(cells.filter(pl.any_horizontal(pl.all().is_not_null())), label)


def _chosen(sheets: list[Sheet], wanted: str | None, label: str) -> Sheet:
    found = [sheet for sheet in sheets if wanted in {None, sheet.name}]
    if not found:
        msg = f"{label}: no sheet {wanted!r} in the workbook"
        raise ParseError(msg)
    return found[0]


def sheet_cells(body: bytes, label: str, name: str) -> pl.DataFrame:
    """The cells of a surveyed worksheet as text, from the first row with a value on.

    Columns have no names of their own; values that are errors are null.

    Raises:
        ParseError: the sheet cannot be read.
    """
    try:
        book = fastexcel.read_excel(body)
        sheet = book.load_sheet(name, header_row=None, dtypes="string")
        return sheet.to_polars()
    except fastexcel.FastExcelError as error:
        msg = f"{label}: no Excel workbook that can be read: {type(error).__name__}"
        raise ParseError(msg) from error


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
            told = one_line(heading, 80)
            msg = f"{label}: column {told!r} stands twice in the headings"
            raise ParseError(msg)
        columns[heading] = column
    return pl.DataFrame(columns)
