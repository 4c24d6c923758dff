"""The part of an answer that is data, as bytes that compare equal when the data do.

Envelopes carry what changes without the data changing: echoed addresses, times of
answer, time to live. They are left out before an answer is hashed.
"""

from __future__ import annotations

import json
from typing import Any

_GBFS_VOLATILE = ("last_updated", "ttl")


def canonical(kind: str, name: str, body: bytes) -> bytes:
    """The data in `body`, for the format called `kind`.

    Args:
        kind: Format of the source, as in its specification.
        name: Name of the page; a GBFS discovery file holds no data of its own.
        body: The answer; bytes that are not of the format are returned as they are,
            to be refused by the parser rather than here.
    """
    if kind == "larochelle_xml":
        start, end = body.find(b"<data>"), body.rfind(b"</data>")
        return body[start + len(b"<data>") : end].strip() if start >= 0 else b""
    if kind == "csv":
        return body.replace(b"\r\n", b"\n")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return json.dumps(
        _data(kind, name, document), ensure_ascii=False, sort_keys=True
    ).encode(errors="surrogatepass")


def _data(kind: str, name: str, document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    if kind == "ckan_records":
        result = document.get("result")
        return result.get("records") if isinstance(result, dict) else document
    if kind == "gbfs_stations":
        if name == "gbfs":
            return None
        return {k: v for k, v in document.items() if k not in _GBFS_VOLATILE}
    return document
