"""What a deposited file may be, and what is said of every other."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from datetime import date
from io import BytesIO

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partner import (
    COMPANY,
    HEADINGS,
    SHEET,
    TRIPS,
    channel,
    edited,
    row,
    table,
    workbook,
    zipped,
)

from lrtzc_pipelines.deposits.contents import read_content
from lrtzc_pipelines.deposits.problems import DepositRefused, Problem
from lrtzc_pipelines.deposits.records import Content
from lrtzc_pipelines.parsers.delimited import parse_csv
from lrtzc_pipelines.sources.formats import CsvFormat

CHANNEL = channel()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PLAIN = table(row(1), row(2))
BOOK = workbook(row(1), row(2))


def content(name: str, body: bytes) -> Content:
    return read_content(name, body, CHANNEL, COMPANY)


def cells(found: Content) -> pl.DataFrame:
    assert isinstance(CHANNEL.spec.format, CsvFormat)
    return parse_csv(found.body, "deposit", CHANNEL.spec.format).drop("deposant")


def refusal(name: str, body: bytes) -> Problem:
    with pytest.raises(DepositRefused) as refused:
        content(name, body)
    (problem,) = refused.value.problems
    return problem


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("mars.csv", PLAIN),
        ("MARS.CSV", PLAIN),
        ("mars.csv", b"\xef\xbb\xbf" + PLAIN),
        ("mars.csv", PLAIN.replace(b"\r\n", b"\n")),
        ("mars.csv", PLAIN.replace(b"\r\n", b"\r")),
        ("mars.csv", b"\r\n" + PLAIN + b"\r\n;;;;;;\r\n"),
        ("mars.xlsx", BOOK),
        ("mars.zip", zipped({"mars.csv": PLAIN})),
        ("mars.zip", zipped({"mars.xlsx": BOOK})),
        ("mars.zip", zipped({"dossier/mars.csv": PLAIN, "__MACOSX/._mars": b"x"})),
    ],
    ids=[
        "csv",
        "capitals",
        "bom",
        "unix",
        "old mac",
        "blank lines",
        "xlsx",
        "zip of csv",
        "zip of xlsx",
        "zip of macOS",
    ],
)
def test_a_table_is_the_same_in_whatever_it_comes(name: str, body: bytes) -> None:
    found = content(name, body)
    assert cells(found).rows() == [tuple(row(1)), tuple(row(2))]
    assert len(found.rows) == 2
    assert found.remarks == ()


def test_rows_are_numbered_as_the_partner_sees_them() -> None:
    body = table(row(1, naf='deux\r\n"lignes"'), [""] * 7, row(2), row(3))
    assert content("mars.csv", body).rows == (2, 5, 6)


def test_rows_of_a_sheet_are_numbered_as_excel_shows_them() -> None:
    blanks = [None] * 7
    body = workbook(row(1), blanks, ["  "] * 7, row(2), corner=(3, 2))
    found = content("mars.xlsx", body)
    assert found.rows == (5, 8)
    assert found.sheet == "Registre"


def test_numbers_and_days_of_a_workbook_are_read() -> None:
    cell = [12345678901234, 17300, None, date(2026, 3, 31), 150101, "R3", 0.1 + 0.2]
    found = cells(content("mars.xlsx", workbook(cell)))
    assert found.row(0) == (
        "12345678901234",
        "17300",
        "",
        "2026-03-31",
        "150101",
        "R3",
        "0.3",
    )


def test_a_code_that_lost_its_zero_is_not_given_it_back() -> None:
    found = cells(content("mars.xlsx", workbook(row(1, code=20304))))
    assert found["code_dechet"].to_list() == ["20304"]


def test_a_file_of_windows_is_read_and_told() -> None:
    body = table(row(1, naf="Récup. d'été")).decode().encode("cp1252")
    found = content("mars.csv", body)
    assert cells(found)["code_naf"].to_list() == ["Récup. d'été"]
    assert "Windows" in found.remarks[0]


@pytest.mark.parametrize("sheets", [("Notes", SHEET), (SHEET, "Notes")])
def test_the_form_says_which_sheet_is_read(sheets: tuple[str, ...]) -> None:
    form = CHANNEL.form.model_copy(update={"sheet": "Registre"})
    named = type(CHANNEL)(form, CHANNEL.spec, CHANNEL.suite)
    found = read_content("mars.xlsx", workbook(row(1), sheets=sheets), named, COMPANY)
    assert found.rows == (2,)
    assert found.remarks == ("Seule la feuille « Registre » a été lue.",)


def test_a_sheet_that_is_not_there_is_asked_for() -> None:
    form = CHANNEL.form.model_copy(update={"sheet": "Tonnages"})
    named = type(CHANNEL)(form, CHANNEL.spec, CHANNEL.suite)
    with pytest.raises(DepositRefused) as refused:
        read_content("mars.xlsx", BOOK, named, COMPANY)
    (problem,) = refused.value.problems
    assert problem.why == "le classeur n'a pas de feuille « Tonnages »"


def test_without_a_name_the_first_visible_sheet_is_read() -> None:
    body = workbook(row(1), sheets=("Interne", SHEET))
    hidden = edited(
        body, "xl/workbook.xml", b'name="Interne"', b'name="Interne" state="hidden"'
    )
    assert content("mars.xlsx", hidden).sheet == "Registre"


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("mars.csv", b"", "le fichier est vide"),
        ("mars.csv", b" \r\n\t", "le fichier est vide"),
        ("mars.csv", b"\xef\xbb\xbf\r\n", "le fichier est vide"),
        ("mars.xlsx", workbook(headings=[]), "la feuille est vide"),
        ("mars.xlsx", workbook(), "n'a pas de ligne sous ses titres"),
        ("mars.xls", OLE + bytes(600), "l'ancien format d'Excel (.xls)"),
        ("mars.csv", OLE + bytes(600), "l'ancien format d'Excel (.xls)"),
        (
            "mars.xlsx",
            OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "protégé par un mot de passe",
        ),
        ("mars.xlsm", BOOK, "peut contenir des macros"),
        ("mars.xls", BOOK, "le format .xls n'est pas accepté"),
        ("mars.ods", zipped({"mimetype": b"x"}), "le format .ods n'est pas accepté"),
        ("mars.pdf", b"%PDF-1.7", "un fichier .pdf n'est pas accepté"),
        ("mars.txt", PLAIN, "un fichier .txt n'est pas accepté"),
        ("mars", PLAIN, "un fichier sans extension n'est pas accepté"),
        ("mars.zip", BOOK, "celui d'un classeur Excel, mais le nom ne finit pas par"),
        ("mars.csv", zipped({"a.csv": PLAIN}), "celui d'une archive zip, mais le nom"),
        ("mars.xlsx", zipped({"a.csv": PLAIN}), "celui d'une archive zip, mais le nom"),
        ("mars.xlsx", PLAIN, "n'est pas celui d'un fichier .xlsx"),
        ("mars.zip", PLAIN, "n'est pas celui d'un fichier .zip"),
        ("mars.csv", "\ufeffsiret".encode("utf-16-le"), "n'est pas du texte en UTF-8"),
        ("mars.csv", PLAIN + b"\0", "n'est pas du texte en UTF-8"),
        ("mars.csv", b"siret;\x81\x8d", "n'est pas du texte en UTF-8"),
        ("mars.csv", table(row(1), separator=","), "aucun des titres de colonne"),
        ("mars.csv", table(row(1), separator="\t"), "aucun des titres de colonne"),
        (
            "mars.zip",
            zipped({"a.csv": PLAIN, "b.csv": PLAIN}),
            "contient 2 fichiers au lieu",
        ),
        ("mars.zip", zipped({}), "contient 0 fichiers au lieu"),
        (
            "mars.zip",
            zipped({"a.zip": zipped({"a.csv": PLAIN})}),
            "contient une autre archive",
        ),
        (
            "mars.zip",
            zipped({"a.csv": zipped({"a.csv": PLAIN})}),
            "contient une autre archive",
        ),
        (
            "mars.zip",
            zipped({"a.pdf": b"%PDF-1.7"}),
            "un fichier .pdf n'est pas accepté",
        ),
        ("mars.zip", zipped({"../a.csv": PLAIN}), "un nom de fichier qui mène hors"),
        ("mars.zip", zipped({"a.csv": PLAIN})[:-30], "abîmé ou incomplet"),
        ("mars.xlsx", BOOK[: len(BOOK) // 2], "abîmé ou incomplet"),
        ("mars.csv", b"PK\x03\x04", "abîmé ou incomplet"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(
    name: str, body: bytes, why: str
) -> None:
    problem = refusal(name, body)
    assert why in problem.why
    assert problem.fix.endswith(".")


def test_a_quote_that_is_not_closed_is_told_where_it_opens() -> None:
    body = table(row(1), row(2)).replace(b"00002;", b'00002;"') + b"a;b\r\n"
    problem = refusal("mars.csv", body)
    assert problem.rows == (3,)
    assert "guillemet" in problem.why


def test_a_cell_beyond_measure_is_told_where_it_is() -> None:
    problem = refusal("mars.csv", table(row(1), row(2, naf="x" * 200_000)))
    assert problem.rows == (3,)


def test_a_zip_that_unpacks_to_more_than_allowed_is_refused() -> None:
    form = CHANNEL.form.model_copy(update={"max_megabytes": 1})
    small = type(CHANNEL)(form, CHANNEL.spec, CHANNEL.suite)
    for size, why in ((1_500_000, "dépasse 1 Mo"), (5_000_000, "trop volumineux")):
        with pytest.raises(DepositRefused, match=why):
            read_content("mars.zip", zipped({"a.csv": b"x" * size}), small, COMPANY)


def test_moments_of_a_workbook_are_read() -> None:
    trips = channel(TRIPS)
    headings = [str(c.source) for c in trips.spec.columns[1:]]
    cells = ["t1", "", "17300", "", "", "17010", "05/01/2026 8:12"]
    body = workbook(cells, headings=headings)
    found = read_content("trajets.xlsx", body, trips, "velo")
    assert b'"2026-01-05 08:12:00"' in found.body


def flipped(body: bytes, places: list[tuple[int, int]]) -> bytes:
    changed = bytearray(body)
    for at, value in places:
        changed[at % len(changed)] = value
    return bytes(changed)


STORED = BytesIO()
with (
    zipfile.ZipFile(BytesIO(BOOK)) as packed,
    # Not compressed, so that a changed byte changes the XML and not its packing.
    zipfile.ZipFile(STORED, "w", zipfile.ZIP_STORED) as unpacked,
):
    for part in packed.namelist():
        unpacked.writestr(part, packed.read(part))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [
            ("a.csv", PLAIN),
            ("a.xlsx", BOOK),
            ("a.xlsx", STORED.getvalue()),
            ("a.zip", zipped({"a.csv": PLAIN})),
        ]
    ),
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), max_size=4),
)
def test_a_damaged_file_is_read_or_refused_and_never_anything_else(
    file: tuple[str, bytes], places: list[tuple[int, int]]
) -> None:
    name, body = file
    with suppress(DepositRefused):
        found = content(name, flipped(body, places))
        assert len(found.rows) == cells(found).height


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from([".csv", ".xlsx", ".zip", ""]))
def test_any_bytes_are_read_or_refused(body: bytes, suffix: str) -> None:
    with suppress(DepositRefused):
        content(f"a{suffix}", body)


def test_headings_are_those_of_the_form() -> None:
    assert tuple(cells(content("mars.csv", PLAIN)).columns) == HEADINGS
