"""Parquet files and workbooks as text, or refused with what is wrong."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import tables
from lrtzc_pipelines.parsers.tables import parse_parquet, parse_xlsx
from lrtzc_pipelines.sources.formats import ParquetFormat, XlsxFormat

LABEL = "cda_table: page file"
PARQUET = ParquetFormat(kind="parquet")
XLSX = XlsxFormat(kind="xlsx")


def parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def workbook(*sheets: Sequence[Sequence[Any]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "remove_timezone": True})
    written = book.add_format({"num_format": "dd/mm/yyyy"})
    for number, rows in enumerate(sheets, start=1):
        sheet = book.add_worksheet(f"Feuille {number}")
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(row, column, cell, written)
                elif isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif cell is not None:
                    sheet.write(row, column, cell)
    book.close()
    return out.getvalue()


MOMENT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pl.Series([17300, None]), ["17300", None]),
        (pl.Series([0.1, 1e-9]), ["0.1", "1e-9"]),
        (pl.Series(["01234", ""]), ["01234", ""]),
        (pl.Series([True, False]), ["true", "false"]),
        (pl.Series([date(2026, 3, 1), None]), ["2026-03-01", None]),
        (pl.Series([MOMENT]), ["2026-03-29T00:30:00+00:00"]),
        (pl.Series([MOMENT.replace(tzinfo=None)]), ["2026-03-29T00:30:00"]),
        (
            pl.Series([MOMENT]).dt.convert_time_zone("Europe/Paris"),
            ["2026-03-29T01:30:00+01:00"],
        ),
        (pl.Series([{"lon": -1.15, "lat": 46.1}]), ['{"lon":-1.15,"lat":46.1}']),
        (pl.Series([["a", 'b"'], None]), ['["a","b\\""]', None]),
        (pl.Series([b"caf\xc3\xa9", None]), ["café", None]),
    ],
)
def test_a_value_is_written_as_it_will_be_read(
    values: pl.Series, texts: list[str | None]
) -> None:
    read = parse_parquet(parquet(values.alias("c").to_frame()), LABEL, PARQUET)
    assert read.columns == ["c"]
    assert read["c"].to_list() == texts


COUNTRY = pl.DataFrame(
    {
        "department": ["16", "17", "17", None, "2A", "17"],
        "year": [2024, 2022, 2024, 2024, 2024, 2024],
        "station": ["a", "b", "c", "d", "e", "f"],
    }
)


@pytest.mark.parametrize(
    ("rows", "stations"),
    [
        ({}, ["a", "b", "c", "d", "e", "f"]),
        ({"department": ("17",)}, ["b", "c", "f"]),
        ({"department": ("17", "2A"), "year": ("2024",)}, ["c", "e", "f"]),
        ({"department": ("99",)}, []),
    ],
)
@pytest.mark.parametrize("group", [2, 100])
def test_only_the_rows_that_are_wanted_are_read(
    rows: dict[str, tuple[str, ...]], stations: list[str], group: int
) -> None:
    out = io.BytesIO()
    COUNTRY.write_parquet(out, row_group_size=group)
    form = ParquetFormat(kind="parquet", rows=rows)
    read = parse_parquet(out.getvalue(), LABEL, form)
    assert read.columns == COUNTRY.columns
    assert read["station"].to_list() == stations


def test_rows_are_not_chosen_by_a_column_that_is_not_there() -> None:
    form = ParquetFormat(kind="parquet", rows={"departement": ("17",)})
    with pytest.raises(ParseError, match="no column 'departement' to choose its rows"):
        parse_parquet(parquet(COUNTRY), LABEL, form)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_number_keeps_every_digit(numbers: list[float]) -> None:
    frame = pl.DataFrame({"n": numbers})
    read = parse_parquet(parquet(frame), LABEL, PARQUET)
    assert read["n"].cast(pl.Float64).to_list() == numbers


def test_bytes_that_are_no_text_are_refused_by_the_name_of_their_column() -> None:
    frame = pl.DataFrame({"shape": [b"\x01\xff"]})
    with pytest.raises(ParseError, match=rf"{LABEL}: column 'shape' holds bytes"):
        parse_parquet(parquet(frame), LABEL, PARQUET)


WHOLE = parquet(pl.DataFrame({"n": list(range(5000))}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PAR1",
        b"PAR1" + b"\0" * 100 + b"PAR1",
        WHOLE[:-50],
        WHOLE[:4] + b"\xff" * 60 + WHOLE[64:],
        b"<!DOCTYPE html><html></html>",
    ],
    ids=["empty", "magic", "zeros", "cut", "damaged", "html"],
)
def test_what_is_no_whole_parquet_file_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: no Parquet file"):
        parse_parquet(body, LABEL, PARQUET)


def test_a_file_too_large_for_the_memory_is_refused_by_what_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zeros = pa.table({"a": pa.array([0] * 1_000_000), "b": pa.array([0] * 1_000_000)})
    out = io.BytesIO()
    pq.write_table(zeros, out, compression="zstd")
    monkeypatch.setattr(tables, "_MOST_CELLS", 1_999_999)
    with pytest.raises(ParseError, match="1000000 rows of 2 columns: too large"):
        parse_parquet(out.getvalue(), LABEL, PARQUET)


def test_a_sheet_is_headed_by_its_first_row_that_holds_anything() -> None:
    body = workbook(
        [
            [],
            [],
            ["code_insee", "masse", "jour", "bio"],
            ["17300", 12.5, date(2026, 3, 1), True],
            [],
            ["01234", 3, None, None],
        ]
    )
    assert parse_xlsx(body, LABEL, XLSX).to_dicts() == [
        {
            "code_insee": "17300",
            "masse": "12.5",
            "jour": "2026-03-01 00:00:00",
            "bio": "true",
        },
        {"code_insee": "01234", "masse": "3", "jour": None, "bio": None},
    ]


def test_large_whole_numbers_keep_their_digits() -> None:
    body = workbook([["siret"], [12345678901234]])
    assert parse_xlsx(body, LABEL, XLSX)["siret"].to_list() == ["12345678901234"]


def test_the_named_sheet_is_read() -> None:
    body = workbook([["a"], [1]], [["b"], [2]])
    named = XlsxFormat(kind="xlsx", sheet="Feuille 2")
    assert parse_xlsx(body, LABEL, named).to_dicts() == [{"b": "2"}]
    assert parse_xlsx(body, LABEL, XLSX).to_dicts() == [{"a": "1"}]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "the sheet is empty"),
        ([["a", "a"], [1, 2]], "column 'a' stands twice"),
        ([["a", None], [1, 2]], "column 2 has values but no heading"),
        ([["a", "  "], [1, 2]], "column 2 has values but no heading"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(
    rows: list[list[Any]], reason: str
) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: .*{reason}"):
        parse_xlsx(workbook(rows), LABEL, XLSX)


def test_headings_alone_are_a_table_without_rows() -> None:
    frame = parse_xlsx(workbook([["a", "b"]]), LABEL, XLSX)
    assert (frame.columns, frame.height) == (["a", "b"], 0)


def test_a_sheet_that_is_not_there_is_told() -> None:
    named = XlsxFormat(kind="xlsx", sheet="Données")
    with pytest.raises(ParseError, match="no sheet 'Données' in the workbook"):
        parse_xlsx(workbook([["a"]]), LABEL, named)


BOOK = workbook([["a"], [1]])


@pytest.mark.parametrize(
    "body",
    [b"", b"a;b\n", BOOK[:-30], BOOK[: len(BOOK) // 2], b"PK\x03\x04" + b"\0" * 200],
    ids=["empty", "text", "no end", "half", "zeros"],
)
def test_what_is_no_workbook_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: "):
        parse_xlsx(body, LABEL, XLSX)


def written(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_a_text_that_is_meant_very_often_is_refused() -> None:
    places = pa.array([0] * 100_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(places, pa.array(["x" * 10_000]))
    body = written(pa.table({"a": texts}))
    assert len(body) < 50_000
    with pytest.raises(ParseError, match=r"1000 MB of texts: too large"):
        parse_parquet(body, LABEL, PARQUET)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": pa.nulls(10_000_000, pa.int64())}),
        pa.table({"a": pa.array([[0] * 10_000_000], pa.list_(pa.int8()))}),
    ],
    ids=["rows", "a list in a cell"],
)
def test_values_by_the_million_in_few_bytes_are_refused(table: pa.Table) -> None:
    with pytest.raises(ParseError, match="too large"):
        parse_parquet(written(table), LABEL, PARQUET)


def test_texts_that_repeat_are_read_as_they_are() -> None:
    table = pa.table({"a": ["x", None, "x", "y"], "b": [b"1", b"1", None, b""]})
    found = parse_parquet(written(table), LABEL, PARQUET)
    assert found.to_dict(as_series=False) == {
        "a": ["x", None, "x", "y"],
        "b": ["1", "1", None, ""],
    }


def test_a_footer_that_tells_other_rows_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = pa.table({"n": [1, 2]})
    monkeypatch.setattr(tables, "_chosen_rows", lambda *_: part)
    with pytest.raises(ParseError, match="2 rows in the file, 5000 in its footer"):
        parse_parquet(WHOLE, LABEL, PARQUET)


def test_a_long_heading_twice_is_told_shortly() -> None:
    name = "x" * 30_000
    with pytest.raises(ParseError, match="stands twice") as error:
        parse_xlsx(workbook([[name, name], [1, 2]]), LABEL, XLSX)
    assert len(str(error.value)) < 200
