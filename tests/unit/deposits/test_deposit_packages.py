"""Workbooks and archives of partners: what keeps them from being read, in French."""

from __future__ import annotations

import io
import zipfile

import pytest
from partner import SHEET, Formula, edited, places, row, workbook, zipped

from lrtzc_pipelines.deposits import packages
from lrtzc_pipelines.deposits.packages import SheetTable, opened, read_sheet
from lrtzc_pipelines.deposits.problems import DepositRefused, Problem
from lrtzc_pipelines.parsers.refusals import Refusal

BOOK = workbook(row(1), row(2))
LIMIT = 10_000_000
PART = "xl/worksheets/sheet1.xml"


def sheet(book: bytes, wanted: str | None = None) -> SheetTable:
    with opened(book, LIMIT) as archive:
        return read_sheet(archive, book, wanted)


def refusals(book: bytes) -> list[Problem]:
    with pytest.raises(DepositRefused) as refused:
        sheet(book)
    return list(refused.value.problems)


def test_every_reason_has_its_words() -> None:
    assert set(packages._SAID) == set(Refusal)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("xl/vbaProject.bin", "le classeur contient des macros"),
        ("xl/macrosheets/sheet1.xml", "le classeur contient des macros"),
        ("xl/externalLinks/externalLink1.xml", "liens vers d'autres fichiers"),
        ("xl/connections.xml", "connexions à des données extérieures"),
        ("xl/embeddings/oleObject1.bin", "objets incorporés"),
        ("XL/ActiveX/activeX1.xml", "contrôles ActiveX"),
    ],
)
def test_what_a_table_does_not_need_is_refused(part: str, why: str) -> None:
    out = io.BytesIO(BOOK)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(part, b"x")
    (problem,) = refusals(out.getvalue())
    assert why in problem.why


def test_formulas_are_told_by_their_columns_and_rows() -> None:
    formula = Formula()
    book = workbook(
        row(1, tonnes=formula), row(2), row(3, tonnes=formula, month=formula)
    )
    problems = refusals(book)
    assert places(problems) == [("D (n° 4)", (4,)), ("G (n° 7)", (2, 4))]
    assert {problem.sheet for problem in problems} == {"Registre"}
    assert "Collage spécial" in problems[0].fix


def test_errors_of_excel_are_told_and_not_taken_for_blanks() -> None:
    book = edited(workbook(row(1, tonnes=7)), PART, b"<v>7</v>", b"<v>#N/A</v>")
    book = edited(book, PART, b'<c r="G2"', b'<c r="G2" t="e"')
    (problem,) = refusals(book)
    assert places([problem]) == [("G (n° 7)", (2,))]
    assert "#N/A" in problem.why


def test_a_sheet_is_read_with_its_places() -> None:
    found = sheet(workbook(row(1), row(2), corner=(4, 2), sheets=(SHEET, "Notes")))
    assert (list(found.rows), found.first_column) == ([5, 6, 7], 2)
    assert (found.name, found.has_others) == ("Registre", True)
    assert found.cells.row(1) == tuple(row(1))


def test_a_name_of_a_sheet_is_shown_within_excels_bounds() -> None:
    name = "x" * 60 + "&#10;2"
    book = edited(
        BOOK, "xl/workbook.xml", b'name="Registre"', f'name="{name}"'.encode()
    )
    assert sheet(book).name == "x" * 31
    book = edited(BOOK, "xl/workbook.xml", b'name="Registre"', b'name="a&#8238;b"')
    assert sheet(book).name == "a_b"


def test_no_visible_sheet_is_told() -> None:
    book = edited(
        BOOK, "xl/workbook.xml", b'name="Registre"', b'name="Registre" state="hidden"'
    )
    (problem,) = refusals(book)
    assert problem.why == "le classeur n'a aucune feuille visible"


@pytest.mark.parametrize(
    "book",
    [
        edited(BOOK, PART, b'r="A3"', b'r="XFD1048576"'),
        edited(
            BOOK, "xl/sharedStrings.xml", b'uniqueCount="', b'uniqueCount="4000000000'
        ),
    ],
    ids=["a cell at the end of the sheet", "texts by the billion"],
)
def test_a_workbook_that_asks_for_all_the_memory_is_refused(book: bytes) -> None:
    # Read as it asks, either ends the process.
    (problem,) = refusals(book)
    assert problem.why == "le contenu est trop volumineux une fois décompressé"


def test_a_zip_bomb_is_refused() -> None:
    with (
        pytest.raises(DepositRefused, match="trop volumineux"),
        opened(zipped({"a.csv": bytes(50_000_000)}), LIMIT),
    ):
        pass


def test_an_archive_with_a_password_is_refused() -> None:
    body = bytearray(zipped({"a.csv": b"x"}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + flags] |= 1
    with (
        pytest.raises(DepositRefused, match="protégée par un mot de passe"),
        opened(bytes(body), LIMIT),
    ):
        pass


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/workbook.xml", b"<sheets>", b"<sheet>"),
        ("xl/_rels/workbook.xml.rels", b"worksheets/sheet1", b"worksheets/sheet9"),
        (PART, b"<sheetData>", b"<sheetData"),
        (PART, b'r="A1"', b'r="A0"'),
        (PART, b'r="A1"', b'r="1A"'),
        (PART, b'<row r="1"', b'<row r="un"'),
        ("xl/sharedStrings.xml", b'uniqueCount="', b'uniqueCount="x'),
    ],
)
def test_a_damaged_workbook_is_refused(part: str, old: bytes, new: bytes) -> None:
    (problem,) = refusals(edited(BOOK, part, old, new))
    assert "abîmé" in problem.why or "aucune feuille" in problem.why
