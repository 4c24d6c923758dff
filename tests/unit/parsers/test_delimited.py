"""Delimited text in its declared encoding."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import delimited
from lrtzc_pipelines.parsers.delimited import parse_csv
from lrtzc_pipelines.sources.formats import CsvFormat

LABEL = "dgcl_epci_perimeter: page file"


def read(body: bytes, **options: Any) -> dict[str, list[str | None]]:
    csv = CsvFormat.model_validate({"kind": "csv", **options})
    frame = parse_csv(body, LABEL, csv)
    assert set(frame.dtypes) <= {pl.String}
    return frame.to_dict(as_series=False)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_lines_may_end_either_way(end: str, last: str) -> None:
    body = end.join(["insee;nom", "17300;La Rochelle", "17010;Aytré"]) + last
    assert read(body.encode()) == {
        "insee": ["17300", "17010"],
        "nom": ["La Rochelle", "Aytré"],
    }


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8", "utf-16"])
def test_text_is_read_in_its_declared_encoding(encoding: str) -> None:
    body = "siren;raison_sociale\n241700434;Communauté d'agglomération\n"
    found = read(body.encode(encoding), encoding=encoding)
    assert found["raison_sociale"] == ["Communauté d'agglomération"]


def test_signs_that_only_windows_has_are_read() -> None:
    found = read("nom;prix\nŒuvre – l’île;5 €\n".encode("cp1252"), encoding="cp1252")
    assert found == {"nom": ["Œuvre – l’île"], "prix": ["5 €"]}


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert list(read(b"\xef\xbb\xbfinsee;nom\n1;a\n")) == ["insee", "nom"]


@pytest.mark.parametrize(
    ("text", "encoding", "place"),
    [
        ("insee;nom\n17300;La Rochelle\n17010;Aytré\n", "utf-8", "line 3: byte 38"),
        ("insee;nom\n17300;A\x81\n", "cp1252", "line 2: byte 17"),
        ("é;nom\n", "utf-8", "line 1: byte 0"),
    ],
)
def test_another_encoding_is_told_by_its_line(
    text: str, encoding: str, place: str
) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: {place} is not {encoding}"):
        read(text.encode("latin-1"), encoding=encoding)


@pytest.mark.parametrize(
    ("separator", "body"),
    [(";", b"a;b\n1;2,5\n"), (",", b'a,b\n1,"2,5"\n'), ("\t", b"a\tb\n1\t2,5\n")],
)
def test_values_stand_between_the_declared_separators(
    separator: str, body: bytes
) -> None:
    assert read(body, separator=separator) == {"a": ["1"], "b": ["2,5"]}


def test_a_quoted_value_may_hold_separators_quotes_and_line_breaks() -> None:
    body = b'a;b;c\n"1;2";"dit ""le port""";"x\ny"\n3;4;5\n'
    assert read(body) == {
        "a": ["1;2", "3"],
        "b": ['dit "le port"', "4"],
        "c": ["x\ny", "5"],
    }


def test_without_quotes_declared_a_quote_is_a_letter() -> None:
    assert read(b'a;b\n"1;2"\n', quote="") == {"a": ['"1'], "b": ['2"']}


def test_nothing_is_guessed_of_a_value() -> None:
    assert read(b"a;b;c;d\n007; 1 234 ;NA;true\n") == {
        "a": ["007"],
        "b": [" 1 234 "],
        "c": ["NA"],
        "d": ["true"],
    }


def test_a_value_that_is_absent_is_null() -> None:
    assert read(b"a;b;c\n1;;3\n;;\n") == {
        "a": ["1", None],
        "b": [None, None],
        "c": ["3", None],
    }


def test_a_header_alone_has_columns_and_no_rows() -> None:
    assert read(b"insee;nom\n") == {"insee": [], "nom": []}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"a;b\n1;2\nDupont;3;4\n", id="wider"),
        pytest.param(b"a;b\n1;2\nDupont\n", id="narrower"),
        pytest.param(b"a;b;c\n1;2;3\nDupont;2\n4;5;6\n", id="narrower in the middle"),
        pytest.param(b"a;b;c\n1;2;3\nDupont;2", id="cut short"),
        pytest.param(b'a;b;c\n"1;1";2;3\n"Dupont;1";2\n', id="narrower with quotes"),
        pytest.param(b'a;b\n1;"Dupont\n3;4\n', id="quote without an end"),
    ],
)
def test_a_row_of_another_width_is_refused_without_its_values(body: bytes) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: .*';' as declared") as error:
        read(body)
    assert "Dupont" not in str(error.value)


def test_a_narrow_row_is_told_by_its_number() -> None:
    with pytest.raises(ParseError, match=r"row 3 has fewer values than the header"):
        read(b"a;b\n1;2\n3;4\n5\n6;7\n")


def test_a_blank_line_is_left_to_the_typing_step() -> None:
    assert read(b"a;b\n1;2\n\n") == {"a": ["1", None], "b": ["2", None]}


@pytest.mark.parametrize(
    "body", [b"nom;insee;nom\n1;2;3\n", b'"nom";insee;nom\r\n1;2;3\r\n']
)
def test_a_name_twice_in_the_header_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError, match=r"line 1: column 'nom' stands twice"):
        read(body)


def test_two_blank_names_and_another_one_are_refused_alike() -> None:
    with pytest.raises(ParseError, match=r"line 1: column '' stands twice"):
        read(b"nom;;;nom\n1;2;3;4\n")


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_a_file_without_a_header_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: "):
        read(body)


def test_a_long_name_twice_is_told_shortly() -> None:
    with pytest.raises(ParseError) as error:
        read((b"x" * 100_000 + b";") * 2 + b"y\n1;2;3\n")
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "body",
    [b";".join(b"c%d" % n for n in range(20_001)) + b"\n", b"a;b;c\n" + b"\n" * 40],
    ids=["columns", "cells"],
)
def test_a_table_too_large_for_the_memory_is_refused(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_MOST_CELLS", 100)
    with pytest.raises(ParseError, match="columns: too large"):
        read(body)
