"""Elements of one kind in NeTEx documents, as text.

A document is walked as it streams, and what was walked is let go, so that memory holds
one element at a time whatever the size of a timetable. Document types are refused, and
with them every entity.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

import polars as pl
from lxml import etree

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.archives import Member, is_archive, opened
from lrtzc_pipelines.sources.formats import NetexFormat

NAMESPACE = "http://www.netex.org.uk/netex"
ROOT = "PublicationDelivery"

_MOST_COLUMNS = 500
_LARGEST_TABLE = 50_000_000
"""Cells of the frame, blank ones included: each element may have fields of its own."""

_LARGEST_ELEMENT = 100_000
"""Elements in one that becomes a row; a stop or a journey has some hundreds."""

Fields = dict[str, Any]
"""Values by dotted name: a text, or a list of texts and of objects like this one."""


def parse_netex(body: bytes, label: str, form: NetexFormat) -> pl.DataFrame:
    """One row per element of the requested name that is not inside another of them.

    Columns are the element's attributes (`id`, `version`, …) and, by their names
    joined with dots, the texts of its descendants (`Centroid.Location.Longitude`).
    An element that refers to another is its `ref`. Members of NeTEx's lists, whose
    names begin in lower case (`quays`), are a JSON list under the members' name
    (`quays.QuayRef`): of texts, or of objects with their attributes. Anything else
    that comes twice in one place is a JSON list too. Elsewhere the attributes of
    descendants are left out, but for `srsName`, without which a position says nothing.

    Raises:
        ParseError: neither a NeTEx document nor a zip archive of some; a document
            type; more columns than a kind of element can have.
    """
    rows: list[dict[str, str]] = []
    names: dict[str, None] = {}
    for row in _rows(body, label, form.element):
        rows.append(row)
        names |= dict.fromkeys(row)
        if len(names) > _MOST_COLUMNS or len(names) * len(rows) > _LARGEST_TABLE:
            msg = f"{label}: {len(rows)} {form.element} with {len(names)} fields"
            raise ParseError(msg)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))


def _rows(body: bytes, label: str, element: str) -> Iterator[dict[str, str]]:
    if not is_archive(body):
        yield from _document(io.BytesIO(body), label, element)
        return
    with opened(body, label) as archive:
        documents = [name for name in archive.names if name.lower().endswith(".xml")]
        if not documents:
            msg = f"{label}: no XML document in the archive"
            raise ParseError(msg)
        for name in documents:
            with archive.open(name) as member:
                yield from _document(member, f"{label}: {name}", element)


def _document(
    stream: IO[bytes] | Member, label: str, element: str
) -> Iterator[dict[str, str]]:
    """The rows of one document as it streams."""
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _walk(_checked(events, label), label, element)
    except etree.XMLSyntaxError as error:
        msg = f"{label}: not well-formed XML: line {error.lineno}"
        raise ParseError(msg) from error


def _checked(
    events: Iterable[tuple[str, etree._Element]], label: str
) -> Iterator[tuple[str, etree._Element]]:
    """The events of a document that is NeTEx and has no document type."""
    is_first = True
    for event, node in events:
        if is_first:
            if node.getroottree().docinfo.doctype:
                msg = f"{label}: XML with a document type is refused"
                raise ParseError(msg)
            if not _is_netex(node) or _local(node) != ROOT:
                msg = f"{label}: not a NeTEx {ROOT}"
                raise ParseError(msg)
            is_first = False
        yield event, node


def _walk(
    events: Iterable[tuple[str, etree._Element]], label: str, element: str
) -> Iterator[dict[str, str]]:
    wanted = {element, f"{{{NAMESPACE}}}{element}"}
    depth = size = 0
    for event, node in events:
        is_wanted = node.tag in wanted
        if event == "start":
            depth += is_wanted
            size = size + 1 if depth else 0
            if size > _LARGEST_ELEMENT:
                msg = f"{label}: {element} with more than {_LARGEST_ELEMENT} elements"
                raise ParseError(msg)
            continue
        depth -= is_wanted
        if depth:
            continue
        if is_wanted:
            yield _row(node)
        node.clear()
        while node.getprevious() is not None:
            del node.getparent()[0]


def _row(node: etree._Element) -> dict[str, str]:
    return {
        name: value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in _fields(node).items()
    }


def _fields(node: etree._Element) -> Fields:
    """An element's attributes, its own text as `value`, and what is below it."""
    found: Fields = {n: value for n, value in node.attrib.items() if "{" not in n}
    if (node.text or "").strip():
        _put(found, "value", node.text)
    _add_children(found, node, "")
    return found


def _add_children(found: Fields, node: etree._Element, path: str) -> None:
    for child in node:
        name = f"{path}{_local(child)}"
        if _is_list(child):
            for member in child:
                members = found.setdefault(f"{name}.{_local(member)}", [])
                members.append(_member(member))
            continue
        if "ref" in child.attrib:
            _put(found, name, child.attrib["ref"])
            continue
        text = child.text or ""
        if not len(child) or text.strip():
            _put(found, name, text)
        if "srsName" in child.attrib:
            _put(found, f"{name}.srsName", child.attrib["srsName"])
        _add_children(found, child, f"{name}.")


def _put(found: Fields, name: str, value: str) -> None:
    """Adds a value; what comes again makes a list of what was there."""
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]


def _member(node: etree._Element) -> str | Fields:
    """A member of a list: what it refers to, its text, or all of it."""
    if "ref" in node.attrib:
        return str(node.attrib["ref"])
    return _fields(node) if len(node) else node.text or ""


def _is_list(node: etree._Element) -> bool:
    """Whether an element is one of NeTEx's lists, whose names begin in lower case."""
    return _is_netex(node) and _local(node)[0].islower()


def _is_netex(node: etree._Element) -> bool:
    tag = str(node.tag)
    return not tag.startswith("{") or tag.startswith(f"{{{NAMESPACE}}}")


def _local(node: etree._Element) -> str:
    return str(node.tag).rpartition("}")[2]
