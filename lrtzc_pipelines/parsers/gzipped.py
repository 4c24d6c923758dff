"""Gzip files, inflated in memory within a bound."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.errors import ParseError

LARGEST_BYTES = 2_000 * MEGABYTE
_RATIO, _RATIO_FROM = 100, 10 * MEGABYTE
"""Most bytes that one packed byte may become, above a size that does no harm.

Tables of figures reach 20, mostly empty ones 60.
"""

_GZIP = 31
_PIECE = 1 << 20
_TAKEN = 1 << 14
"""Bytes given to an inflater at once: what it leaves over is copied."""


def gunzip(body: bytes, label: str, max_bytes: int = LARGEST_BYTES) -> bytes:
    """What a gzip file holds; several members, one after the other, are one file.

    Args:
        body: The bytes.
        label: Source and page, for messages.
        max_bytes: Most bytes that may come out.

    Raises:
        ParseError: no gzip file, damaged, cut short, or larger than allowed, by itself
            or for so few packed bytes.
    """
    bound = min(max_bytes, max(len(body) * _RATIO, _RATIO_FROM))
    content = bytearray()
    try:
        for piece in _pieces(body, label):
            content += piece
            if len(content) > bound:
                msg = f"{label}: expands to more than {bound / MEGABYTE:.0f} MB"
                raise ParseError(msg)
    except zlib.error as error:
        msg = f"{label}: no gzip file that can be read"
        raise ParseError(msg) from error
    return bytes(content)


def _pieces(body: bytes, label: str) -> Iterator[bytes]:
    """What comes out of the members, one after the other."""
    # Some writers fill up their last block with zeros.
    end = len(body.rstrip(b"\0"))
    start, packed = 0, memoryview(body)
    while start < end:
        inflater = zlib.decompressobj(wbits=_GZIP)
        while start < len(body) and not inflater.eof:
            taken = packed[start : start + _TAKEN]
            yield inflater.decompress(taken, _PIECE)
            left = len(inflater.unconsumed_tail) + len(inflater.unused_data)
            start += len(taken) - left
        if not inflater.eof:
            msg = f"{label}: the gzip file is cut short"
            raise ParseError(msg)
