"""Workbooks surveyed before they are read, and refused where reading would be fatal."""

from __future__ import annotations

import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.parsers.archives import opened
from lrtzc_pipelines.parsers.refusals import ArchiveError, Refusal
from lrtzc_pipelines.parsers.tables import parse_xlsx, sheet_cells
from lrtzc_pipelines.parsers.workbooks import LIMITS, Sheet, Survey, survey, worksheets
from lrtzc_pipelines.sources.formats import XlsxFormat

LABEL = "cda_table: page file"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PART = "xl/worksheets/sheet1.xml"
TEXTS = "xl/sharedStrings.xml"
INDEX = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"


def book(*names: str) -> bytes:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    for name in names or ("A",):
        sheet = made.add_worksheet(name)
        for column, text in enumerate(("a", "b")):
            sheet.write_string(0, column, text)
    made.close()
    return out.getvalue()


BOOK = book()


def changed(
    part: str, change: bytes | tuple[bytes, bytes], body: bytes = BOOK
) -> bytes:
    """A workbook with a part replaced, or one text in it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(body)) as read,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as write,
    ):
        for name in read.namelist():
            content = read.read(name)
            if name == part and isinstance(change, tuple):
                assert change[0] in content
                content = content.replace(*change, 1)
            elif name == part:
                content = change
            write.writestr(name, content)
    return out.getvalue()


def sheet_of(rows: str, before: str = "", after: str = "") -> bytes:
    """A workbook whose sheet has these rows, written by hand."""
    text = (
        f'<?xml version="1.0"?>{before}<worksheet xmlns="{MAIN}">'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )
    return changed(PART, text.encode())


def sheets(body: bytes) -> list[Sheet]:
    with opened(body, LABEL, LIMITS) as archive:
        return worksheets(archive, LABEL)


def surveyed(body: bytes, most_cells: int = 1000) -> Survey:
    with opened(body, LABEL, LIMITS) as archive:
        (sheet, *_) = worksheets(archive, LABEL)
        return survey(archive, sheet, LABEL, most_cells=most_cells)


def height(body: bytes) -> int:
    """Rows that the reader finds from the first with a value to the last."""
    return sheet_cells(body, LABEL, sheets(body)[0].name).height


def refusal(body: bytes) -> Refusal:
    with pytest.raises(ArchiveError, match=f"^{LABEL}: ") as refused:
        surveyed(body)
    return refused.value.refusal


def test_worksheets_come_in_their_order_with_whether_they_are_seen() -> None:
    hidden = changed(
        INDEX,
        (b'name="Notes"', b'name="Notes" state="veryHidden"'),
        book("Notes", "Données"),
    )
    found = [(sheet.name, sheet.is_hidden) for sheet in sheets(hidden)]
    assert found == [("Notes", True), ("Données", False)]


def test_a_sheet_of_a_chart_is_no_worksheet() -> None:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    made.add_chartsheet("Courbe")
    made.add_worksheet("Données")
    made.close()
    assert [sheet.name for sheet in sheets(out.getvalue())] == ["Données"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ('<row r="3"><c r="B3" t="s"><v>0</v></c></row>', Survey(3, 3, 1)),
        (
            '<row r="2"><c r="A2"/></row><row r="4"><c r="B4"><v>1</v></c></row>',
            Survey(4, 4, 1),
        ),
        (
            "<row><c><v>1</v></c><c><v>2</v></c></row>"
            '<row r="5"><c><v>3</v></c></row><row><c><v>4</v></c></row>',
            Survey(1, 6, 0),
        ),
        (
            '<row r="5"><c r="B9"><v>1</v></c></row><row r="2"><c r="A1"><v>2</v></c>'
            "</row>",
            Survey(1, 9, 0),
        ),
        (
            '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
            '<row r="2"><c r="B2" t="inlineStr"><is/></c></row>',
            Survey(1, 2, 0),
        ),
        (
            '<row r="1"><c r="A1" t="e"><v>#N/A</v></c></row>'
            '<row r="3"><c r="C3"><f>A1</f><v>1</v></c></row>',
            Survey(1, 3, 0, {2: [3]}, {0: [1]}),
        ),
        (
            f'<x:row xmlns:x="{MAIN}" r="2"><x:c r="B2"><x:v>1</x:v></x:c></x:row>',
            Survey(2, 2, 1),
        ),
        ('<row r="1"><c r="A1"><f>1+1</f></c></row>', Survey(formulas={0: [1]})),
        ("", Survey()),
    ],
)
def test_rows_are_counted_as_the_reader_counts_them(rows: str, found: Survey) -> None:
    body = sheet_of(rows)
    assert surveyed(body) == found
    assert height(body) == (found.last_row - found.first_row + bool(found.first_row))


def test_rules_behind_the_cells_have_no_formulas_of_theirs() -> None:
    body = sheet_of(
        '<row r="1"><c r="A1"><v>1</v></c></row>',
        after='<extLst><ext><xm:f xmlns:xm="urn:x">Notes!A1</xm:f></ext></extLst>',
    )
    assert surveyed(body).formulas == {}


def test_a_block_of_cells_is_bounded_and_not_their_number() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row>'
    rows += '<row r="100"><c r="J100"><v>1</v></c></row>'
    assert surveyed(sheet_of(rows), most_cells=1000).last_row == 100
    with pytest.raises(ArchiveError, match="over 999 cells: too large") as refused:
        surveyed(sheet_of(rows), most_cells=999)
    assert refused.value.refusal is Refusal.TOO_LARGE


FAR = sheet_of(
    '<row r="1"><c r="A1"><v>1</v></c></row>'
    '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)
CLAIMING = changed(TEXTS, (b'uniqueCount="2"', b'uniqueCount="4000000000000"'))


@pytest.mark.parametrize("body", [FAR, CLAIMING], ids=["far cell", "claimed texts"])
def test_what_would_end_the_process_is_not_read(body: bytes) -> None:
    assert refusal(body) is Refusal.TOO_LARGE
    with pytest.raises(ArchiveError, match="too large"):
        parse_xlsx(body, LABEL, XlsxFormat(kind="xlsx"))


@pytest.mark.parametrize(
    "body",
    [
        sheet_of('<row r="1"><c r="A0"><v>1</v></c></row>'),
        sheet_of('<row r="1"><c r="XFE1"><v>1</v></c></row>'),
        sheet_of('<row r="1"><c r="A1048577"><v>1</v></c></row>'),
        sheet_of('<row r="1"><c r="ZZZZZZ1"><v>1</v></c></row>'),
        sheet_of('<row r="un"><c><v>1</v></c></row>'),
        sheet_of("<row>"),
        changed(INDEX, b"<workbook>"),
        changed(INDEX, (b'name="A"', b'name="A" name="B"')),
        changed(TEXTS, (b'uniqueCount="2"', b'uniqueCount="deux"')),
        changed(TEXTS, b""),
    ],
)
def test_a_damaged_workbook_is_refused(body: bytes) -> None:
    assert refusal(body) is Refusal.DAMAGED


def with_part(body: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO(body)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (with_part(BOOK, "xl/SharedStrings.xml", b"<sst/>"), "two files have one name"),
        (
            changed(INDEX, (b'name="B"', b'name="a"'), book("A", "B")),
            "two sheets have one name",
        ),
        (
            changed(RELATIONS, (b'"rId2"', b'"rId1"'), book("A", "B")),
            "two relations have one name",
        ),
    ],
)
def test_nothing_is_read_where_a_reader_could_take_another(
    body: bytes, said: str
) -> None:
    with pytest.raises(ArchiveError, match=said):
        surveyed(body)


def test_entities_are_not_expanded() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 9))
    before = f'<!DOCTYPE x [<!ENTITY e0 "bombe">{entities}]>'
    body = sheet_of('<row r="1"><c r="A1" t="str"><v>&e8;</v></c></row>', before)
    assert refusal(body) is Refusal.DAMAGED


def test_damage_to_the_packing_is_told_as_such() -> None:
    body = bytearray(BOOK)
    with zipfile.ZipFile(io.BytesIO(BOOK)) as archive:
        part = archive.getinfo(PART)
    body[part.header_offset + 30 + len(PART) + 10] ^= 0xFF
    assert refusal(bytes(body)) is Refusal.DAMAGED


CELL = st.one_of(
    st.just(""),
    st.just("<c/>"),
    st.just("<c><v>1</v></c>"),
    st.just('<c t="str"><v>x</v></c>'),
    st.just('<c t="s"><v>1</v></c>'),
    st.just('<c t="b"><v>1</v></c>'),
    st.just('<c t="e"><v>#N/A</v></c>'),
    st.just('<c t="inlineStr"><is><t>x</t></is></c>'),
    st.just("<c><f>1+1</f><v>2</v></c>"),
)
ROWS = st.lists(st.lists(CELL, max_size=4).map("".join), max_size=6)


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_any_sheet_is_as_high_as_the_reader_makes_it(rows: list[str]) -> None:
    body = sheet_of("".join(f"<row>{cells}</row>" for cells in rows))
    found = surveyed(body)
    assert height(body) == found.last_row - found.first_row + bool(found.first_row)
