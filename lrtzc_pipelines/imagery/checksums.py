"""Checksums as catalogues announce them, and what comes of comparing.

They come as multihashes: a code, a length, a digest. Real catalogues label some of
them wrongly (a code of MD5 before a digest twice as long); such a digest is tried
against what it may be, and proves nothing if none fits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lrtzc_pipelines.imagery.scenes import CatalogError

if TYPE_CHECKING:
    from hashlib import _Hash

_CODES = {0xD5: "md5", 0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0x16: "sha3_256"}
_LENGTHS = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "sha3_256": 32}
_SEVEN_BITS = 7
_MORE, _BITS = 0x80, 0x7F


class Status(StrEnum):
    """What is known of some bytes: never that they are wrong, which is an error."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Announced:
    """A checksum that somebody announced.

    Attributes:
        digest: In hexadecimal.
        algorithms: What it may be of; of one only, unless it is labelled wrongly.
        is_mislabelled: Whether the label does not fit the digest.
    """

    digest: str
    algorithms: tuple[str, ...]
    is_mislabelled: bool = False


@dataclass
class Checking:
    """Compares bytes with what was announced of them, as they come.

    Attributes:
        announced: What was; None if nothing.
        found: Name of the algorithm that proved them, once `end` was called.
    """

    announced: Announced | None
    found: str | None = None
    _hashes: dict[str, _Hash] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = self.announced.algorithms if self.announced else ()
        self._hashes = {
            name: hashlib.new(name, usedforsecurity=False) for name in names
        }

    def add(self, part: bytes) -> None:
        """Takes the next bytes."""
        for one in self._hashes.values():
            one.update(part)

    def end(self) -> Status:
        """What the bytes are known to be.

        Raises:
            ValueError: they are not what was announced.
        """
        if self.announced is None:
            return Status.UNVERIFIED
        for name, one in self._hashes.items():
            if one.hexdigest() == self.announced.digest:
                self.found = name
                return Status.VERIFIED
        if self.announced.is_mislabelled:
            return Status.UNVERIFIED
        msg = f"its {self.announced.algorithms[0]} is another than announced"
        raise ValueError(msg)


def parse_multihash(text: str) -> Announced:
    """The checksum that a multihash in hexadecimal announces.

    Raises:
        CatalogError: it is none, or of an algorithm nobody knows here.
    """
    try:
        content = bytes.fromhex(text)
        code, rest = _varint(content)
        length, digest = _varint(rest)
    except (ValueError, IndexError) as error:
        msg = f"file:checksum: {text[:20]!r}… is no multihash"
        raise CatalogError(msg) from error
    if length != len(digest) or code not in _CODES:
        msg = f"file:checksum: {text[:20]!r}… is no multihash that is known"
        raise CatalogError(msg)
    name = _CODES[code]
    if _LENGTHS[name] == length:
        return Announced(digest.hex(), (name,))
    others = tuple(other for other, size in _LENGTHS.items() if size == length)
    if not others:
        msg = f"file:checksum: no known digest has {length} bytes"
        raise CatalogError(msg)
    return Announced(digest.hex(), others, is_mislabelled=True)


def _varint(content: bytes) -> tuple[int, bytes]:
    """The number that bytes begin with, and the rest of them."""
    value = 0
    for place, byte in enumerate(content):
        value |= (byte & _BITS) << (_SEVEN_BITS * place)
        if not byte & _MORE:
            return value, content[place + 1 :]
    msg = "no end"
    raise ValueError(msg)
