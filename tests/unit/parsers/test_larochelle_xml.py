"""Rows of the legacy web service: two readings, one frame, and nothing hostile."""

from __future__ import annotations

from html import escape
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import larochelle_xml
from lrtzc_pipelines.parsers.larochelle_xml import (
    _parse_any,
    _parse_regular,
    parse_page,
)

PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'
LABEL = "larochelle_parking_history: page offset-1"


def page(*rows: str, prologue: str = PROLOGUE) -> str:
    """A page as the service writes it: one line, tabs, an echoed address."""
    return (
        f"{prologue}<opendata>\t<request>http://a.fr/?key=REDACTED&amp;db=x</request>"
        "\t<answer>\t\t<status>code=0 message=Success</status>\t\t<data>"
        f"{''.join(rows)}\t\t</data>\t</answer></opendata>"
    )


def row(**values: str | None) -> str:
    """A row of values that are XML already; None leaves the element out."""
    fields = "".join(
        f'\t\t\t\t<{name}>"{value}"</{name}>'
        for name, value in values.items()
        if value is not None
    )
    return f"\t\t\t<row>{fields}\t\t\t</row>"


PLAIN = page(
    row(dp_id="1", dp_libelle="ENCAN"), row(dp_id="2", dp_libelle="VIEUX PORT")
)


def read(text: str) -> dict[str, list[str | None]]:
    return parse_page(text.encode(), LABEL).to_dict(as_series=False)


# What a page says


def test_a_row_has_a_column_per_element() -> None:
    assert read(PLAIN) == {"dp_id": ["1", "2"], "dp_libelle": ["ENCAN", "VIEUX PORT"]}


def test_a_page_in_the_services_own_markup_is_read_the_fast_way() -> None:
    assert _parse_regular(PLAIN.encode(), LABEL) is not None


def test_a_page_without_rows_has_neither_rows_nor_columns() -> None:
    assert parse_page(page().encode(), LABEL).shape == (0, 0)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", ""),
        ("  a  ", "  a  "),
        ("L&amp;apos;Houmeau", "L'Houmeau"),
        ("&amp;quot;Le Gabut&amp;quot;", '"Le Gabut"'),
        ("&quot;Le Gabut&quot;", '"Le Gabut"'),
        ("A &amp; B", "A & B"),
        ("A &amp;amp; B", "A & B"),
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("&lt;b&gt;", "<b>"),
        ("&amp;eacute;t&amp;eacute;", "été"),
        ("&amp;#233;t&#233;", "été"),
        ("été — 12 °C", "été — 12 °C"),
        ("a\tb", "a\tb"),
        ("a\nb", "a\nb"),
        ('5" de long', '5" de long'),
        ("<![CDATA[A & <B>]]>", "A & <B>"),
        ("a<!-- not said -->b", "ab"),
        ("a<b>c</b>d", "acd"),
        ("&amp;amp;amp;", "&amp;"),
        ("\u2028\x85", "\u2028\x85"),
    ],
)
def test_a_value_is_read_as_it_was_meant(written: str, value: str) -> None:
    body = page(row(a="1", b=written), row(a="2", b="x"))
    assert read(body)["b"] == [value, "x"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(page(row(a="1", b="2"), row(a="3")), id="last left out"),
        pytest.param(page(row(a="1", b="2"), row(b=None, a="3")), id="one left out"),
        pytest.param(
            page(row(a="1", b="2"), "<row><a>3</a></row>"), id="without quotes"
        ),
    ],
)
def test_an_absent_element_is_null_and_not_empty(body: str) -> None:
    assert read(body) == {"a": ["1", "3"], "b": ["2", None]}


def test_elements_in_another_order_keep_their_names() -> None:
    assert read(page(row(a="1", b="2"), row(b="3", a="4"))) == {
        "a": ["1", "4"],
        "b": ["2", "3"],
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            page('<row id="7">\t<a>"1"</a>\t<b unit="m">"2"</b></row>'), id="attributes"
        ),
        pytest.param(
            page('<row><!-- c --><a>"1"</a><?php x?><b>"2"</b></row>'), id="comments"
        ),
        pytest.param(page("<row>x<a>1</a>y<b>2</b>z</row>"), id="text around elements"),
        pytest.param(
            page("<row><a>1</a><b>2</b></row><!-- end -->"), id="comment after"
        ),
        pytest.param(page("<row>\n<a>1</a>\n<b>2</b>\n</row>\n"), id="line breaks"),
        pytest.param(page(row(a="1", b="2"), prologue=""), id="no declaration"),
        pytest.param("\ufeff" + page(row(a="1", b="2")), id="byte order mark"),
    ],
)
def test_markup_the_service_does_not_write_changes_nothing(body: str) -> None:
    assert read(body) == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "windows-1252", "UTF-16"])
def test_a_page_may_declare_another_encoding(encoding: str) -> None:
    prologue = f'<?xml version="1.0" encoding="{encoding}"?>'
    body = page(row(a="1", b="été"), row(a="2", b="hiver"), prologue=prologue)
    frame = parse_page(body.encode(encoding), LABEL)
    assert frame["b"].to_list() == ["été", "hiver"]


# What is refused

LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">'
    for n in range(10)
)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            page(row(a="&l9;"), prologue=f"<!DOCTYPE opendata [{LAUGHS}]>"),
            id="billion laughs",
        ),
        pytest.param(
            page(
                row(a="&x;"),
                prologue='<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            id="external entity",
        ),
        pytest.param(
            page(
                row(a="1"),
                prologue='<!DOCTYPE o [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]>',
            ),
            id="parameter entity",
        ),
        pytest.param(
            page(row(a="1"), prologue='<!DOCTYPE o SYSTEM "http://127.0.0.1/o.dtd">'),
            id="external document type",
        ),
        pytest.param(page(row(a="1"), prologue="<!DOCTYPE opendata>"), id="bare"),
        pytest.param(page(row(a="&laugh;")), id="entity without a declaration"),
        pytest.param(page(row(a="<b>" * 5000 + "</b>" * 5000)), id="too deep"),
    ],
)
def test_hostile_xml_is_refused(body: str) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: "):
        parse_page(body.encode(), LABEL)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html><body>Maintenance</body></html>", id="a web page"),
        pytest.param(PLAIN.encode()[:-1], id="cut in its last tag"),
        pytest.param(PLAIN.encode()[: len(PLAIN) // 2], id="cut in half"),
        pytest.param(PLAIN.encode() + b"x", id="more after its end"),
        pytest.param(PLAIN.replace("<data>", "").encode(), id="unbalanced"),
        pytest.param(
            PLAIN.replace("answer>", "reply>").encode(), id="data somewhere else"
        ),
        pytest.param(PLAIN.replace("ENCAN", "EN\x00CAN").encode(), id="zero byte"),
        pytest.param(PLAIN.replace("ENCAN", "EN&CAN").encode(), id="bare ampersand"),
        pytest.param(PLAIN.replace("ENCAN", "été").encode("cp1252"), id="not UTF-8"),
        pytest.param(PLAIN.replace("ENCAN", "a\uffff").encode(), id="no character"),
        pytest.param(PLAIN.replace("ENCAN", "]]>").encode(), id="end of no section"),
        pytest.param(
            page('<row><a>"1"</a><b>"2"</b></row><row><a>"1"</b></row>').encode(),
            id="tags crossed",
        ),
        pytest.param(
            page('<row><a>"1"</a><b>"2"</b></row><row><a>"1"</a><b>"2"</a><b>"3"</b>')
            .replace("\t\t</data>", "</row></data>")
            .encode(),
            id="tags crossed twice",
        ),
    ],
)
def test_what_is_not_the_services_xml_is_refused_by_its_page(body: bytes) -> None:
    with pytest.raises(ParseError, match=rf"^{LABEL}: "):
        parse_page(body, LABEL)


def test_a_mark_of_byte_order_is_part_of_the_value_it_begins() -> None:
    body = page(row(a="\ufeff1", b="2"), row(a="\ufeff3", b="4"))
    assert parse_page(body.encode(), LABEL)["a"].to_list() == ["\ufeff1", "\ufeff3"]


def test_an_element_that_comes_twice_is_refused_by_its_row() -> None:
    body = page('<row><a>"1"</a></row><row><a>"1"</a><a>"2"</a></row>').encode()
    with pytest.raises(ParseError, match=rf"^{LABEL}: row 2: element a comes twice$"):
        parse_page(body, LABEL)


def test_a_refusal_repeats_no_value() -> None:
    body = PLAIN.replace("ENCAN", "Jean Dupont &").encode()
    with pytest.raises(ParseError) as error:
        parse_page(body, LABEL)
    assert "Dupont" not in str(error.value)


# Both readings give the same frame

FORBIDDEN = {chr(n) for n in range(32)} - set("\t\n\r") | {"\ufffe", "\uffff"}
AWKWARD = (
    '"', "&", "<", ">", "'", "\t", "\n", "\r", "&amp;", "&apos;", "&eacute;", "&#233;",
    "&amp", "]]>", "\u00a0", "\x7f", "\x85", "\u2028", '""', "</row>",
)  # fmt: skip
TEXTS = st.lists(
    st.characters(codec="utf-8", exclude_characters=FORBIDDEN)
    | st.sampled_from(AWKWARD),
    max_size=6,
).map("".join)
NAMES = st.lists(
    st.sampled_from(["a", "b", "dp_id", "Nom.1", "x-y"]), min_size=1, unique=True
)


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Pages of any values, mostly in the service's regular markup."""
    names = draw(NAMES)
    values = TEXTS | st.none() if draw(st.booleans()) else TEXTS
    twice = draw(st.booleans())
    quotes = draw(st.booleans())

    def written(value: str | None) -> str | None:
        if value is None:
            return None
        return escape(escape(value) if twice else value, quote=quotes)

    records = st.fixed_dictionaries(dict.fromkeys(names, values))
    return page(
        *(
            row(**{name: written(value) for name, value in record.items()})
            for record in draw(st.lists(records, max_size=4))
        )
    )


def outcome(parse: Any, body: bytes) -> pl.DataFrame | None:
    """The frame, or None where the page is refused; any other error is one."""
    try:
        frame: pl.DataFrame | None = parse(body, LABEL)
    except ParseError:
        return None
    return frame


@given(pages())
@settings(max_examples=300, deadline=None)
def test_the_regular_reading_is_the_one_of_the_parser(text: str) -> None:
    regular = _parse_regular(text.encode(), LABEL)
    if regular is not None:
        assert_frame_equal(regular, _parse_any(text.encode(), LABEL))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_every_text_comes_back(values: list[tuple[str, str]]) -> None:
    body = page(*(row(a=escape(escape(a)), b=escape(escape(b))) for a, b in values))
    # XML makes one line break of any; nothing else may change.
    expected = [a.replace("\r\n", "\n").replace("\r", "\n") for a, _ in values]
    assert read(body)["a"] == expected


FRAGMENTS = (
    b"", b'"', b"<", b">", b"&", b"/", b"\n", b"\x00", b"\xff", b"\x1f", b"<b>",
    b"</b>", b"<row>", b"</row>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;",
    b"\xe9", b"<data>", b"</data>", b'"</a>\t\t\t\t<b>"', b"\xed\xa0\x80", b"UTF-16",
)  # fmt: skip
DAMAGE = st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(FRAGMENTS))


@given(pages(), st.lists(DAMAGE, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_damage_is_refused_or_read_alike(
    text: str, damages: list[tuple[float, int, bytes]]
) -> None:
    body = text.encode()
    for where, length, fragment in damages:
        at = int(where * len(body))
        body = body[:at] + fragment + body[at + length :]
    found, expected = outcome(parse_page, body), outcome(_parse_any, body)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert_frame_equal(found, expected)


def test_a_refusal_is_one_line() -> None:
    body = page(f'<row a="{"x" * 20_000_000}"><a>"1"</a></row>').encode()
    with pytest.raises(ParseError, match="not well-formed") as error:
        parse_page(body, LABEL)
    assert len(str(error.value).splitlines()) == 1


def test_rows_with_elements_of_their_own_are_no_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(larochelle_xml, "_LARGEST_TABLE", 99)
    body = page(*(f'<row><k{n}>"1"</k{n}></row>' for n in range(10))).encode()
    with pytest.raises(ParseError, match=rf"^{LABEL}: 10 rows with 10 fields"):
        parse_page(body, LABEL)
