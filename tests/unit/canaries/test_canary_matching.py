"""Needles: every way of writing a canary is found, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import random
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from lrtzc_pipelines.canaries import matching
from lrtzc_pipelines.canaries.encodings import Needle, needles
from lrtzc_pipelines.canaries.invented import (
    Canary,
    Draw,
    Invented,
    address,
    figures,
    free_text,
    named,
    number_near,
    phone,
    plate,
    unique_id,
)
from lrtzc_pipelines.canaries.matching import Matcher

SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "upper": lambda text: text.upper().encode(),
    "lower": lambda text: text.lower().encode(),
    "percent": lambda text: quote(text, safe="").encode(),
    "form": lambda text: quote_plus(text).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "XML": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
    "JSON": lambda text: json.dumps(text).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "Latin-1": lambda text: text.encode("latin-1"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "base64 at 0": lambda text: base64.b64encode(f"{text}, x".encode()),
    "base64 at 1": lambda text: base64.b64encode(f"x{text}, x".encode()),
    "base64 at 2": lambda text: base64.b64encode(f"xx{text}, x".encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
    "base64 of UPPER": lambda text: base64.b64encode(text.upper().encode()),
    **{
        f"{name} {shape}": lambda text, n=name, w=write: w(
            hashlib.new(n, text.encode())
        )  # type: ignore[misc]
        for name in ("md5", "sha1", "sha256", "sha512")
        for shape, write in {
            "hexadecimal": lambda digest: digest.hexdigest().encode(),
            "HEXADECIMAL": lambda digest: digest.hexdigest().upper().encode(),
            "base64": lambda digest: base64.b64encode(digest.digest()),
            "base64 for URLs": lambda digest: base64.urlsafe_b64encode(digest.digest()),
        }.items()
    },
    "md5 of lower": lambda text: (
        hashlib.md5(text.lower().encode()).hexdigest().encode()
    ),
}
MAKERS: dict[str, Callable[[Draw], Invented]] = {
    "named": named,
    "address": address,
    "siret": lambda draw: figures(draw, 14),
    "phone": phone,
    "plate": plate,
    "number": lambda draw: number_near(draw, 46.16),
    "uuid": unique_id,
    "remark": free_text,
}


def canary(column: str) -> Canary:
    made = MAKERS[column](Draw(7, "town_counts", column, 0))
    return Canary("town_counts", column, 0, str(made.value), made.parts)


CANARIES = {name: canary(name) for name in MAKERS}
MATCHER = Matcher(needles(CANARIES.values()))


def found(body: bytes) -> set[Canary]:
    return {needle.canary for needle in MATCHER.find(body)}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("one", CANARIES.values(), ids=CANARIES)
def test_every_spelling_is_found(one: Canary, spell: Callable[[str], bytes]) -> None:
    assert one in found(b'{"a": "' + spell(one.value) + b'"}')


@pytest.mark.parametrize("one", CANARIES.values(), ids=CANARIES)
def test_every_part_is_found_alone(one: Canary) -> None:
    for part in one.parts:
        assert one in found(f"x {part}\n".encode())


def test_what_is_not_there_is_not_found() -> None:
    noise = random.Random(1).randbytes(3_000_000)
    assert not found(noise + base64.b64encode(noise) + noise.hex().encode())


@pytest.mark.parametrize("name", ["siret", "plate"])
def test_numbers_inside_of_others_do_not_count(name: str) -> None:
    text = CANARIES[name].parts[-1 if name == "plate" else 0]
    assert not found(f"7{text}7".encode())
    assert found(f"({text})".encode()) == {CANARIES[name]}


def test_what_begins_or_ends_a_body_counts() -> None:
    one = CANARIES["siret"]
    assert found(one.value.encode()) == {one}
    assert found(b"") == set()


def test_a_border_between_two_pieces_hides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matching, "_PIECE", 64)
    one = CANARIES["named"]
    for before in range(130):
        assert one in found(b"." * before + one.value.encode() + b"." * 100)


def test_two_canaries_of_one_spelling_are_both_told() -> None:
    one, other = (Canary("a_b", "c", n, "same word", ("same word",)) for n in (0, 1))
    matcher = Matcher(needles([one, other]))
    told = {needle.canary for needle in matcher.find(b"the same word")}
    assert told == {one, other}


def test_a_needle_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        Matcher([Needle(CANARIES["named"], "text", b"abc")])


def test_without_needles_nothing_is_found() -> None:
    assert Matcher([]).find(b"anything at all") == set()
