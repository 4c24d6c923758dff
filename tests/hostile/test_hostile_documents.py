"""XML documents and workbooks that ask for more than to be read.

Nothing they name is fetched or opened, nothing they repeat fills the memory, and what
can be read is read exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import pack
from contents import File, Rows, read, refused
from services import Canary
from workbooks import SHEET, right_members, worksheet

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NETEX = File({"kind": "netex", "element": "StopPlace"}, ("id", "Name"))
WEBSERVICE = File({"kind": "larochelle_xml"})
XLSX = File({"kind": "xlsx"})
DOCUMENTS = {
    "netex": (
        NETEX,
        '<PublicationDelivery xmlns="http://www.netex.org.uk/netex">'
        '<StopPlace id="1" {attribute}><Name>{text}</Name></StopPlace>'
        "</PublicationDelivery>",
    ),
    "larochelle_xml": (
        WEBSERVICE,
        "<opendata><answer><status>code=0 message=Success</status><data>"
        '<row {attribute}><row_id>"1"</row_id><value>{text}</value></row>'
        "</data></answer></opendata>",
    ),
}
LAUGHS = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
)


def written(
    template: str, text: str = "v", attribute: str = "", head: str = HEAD
) -> str:
    return head + template.format(text=text, attribute=attribute)


def typed(entities: str) -> str:
    """What begins a document with a type of its own."""
    return f"{HEAD}<!DOCTYPE x {entities}>"


MANY = " ".join(f'a{number}="1"' for number in range(100_000))
REFUSED: dict[str, Callable[[str, int], str]] = {
    "an entity bomb": lambda t, _: written(t, "&a9;", head=typed(f"[{LAUGHS}]")),
    "an entity bomb in an attribute": lambda t, _: written(
        t, attribute='b="&a9;"', head=typed(f"[{LAUGHS}]")
    ),
    "a long entity often": lambda t, _: written(
        t, "&a;" * 10_000, head=typed(f'[<!ENTITY a "{"a" * 100_000}">]')
    ),
    "an entity that is a file": lambda t, _: written(
        t, "&a;", head=typed('[<!ENTITY a SYSTEM "file:///etc/passwd">]')
    ),
    "an entity that is fetched": lambda t, port: written(
        t, "&a;", head=typed(f'[<!ENTITY a SYSTEM "http://127.0.0.1:{port}/">]')
    ),
    "a type that is fetched": lambda t, port: written(
        t, head=typed(f'SYSTEM "http://127.0.0.1:{port}/x.dtd"')
    ),
    "a part of the type that is fetched": lambda t, port: written(
        t, head=typed(f'[<!ENTITY % a SYSTEM "http://127.0.0.1:{port}/x">%a;]')
    ),
    "an entity that is none": lambda t, _: written(t, "&nothing;"),
    "a hundred thousand levels": lambda t, _: written(
        t, "<a>" * 100_000 + "</a>" * 100_000
    ),
    "levels that are not closed": lambda t, _: written(t, "<a>" * 100_000),
    "an attribute of twenty megabytes": lambda t, _: written(
        t, attribute=f'b="{"x" * 20_000_000}"'
    ),
    "a name of five megabytes": lambda t, _: written(t, f"<{'b' * 5_000_000}/>"),
    "an attribute twice": lambda t, _: written(t, attribute='b="1" b="2"'),
    "a prefix that is none": lambda t, _: written(t, "<a:b/>" * 2 + "</a:c>"),
    "a comment that is not closed": lambda t, _: written(t, "<!-- "),
    "two documents": lambda t, _: written(t) + written(t),
    "NUL": lambda t, _: written(t, "a\0b"),
    "a control character": lambda t, _: written(t, "a\x01b"),
    "a reference to NUL": lambda t, _: written(t, "&#0;"),
    "a reference to half a character": lambda t, _: written(t, "&#xD800;"),
    "a reference beyond characters": lambda t, _: written(t, "&#xFFFFFFFFFF;"),
    "two bytes a letter, not kept": lambda t, _: written(
        t, "é", head=HEAD.replace("UTF-8", "UTF-16")
    ),
    "letters of no kind": lambda t, _: written(
        t, "é", head=HEAD.replace("UTF-8", "nonsense")
    ),
}


@pytest.fixture(autouse=True)
def _larger(bounded: Callable[..., None]) -> None:
    bounded(max_bytes=50_000_000, deadline=30.0)


@pytest.mark.parametrize(("file", "template"), DOCUMENTS.values(), ids=list(DOCUMENTS))
@pytest.mark.parametrize("attack", REFUSED.values(), ids=list(REFUSED))
def test_a_document_that_asks_for_more_is_refused(
    attack: Callable[[str, int], str],
    file: File,
    template: str,
    canary: Canary,
    tmp_path: Path,
) -> None:
    message = refused(file, attack(template, canary.port).encode(), tmp_path)
    assert "root:" not in message


READ: dict[str, tuple[Callable[[str, int], bytes], str | None]] = {
    "a reference that nobody follows": (
        lambda t, port: written(
            t,
            '<i:include xmlns:i="http://www.w3.org/2001/XInclude" '
            f'href="http://127.0.0.1:{port}/" parse="text"/>',
        ).encode(),
        None,
    ),
    "a style that nobody fetches": (
        lambda t, port: written(
            t, head=f'{HEAD}<?xml-stylesheet href="http://127.0.0.1:{port}/x.xsl"?>'
        ).encode(),
        "v",
    ),
    "a schema that nobody fetches": (
        lambda t, port: written(
            t,
            attribute='xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
            f'i:schemaLocation="a http://127.0.0.1:{port}/x.xsd"',
        ).encode(),
        "v",
    ),
    "letters other than declared": (
        lambda t, _: written(t, "é", head=HEAD.replace("UTF-8", "ISO-8859-1")).encode(),
        "Ã©",
    ),
    "letters as declared": (
        lambda t, _: written(t, "é", head=HEAD.replace("UTF-8", "ISO-8859-1")).encode(
            "latin-1"
        ),
        "é",
    ),
    "two bytes a letter, as declared": (
        lambda t, _: written(t, "é", head=HEAD.replace("UTF-8", "UTF-16")).encode(
            "utf-16"
        ),
        "é",
    ),
    "marks that are no marks": (
        lambda t, _: written(t, "<![CDATA[<x>&y;]]>").encode(),
        "<x>&y;",
    ),
    "a formula": (lambda t, _: written(t, "=1+1").encode(), "=1+1"),
    "two hundred levels": (
        lambda t, _: written(t, "<a>" * 200 + "</a>" * 200).encode(),
        None,
    ),
    "a hundred thousand attributes": (
        lambda t, _: written(t, f"v<b {MANY}/>").encode(),
        "v",
    ),
    "nine megabytes of text": (
        lambda t, _: written(t, "x" * 9_000_000).encode(),
        "x" * 9_000_000,
    ),
}


@pytest.mark.parametrize(("file", "template"), DOCUMENTS.values(), ids=list(DOCUMENTS))
@pytest.mark.parametrize("case", READ.values(), ids=list(READ))
def test_a_strange_document_is_read_exactly(
    case: tuple[Callable[[str, int], bytes], str | None],
    file: File,
    template: str,
    canary: Canary,
    tmp_path: Path,
) -> None:
    attack, value = case
    body = attack(template, canary.port)
    assert read(file, body, tmp_path).rows == [("1", value)]


def test_a_letter_that_is_not_of_the_declared_kind_is_refused(tmp_path: Path) -> None:
    for name, (file, template) in DOCUMENTS.items():
        folder = tmp_path / name
        folder.mkdir()
        body = written(template, "é").encode("latin-1")
        assert "not well-formed" in refused(file, body, folder)


def cell(content: str, kind: str = "str") -> str:
    return f"<c r='B2' t='{kind}'>{content}</c>"


FAR = "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
BEYOND = "<row r='9999999'><c r='ZZZ9999999'><v>1</v></c></row>"
RELATIONS = "xl/_rels/workbook.xml.rels"
LINK = {
    "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
    "xl/externalLinks/_rels/externalLink1.xml.rels": (
        b"<Relationships><Relationship Id='rId1' TargetMode='External' "
        b"Target='http://127.0.0.1:{port}/x.xlsx'/></Relationships>"
    ),
}


def sheet(content: bytes) -> dict[str, bytes]:
    return {SHEET: content}


def led_to(place: bytes) -> dict[str, bytes]:
    """A workbook that says that its sheet is somewhere else."""
    right = right_members()[RELATIONS]
    return {RELATIONS: right.replace(b"worksheets/sheet1.xml", place)}


def claiming(texts: int) -> dict[str, bytes]:
    """A workbook that says that it holds so many texts."""
    right = right_members()["xl/sharedStrings.xml"]
    claim = b'uniqueCount="%d"' % texts
    return {"xl/sharedStrings.xml": re.sub(rb'uniqueCount="\d+"', claim, right)}


READ_BOOKS: dict[str, tuple[dict[str, bytes], Rows]] = {
    "a formula with its value": (
        sheet(worksheet(cell('<f>WEBSERVICE("http://127.0.0.1:{port}/")</f><v>v</v>'))),
        [("1", "v")],
    ),
    "a formula without its value": (
        sheet(worksheet(cell('<f>WEBSERVICE("http://127.0.0.1:{port}/")</f>'))),
        [("1", None)],
    ),
    "a command": (
        sheet(worksheet(cell("<f>cmd|'/C calc'!A0</f><v>=cmd|'/C calc'!A0</v>"))),
        [("1", "=cmd|'/C calc'!A0")],
    ),
    "a value of another workbook": (
        LINK | sheet(worksheet(cell("<f>[1]Sheet1!A1</f><v>v</v>"))),
        [("1", "v")],
    ),
    "an extent that is a lie": (
        sheet(worksheet(cell("<v>v</v>"), extent="A1:XFD1048576")),
        [("1", "v")],
    ),
    "a style that is none": (
        sheet(worksheet("<c r='B2' s='99999'><v>7</v></c>")),
        [("1", "7")],
    ),
    "levels beside the rows": (
        sheet(worksheet(cell("<v>v</v>"), "<x>" * 10_000 + "</x>" * 10_000)),
        [("1", "v")],
    ),
}
REFUSED_BOOKS: dict[str, dict[str, bytes]] = {
    "an extent that is none": sheet(worksheet(cell("<v>v</v>"), extent="-1:B")),
    "a cell at the other end": sheet(worksheet(cell("<v>v</v>"), FAR)),
    "a cell beyond the end": sheet(worksheet(cell("<v>v</v>"), BEYOND)),
    "a text that is none": sheet(worksheet(cell("<v>99999999</v>", "s"))),
    "a kind that is none": sheet(worksheet(cell("<v>1</v>", "zz"))),
    "four billion texts": claiming(4_000_000_000),
    "an entity bomb": sheet(
        worksheet(cell("<v>&a9;</v>"), head=f"<!DOCTYPE x [{LAUGHS}]>")
    ),
    "an entity that is a file": sheet(
        worksheet(
            cell("<v>&a;</v>"),
            head='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        )
    ),
    "a sheet that is fetched": led_to(b"http://127.0.0.1:{port}/sheet.xml"),
    "a sheet that is a file": led_to(b"file:///etc/passwd"),
    "a sheet outside": led_to(b"../../../../etc/passwd"),
    "a sheet that is no XML": sheet(b"\0\xff" * 1_000),
    "a sheet without rows": sheet(b"<worksheet><sheetData/></worksheet>"),
    "no sheet": {"xl/workbook.xml": b"<workbook><sheets/></workbook>"},
    "a long heading twice": sheet(
        worksheet(cell("<v>v</v>"))
        .replace(b"row_id", b"x" * 100_000)
        .replace(b">value<", b">" + b"x" * 100_000 + b"<")
    ),
}


def book(changes: dict[str, bytes], port: int) -> bytes:
    told = b"%d" % port
    changed = {name: body.replace(b"{port}", told) for name, body in changes.items()}
    return pack({**right_members(), **changed})


@pytest.mark.parametrize(("changes", "rows"), READ_BOOKS.values(), ids=list(READ_BOOKS))
def test_a_strange_workbook_is_read_by_its_values(
    changes: dict[str, bytes], rows: Rows, canary: Canary, tmp_path: Path
) -> None:
    assert read(XLSX, book(changes, canary.port), tmp_path).rows == rows


@pytest.mark.parametrize("changes", REFUSED_BOOKS.values(), ids=list(REFUSED_BOOKS))
def test_a_workbook_that_asks_for_more_is_refused(
    changes: dict[str, bytes], canary: Canary, tmp_path: Path
) -> None:
    assert "root:" not in refused(XLSX, book(changes, canary.port), tmp_path)
