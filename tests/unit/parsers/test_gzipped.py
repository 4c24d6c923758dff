"""Gzip files: whole, in several members, cut short, damaged, too large."""

from __future__ import annotations

import gzip
import time

import pytest

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.gzipped import gunzip

PACKED = gzip.compress(b"a;b\n1;2\n", mtime=0)


@pytest.mark.parametrize(
    ("body", "held"),
    [
        (PACKED, b"a;b\n1;2\n"),
        (PACKED + gzip.compress(b"3;4\n"), b"a;b\n1;2\n3;4\n"),
        (PACKED + b"\0" * 512, b"a;b\n1;2\n"),
        (gzip.compress(b""), b""),
        (b"", b""),
    ],
    ids=["one", "two members", "padded", "empty member", "nothing"],
)
def test_what_a_gzip_file_holds(body: bytes, held: bytes) -> None:
    assert gunzip(body, "s: page p") == held


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PACKED[:-9], "cut short"),
        (PACKED[:5], "cut short"),
        (b"a;b\n1;2\n", "no gzip file that can be read"),
        (PACKED[:10] + b"\xff" * 8 + PACKED[18:], "no gzip file that can be read"),
        (PACKED + b"rest", "no gzip file that can be read"),
        (PACKED[:-8] + b"\0" * 8, "no gzip file that can be read"),
    ],
    ids=["no trailer", "header only", "text", "damaged", "text after", "wrong sum"],
)
def test_what_is_no_whole_gzip_file_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=rf"^s: page p: .*{reason}"):
        gunzip(body, "s: page p")


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(ParseError, match="expands to more than 1 MB"):
        gunzip(bomb, "s: page p", max_bytes=1_000_000)


def test_a_bomb_is_told_by_how_little_was_packed() -> None:
    blanks = b"a;b\n" + b" " * 50_000_000
    for level in (1, 9):
        with pytest.raises(ParseError, match="expands to more than"):
            gunzip(gzip.compress(blanks, level), "s: page p")


def test_members_by_the_thousand_cost_no_more_than_their_bytes() -> None:
    body = PACKED + gzip.compress(b"") * 50_000
    started = time.monotonic()
    assert gunzip(body, "s: page p") == b"a;b\n1;2\n"
    assert time.monotonic() - started < 5
