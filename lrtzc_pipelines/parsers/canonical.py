"""The part of an answer that is data, as bytes that compare equal when the data do.

Envelopes carry what changes without the data changing: echoed addresses, times of
answer, time to live, dates inside archives. They are left out before an answer is
hashed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from typing import Any

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.archives import opened
from lrtzc_pipelines.sources.formats import (
    CsvFormat,
    Format,
    JsonFormat,
)

_GBFS_VOLATILE = ("last_updated", "ttl")
_AS_JSON = frozenset({"ckan_records", "gbfs_stations", "geojson", "json"})


def canonical(form: Format, name: str, body: bytes) -> bytes:
    """The data in `body`, whatever the order of its records.

    Args:
        form: Format of the source, as in its specification.
        name: Name of the page; a GBFS discovery file holds no data of its own.
        body: The answer; bytes that are not of the format are returned as they are,
            to be refused by the parser rather than here.
    """
    if body.startswith(b"PK"):
        return _members(body)
    if form.kind == "larochelle_xml":
        return _xml_rows(body)
    if isinstance(form, CsvFormat):
        return _lines(_unpacked(form, body), header=True)
    if isinstance(form, JsonFormat) and form.lines:
        return _lines(body)
    return _document(form, name, body) if form.kind in _AS_JSON else body


def _xml_rows(body: bytes) -> bytes:
    start, end = body.find(b"<data>"), body.rfind(b"</data>")
    if start < 0:
        return b""
    rows = body[start + len(b"<data>") : end].split(b"</row>")
    return b"</row>".join(sorted(row.strip() for row in rows))


def _lines(body: bytes, *, header: bool = False) -> bytes:
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    first = 1 if header else 0
    return b"\n".join([*lines[:first], *sorted(lines[first:])])


def _document(form: Format, name: str, body: bytes) -> bytes:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    data = _data(form, name, document)
    if isinstance(data, list):
        return b"\n".join(sorted(map(_dumped, data)))
    return _dumped(data)


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode(
        errors="surrogatepass"
    )


def _members(body: bytes) -> bytes:
    """A line per file of an archive, by name: dates and packing are no data."""
    lines = []
    try:
        with opened(body, "archive") as archive:
            for name in sorted(archive.names):
                # Streamed: what a small archive expands to may not fit in memory.
                digest = hashlib.sha256()
                with archive.open(name) as member:
                    while piece := member.read():
                        digest.update(piece)
                lines.append(f"{name} {digest.hexdigest()}")
    except ParseError:
        return body
    return "\n".join(lines).encode(errors="surrogatepass")


def _unpacked(form: CsvFormat, body: bytes) -> bytes:
    if form.compression != "gzip":
        return body
    # The header of gzip holds a date; its trailer proves the rest.
    try:
        gzip.GzipFile(fileobj=io.BytesIO(body)).peek(1)
    except (OSError, EOFError, zlib.error):
        return body
    return body[10:]


def _data(form: Format, name: str, document: Any) -> Any:
    """The records of a document; all of it where they cannot be told apart."""
    if isinstance(form, JsonFormat):
        data = _json_data(form, document)
        return [name, data] if form.page_column else data
    if not isinstance(document, dict):
        return document
    if form.kind == "ckan_records":
        result = document.get("result")
        return result.get("records") if isinstance(result, dict) else document
    if form.kind == "geojson":
        features = document.get("features")
        return features if isinstance(features, list) else document
    if name == "gbfs":
        return None
    return {k: v for k, v in document.items() if k not in _GBFS_VOLATILE}


def _json_data(form: JsonFormat, document: Any) -> Any:
    found = document
    for step in form.records.split(".") if form.records else ():
        if not isinstance(found, dict) or step not in found:
            return document
        found = found[step]
    if form.volatile:
        found = _without(found, frozenset(form.volatile))
    if not form.parents:
        return found
    parents = _without(document, frozenset({form.records.rpartition(".")[2]}))
    return [_without(parents, frozenset(form.volatile)), found]


def _without(value: Any, names: frozenset[str]) -> Any:
    """A document without what some keys hold, wherever they are."""
    if isinstance(value, dict):
        return {k: _without(v, names) for k, v in value.items() if k not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
