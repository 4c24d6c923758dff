"""Hundreds of thousands of needles looked for at once, at some 100 MB a second.

Every needle is known by its last seven bytes. Those of every place of a body are
looked up in a table of bits that most places do not pass; what passes is compared in
full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lrtzc_pipelines.canaries.encodings import SHORTEST, Needle, fold
from lrtzc_pipelines.canaries.invented import Canary

_WINDOW = 8
_TABLE_BITS = 24
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_PIECE = 8 * 2**20

Keys = npt.NDArray[np.uint64]


class Matcher:
    """Finds needles in bytes."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        """Prepares the table.

        Args:
            needles: What to look for; of a canary's with equal bytes the first is told.

        Raises:
            ValueError: a needle that is too short to be told from anything.
        """
        self._by_key: dict[int, list[Needle]] = {}
        known: set[tuple[bytes, Canary]] = set()
        self._longest = 0
        for needle in needles:
            if (needle.folded, needle.canary) in known:
                continue
            if len(needle.folded) < SHORTEST:
                msg = f"{needle.encoding}: a needle of {len(needle.folded)} bytes"
                raise ValueError(msg)
            known.add((needle.folded, needle.canary))
            key = int.from_bytes(needle.folded[-SHORTEST:], "little")
            self._by_key.setdefault(key, []).append(needle)
            self._longest = max(self._longest, len(needle.folded))
        self._keys = np.array(sorted(self._by_key), dtype=np.uint64)
        self._table = np.zeros(2**_TABLE_BITS, dtype=np.bool_)
        self._table[_places(self._keys)] = True

    def find(self, body: bytes | memoryview) -> set[Needle]:
        """The needles that are in a body, each once."""
        found: set[Needle] = set()
        for start in range(0, max(len(body), 1), _PIECE):
            # What ends at the border belongs to both pieces.
            first = max(0, start - self._longest - 1)
            piece = fold(bytes(body[first : start + _PIECE + 1]))
            for end, needle in self._ends(piece):
                if needle not in found and _stands(piece, end, needle):
                    found.add(needle)
        return found

    def _ends(self, piece: bytes) -> Iterator[tuple[int, Needle]]:
        """Where needles end in a piece."""
        padded = bytes(_WINDOW) + piece
        for shift in range(_WINDOW):
            count = (len(padded) - shift) // _WINDOW
            if not count:
                continue
            windows = np.frombuffer(padded, "<u8", count, shift)
            keys = windows >> np.uint64(8 * (_WINDOW - SHORTEST))
            passed = np.flatnonzero(self._table[_places(keys)])
            for place, key in self._known(passed, keys):
                end = shift + _WINDOW * place
                for needle in self._by_key[key]:
                    if piece.endswith(needle.folded, 0, end):
                        yield end, needle

    def _known(self, passed: npt.NDArray[Any], keys: Keys) -> Iterator[tuple[int, int]]:
        """Of the places that pass the table, those whose key is a needle's."""
        if not len(passed) or not len(self._keys):
            return
        own = keys[passed]
        nearest = np.searchsorted(self._keys, own)
        same = self._keys[np.minimum(nearest, len(self._keys) - 1)] == own
        yield from zip(passed[same].tolist(), own[same].tolist(), strict=True)


def _places(keys: Keys) -> Keys:
    """Where the keys have their bits in the table."""
    return (keys * _SPREAD) >> np.uint64(64 - _TABLE_BITS)


def _stands(piece: bytes, end: int, needle: Needle) -> bool:
    """Whether a needle that must stand alone does."""
    if not needle.stands_alone:
        return True
    before = piece[end - len(needle.folded) - 1 : end - len(needle.folded)]
    after = piece[end : end + 1]
    if needle.folded.isdigit():
        return not before.isdigit() and not after.isdigit() and before != b"."
    return not before.isalnum() and not after.isalnum()
