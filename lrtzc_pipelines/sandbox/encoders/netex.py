"""Frames as NeTEx archives, with the columns that `parsers.netex` gives."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from lxml import etree

from lrtzc_pipelines.parsers.netex import NAMESPACE, ROOT
from lrtzc_pipelines.sandbox.encoders.packing import packed
from lrtzc_pipelines.sources.formats import NetexFormat

_GML = "http://www.opengis.net/gml/3.2"
_GML_NAMES = frozenset({"pos"})
_VERSION = "1.10:FR-NETEX-2.2"


def encode(frame: pl.DataFrame, form: NetexFormat) -> bytes:
    """An archive of one document with an element per row.

    Columns without a dot that begin in lower case are attributes, others the texts of
    children; what is below a name in lower case is a list, in JSON. A value that is
    absent leaves its element out.
    """
    root = etree.Element(
        f"{{{NAMESPACE}}}{ROOT}",
        nsmap={None: NAMESPACE, "gml": _GML},
        version=_VERSION,
    )
    frames = _below(_below(root, "dataObjects"), "GeneralFrame")
    members = _below(frames, "members")
    for row in frame.to_dicts():
        element = _below(members, form.element)
        for name, value in row.items():
            if value is not None:
                _put(element, name.split("."), value)
    document = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return packed({"arrets.xml": document})


def _put(element: etree._Element, path: list[str], value: Any) -> None:
    """Writes a value at the end of a path of names."""
    for place, name in enumerate(path[:-1]):
        if name[0].islower() and place + 2 == len(path) and name not in _GML_NAMES:
            _put_members(_child(element, name), path[-1], json.loads(value))
            return
        element = _child(element, name)
    name = path[-1]
    if name == "srsName" or (len(path) == 1 and name[0].islower()):
        element.set(name, str(value))
    else:
        _write(_child(element, name), str(value))


def _put_members(parent: etree._Element, name: str, members: list[Any]) -> None:
    for member in members:
        element = _below(parent, name)
        if isinstance(member, str):
            _write(element, member)
            continue
        for path, value in member.items():
            text = json.dumps(value) if isinstance(value, list) else value
            _put(element, path.split("."), text)


def _write(element: etree._Element, text: str) -> None:
    """Gives an element its text, or its `ref` where it stands for another element."""
    if str(element.tag).endswith("Ref"):
        element.set("ref", text)
    else:
        element.text = text


def _child(element: etree._Element, name: str) -> etree._Element:
    """The child of that name, made if there is none."""
    found = element.find(_tag(name))
    return _below(element, name) if found is None else found


def _below(element: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(element, _tag(name))


def _tag(name: str) -> str:
    return f"{{{_GML if name in _GML_NAMES else NAMESPACE}}}{name}"
