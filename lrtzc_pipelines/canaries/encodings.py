"""What to look for: a canary as it may have been written on its way out.

As it is, in capitals or without them, percent-encoded, escaped for HTML or JSON, in
UTF-16, base64 or hexadecimal, and hashed without a key. Texts are compared after
`fold`, which makes one of capitals and small letters, and of the two alphabets of
base64.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from lrtzc_pipelines.canaries.invented import Canary

_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_UPPER = bytes(range(ord("A"), ord("Z") + 1))
_FOLD = bytes.maketrans(_UPPER + b"-_", _UPPER.lower() + b"+/")
_SEPARATORS = str.maketrans("", "", " -._/'&,")
_SURELY_LONG = 10

SHORTEST = 7
"""Bytes of the shortest needle."""


@dataclass(frozen=True)
class Needle:
    """One spelling of one canary.

    Attributes:
        canary: Whose it is.
        encoding: How it is written.
        folded: Its bytes, after `fold`.
        stands_alone: Whether it counts only where nothing like it touches it: digits
            not between digits, short texts not inside words.
    """

    canary: Canary
    encoding: str
    folded: bytes
    stands_alone: bool = False


def fold(body: bytes) -> bytes:
    """Bytes in which capitals and the alphabets of base64 make no difference."""
    return body.translate(_FOLD)


def needles(canaries: Iterable[Canary]) -> Iterator[Needle]:
    """Every spelling of every canary, those that are looked for in cells left out."""
    for canary in canaries:
        if canary.is_cell:
            continue
        for part in dict.fromkeys((*canary.parts, canary.value)):
            yield from _written(canary, part)
        yield from _hashed(canary)


def _written(canary: Canary, text: str) -> Iterator[Needle]:
    alone = text.isdecimal() or len(text) < _SURELY_LONG
    for cased in dict.fromkeys((text, text.lower(), text.upper())):
        body = cased.encode()
        for encoding, spelled in _plain(cased):
            yield Needle(canary, encoding, fold(spelled), stands_alone=alone)
        # Latin letters: the other byte order is the same but for the first byte.
        yield Needle(canary, "UTF-16", fold(cased.encode("utf-16-le")[:-1]))
        yield Needle(canary, "hexadecimal", fold(body.hex().encode()))
        for core in _base64_cores(body):
            yield Needle(canary, "base64", fold(core))


def _plain(text: str) -> Iterator[tuple[str, bytes]]:
    """A text where a byte is a letter; many of these are the same for simple texts."""
    escaped = html.escape(text)
    yield "text", text.encode()
    yield "Latin-1", text.encode("latin-1", "replace")
    yield "percent", quote(text, safe="").encode()
    yield "percent", quote_plus(text, safe="@").encode()
    yield "HTML", escaped.encode()
    yield (
        "HTML",
        escaped.replace("&#x27;", "&#39;").encode("ascii", "xmlcharrefreplace"),
    )
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON", json.dumps(json.dumps(text))[3:-3].encode()


def _base64_cores(body: bytes) -> Iterator[bytes]:
    """What base64 makes of bytes, wherever they begin, whatever stands around them."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + body)
        # Signs that also hold bits of the neighbours are left out.
        first = -(-before * 4 // 3)
        end = len(coded) if (before + len(body)) % 3 == 0 else coded.index(b"=") - 1
        yield coded[first:end]


def _hashed(canary: Canary) -> Iterator[Needle]:
    value = canary.value
    plain = value.translate(_SEPARATORS)
    spelled = (value, value.lower(), value.upper(), plain, plain.lower(), plain.upper())
    for text in dict.fromkeys((*spelled, value.lstrip("0"))):
        for algorithm in _ALGORITHMS:
            digest = hashlib.new(algorithm, text.encode(), usedforsecurity=False)
            coded = base64.b64encode(digest.digest()).rstrip(b"=")
            yield Needle(
                canary, f"{algorithm}, hexadecimal", digest.hexdigest().encode()
            )
            yield Needle(canary, f"{algorithm}, base64", fold(coded))
