"""`<row>` elements of the legacy La Rochelle web service, as text.

Values come in literal quotes and are escaped twice (`"L&amp;apos;Houmeau"`). Pages of
one table repeat the same markup row after row, so each piece of the first row's markup
is replaced by a separator through the whole page; if no markup is left after that, the
page is delimited text. A page with anything else in it goes through lxml. Both readings
give the same frame, which a property test holds them to.
"""

from __future__ import annotations

import html
import re

import polars as pl
from lxml import etree
from polars.exceptions import PolarsError

from lrtzc_pipelines.errors import ParseError, one_line
from lrtzc_pipelines.sources.formats import LarochelleXmlFormat

_ROW_END = b"</row>"
_FIELD, _RECORD = b"\x1f", b"\n"
_FIRST_OPEN_TAG = re.compile(rb"\A<row>\s*<([A-Za-z_][\w.-]*)>\Z")
_BETWEEN_TAGS = re.compile(rb"\A</([A-Za-z_][\w.-]*)>\s*<([A-Za-z_][\w.-]*)>\Z")
_CLOSE_TAG = re.compile(rb"\A</([A-Za-z_][\w.-]*)>\s*\Z")
# What only a real parser may judge: line breaks (they would end a delimited line
# early), declarations, comments, CDATA, processing instructions, characters that XML
# forbids, and any entity but the five that XML predefines.
_NEEDS_PARSER = (b"<", b"]]>", b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_CONTROLS = bytes(range(0x09)) + bytes(range(0x0A, 0x20))
_XML_ENTITIES = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}
_PREDEFINED = {f"&{name};".encode() for name in _XML_ENTITIES}
_READ_HERE = frozenset({None, "UTF-8", "utf-8", "ASCII", "US-ASCII"})
_ENTITY = re.compile(rb"&[^;<]{0,6};?")
_LARGEST_TABLE = 50_000_000
"""Cells of a frame, blank ones included: each row may have fields of its own."""


def parse_page(
    body: bytes, label: str, _: LarochelleXmlFormat | None = None
) -> pl.DataFrame:
    """One row of text per `<row>`, one column per child element.

    Args:
        body: The page, UTF-8.
        label: Source and page, for messages.

    Raises:
        ParseError: not well-formed XML, or not of the service's shape.
    """
    frame = _parse_regular(body, label)
    return _parse_any(body, label) if frame is None else frame


def _parse_regular(body: bytes, label: str) -> pl.DataFrame | None:
    """The frame of a page whose rows all have the markup of the first; else None."""
    start, end = body.find(b"<data>"), body.rfind(b"</data>")
    data = body[start + len(b"<data>") : end].strip()
    if start < 0 or end < start or len(data.translate(None, _CONTROLS)) < len(data):
        return None
    first = data[: data.find(_ROW_END)].split(b'"')
    columns = _column_names(first)
    if columns is None:
        return None
    pieces = data.split(b'"')
    rows = _rows_of_regular(pieces, first)
    if rows is None:
        return None
    values = iter(pieces[1::2])
    records = zip(*[values] * len(columns), strict=True)
    text = _RECORD.join(map(_FIELD.join, records))
    if _needs_parser(text):
        return None
    # What surrounds the rows is small, and is left to the real parser.
    envelope = _data_element(body[:start] + b"<data>" + body[end:], label)
    encoding = envelope.getroottree().docinfo.encoding
    frame = _split(text, columns) if encoding in _READ_HERE else None
    if frame is None or frame.height != rows:
        return None
    return _decoded(frame) if b"&" in text else frame


def _rows_of_regular(pieces: list[bytes], first: list[bytes]) -> int | None:
    """Rows in a page cut at its quotes; None unless each has the first row's markup.

    Pieces alternate markup and value. Each piece of the first row's markup must come
    again at its place in every row, and what joins two rows must always be the same.
    """
    width = len(first) - 1
    rows, rest = divmod(len(pieces) - 1, width)
    if rest or pieces[-1] != first[-1] + _ROW_END:
        return None
    joints = pieces[width:-1:width]
    joint = re.compile(re.escape(first[-1] + _ROW_END) + rb"\s*" + re.escape(first[0]))
    if joints and (
        joints.count(joints[0]) < rows - 1 or not joint.fullmatch(joints[0])
    ):
        return None
    for place in range(2, width, 2):
        if pieces[place::width].count(first[place]) < rows:
            return None
    return rows


def _split(text: bytes, columns: list[str]) -> pl.DataFrame | None:
    """The columns of delimited text; None if a line has more, or is not UTF-8."""
    try:
        return pl.read_csv(
            text,
            schema=dict.fromkeys(columns, pl.String),
            separator=_FIELD.decode(),
            quote_char=None,
            has_header=False,
            empty_string_is_null=False,
            raise_if_empty=False,
        )
    except PolarsError:
        return None


def _decoded(frame: pl.DataFrame) -> pl.DataFrame:
    """Values decoded twice: the entities of XML, then those the producer put in."""
    marked = frame.select(pl.all().str.contains("&", literal=True).any()).row(0)
    return frame.with_columns(
        decode_entities(_decode_xml(frame[name])).alias(name)
        for name, has_entities in zip(frame.columns, marked, strict=True)
        if has_entities
    )


def _needs_parser(data: bytes) -> bool:
    # A reader of delimited text would take it for no part of the first value.
    if data.startswith(b"\xef\xbb\xbf"):
        return True
    if any(mark in data for mark in _NEEDS_PARSER):
        return True
    return not {match[0] for match in _ENTITY.finditer(data)} <= _PREDEFINED


def _column_names(pieces: list[bytes]) -> list[str] | None:
    """Element names from the first row's markup; None unless it is plain.

    The pieces alternate markup and value: `<row><a>`, value, `</a><b>`, value, `</b>`.
    """
    opening = _FIRST_OPEN_TAG.match(pieces[0])
    if opening is None or len(pieces) == 1 or len(pieces) % 2 == 0:
        return None
    names = [opening[1]]
    for piece in pieces[2:-1:2]:
        between = _BETWEEN_TAGS.match(piece)
        if between is None or between[1] != names[-1]:
            return None
        names.append(between[2])
    closing = _CLOSE_TAG.match(pieces[-1])
    if closing is None or closing[1] != names[-1] or len(set(names)) < len(names):
        return None
    return [name.decode() for name in names]


def _decode_xml(column: pl.Series) -> pl.Series:
    # The ampersand comes last, so that what it uncovers is not decoded again.
    for name, character in _XML_ENTITIES.items():
        column = column.str.replace_all(f"&{name};", character, literal=True)
    return column


def decode_entities(column: pl.Series) -> pl.Series:
    """`column` with HTML entities decoded, each distinct value once."""
    distinct = column.filter(column.str.contains("&", literal=True)).unique()
    changed = {
        value: decoded
        for value in distinct
        if (decoded := html.unescape(value)) != value
    }
    return column.replace(changed) if changed else column


def _data_element(body: bytes, label: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        msg = f"{label}: not well-formed XML: {one_line(str(error))}"
        raise ParseError(msg) from error
    if root.getroottree().docinfo.doctype:
        msg = f"{label}: XML with a document type is refused"
        raise ParseError(msg)
    data = root.find("answer/data")
    if data is None:
        msg = f"{label}: no opendata/answer/data element"
        raise ParseError(msg)
    return data


def _parse_any(body: bytes, label: str) -> pl.DataFrame:
    data = _data_element(body, label)
    rows = [
        _cells(row, f"{label}: row {number}")
        for number, row in enumerate(data.iterchildren("row"), start=1)
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    if len(names) * len(rows) > _LARGEST_TABLE:
        msg = f"{label}: {len(rows)} rows with {len(names)} fields: too large"
        raise ParseError(msg)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))
    return frame.with_columns(
        decode_entities(frame[name]).alias(name) for name in frame.columns
    )


def _cells(row: etree._Element, label: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    for cell in row.iterchildren("*"):
        name = str(cell.tag)
        if name in cells:
            msg = f"{label}: element {name} comes twice"
            raise ParseError(msg)
        cells[name] = _unquoted("".join(cell.itertext()))
    return cells


def _unquoted(text: str) -> str:
    if text != '"' and text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    return text
