"""Bodies of answers: bounded, inflated, whole or refused."""

from __future__ import annotations

import zlib

MEGABYTE = 1_000_000


class BodyRefused(Exception):
    """The body is not one we take; asking again would change nothing."""


class BodyDamaged(Exception):
    """The body ended early or cannot be decompressed."""


class Body:
    """A body as it streams in.

    Args:
        encoding: Its Content-Encoding; identity if absent.
        max_bytes: Most bytes it may have once decompressed.

    Attributes:
        received: Bytes that came over the network.
    """

    def __init__(self, encoding: str | None, max_bytes: int) -> None:
        self.received = 0
        self._max_bytes = max_bytes
        self._size = 0
        self._chunks: list[bytes] = []
        self._encoding = (encoding or "identity").lower()
        gzipped = self._encoding == "gzip"
        self._inflater = zlib.decompressobj(wbits=31) if gzipped else None

    @property
    def content(self) -> bytes:
        """All that came so far, decompressed."""
        return b"".join(self._chunks)

    def add(self, raw: bytes) -> None:
        """Takes the next piece.

        Raises:
            BodyRefused: there is more than allowed, or its encoding is not one that
                was asked for.
            BodyDamaged: it does not decompress.
        """
        self.received += len(raw)
        if self._inflater is None and self._encoding != "identity":
            msg = f"unrequested encoding {self._encoding!r}"
            raise BodyRefused(msg)
        room = self._max_bytes - self._size + 1
        chunk = self._inflated(raw, room) if self._inflater else raw
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self._max_bytes:
            msg = f"larger than {self._max_bytes / MEGABYTE:.0f} MB"
            raise BodyRefused(msg)

    def end(self) -> None:
        """Raises BodyDamaged if a compressed body is not at its end."""
        if self._inflater and self.received and not self._inflater.eof:
            msg = "the compressed body ended early"
            raise BodyDamaged(msg)

    def _inflated(self, raw: bytes, room: int) -> bytes:
        """Up to `room` more bytes of a compressed body."""
        assert self._inflater  # noqa: S101 - the caller asked
        try:
            chunk = self._inflater.decompress(raw, room)
        except zlib.error as error:
            msg = "the compressed body is damaged"
            raise BodyDamaged(msg) from error
        if self._inflater.unused_data:
            # Not read, these bytes would be missing from the body without a word.
            msg = "the compressed body goes on after its end"
            raise BodyDamaged(msg)
        return chunk


def looks_like_html(body: bytes) -> bool:
    """Whether a body is an HTML page, as maintenance pages sent with 200 are."""
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))
