"""Gzip files, inflated in memory within a bound."""

from __future__ import annotations

import zlib

from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.errors import ParseError

LARGEST_BYTES = 2_000 * MEGABYTE
_GZIP = 31
_PIECE = 1 << 20


def gunzip(body: bytes, label: str, max_bytes: int = LARGEST_BYTES) -> bytes:
    """What a gzip file holds; several members, one after the other, are one file.

    Args:
        body: The bytes.
        label: Source and page, for messages.
        max_bytes: Most bytes that may come out.

    Raises:
        ParseError: no gzip file, damaged, cut short, or larger than allowed.
    """
    pieces: list[bytes] = []
    size, rest = 0, body
    try:
        while rest:
            inflater = zlib.decompressobj(wbits=_GZIP)
            while rest and not inflater.eof:
                piece = inflater.decompress(rest, _PIECE)
                rest = inflater.unconsumed_tail
                size += len(piece)
                if size > max_bytes:
                    msg = f"{label}: expands to more than {max_bytes / MEGABYTE:.0f} MB"
                    raise ParseError(msg)
                pieces.append(piece)
            if not inflater.eof:
                msg = f"{label}: the gzip file is cut short"
                raise ParseError(msg)
            # Some writers fill up their last block with zeros.
            rest = inflater.unused_data.lstrip(b"\0")
    except zlib.error as error:
        msg = f"{label}: no gzip file that can be read"
        raise ParseError(msg) from error
    return b"".join(pieces)
