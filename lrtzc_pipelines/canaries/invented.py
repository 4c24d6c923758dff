"""What a canary is, and the values of persons that exist nowhere.

Every value follows from the seed, the source, the column and the person's number, so
that whoever knows the seed knows what to look for. Numbers are of ranges that nobody
has: SIREN and meters begin with 0009, telephones are those that ARCEP keeps for works
of fiction, plates are made of the letters that plates leave out, mail goes to
`example.invalid`. Which values go where is the sandbox's work.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

PLANTED = 64
"""Invented persons in each personal source."""

_CONSONANTS, _VOWELS = "bdfgklmnprtvz", "aeiou"
_SYLLABLES = 7
_PHONE_RANGES = ("01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49", "06 39 98")
_PLATE_LETTERS = "IOU"
_NOBODY = "0009"
_DECIMALS, _ROUNDED_DECIMALS, _SURE_DIGITS = 10, 2, 15
_SHORTEST_NUMBER = 9
_SIRET_DIGITS = 14
_OFFSETS_H = (-2, -1, 0, 1, 2)


@dataclass(frozen=True)
class Canary:
    """One invented value in one cell.

    Attributes:
        source_id: Source it is planted in.
        column: Producer's name of the column.
        number: Which of the invented persons it is.
        value: The cell, as text.
        parts: Texts by which it is recognised, whatever stands around them.
        is_refused: Whether its row is made to be refused by the validation.
        is_cell: Whether it is recognised only as the whole of a cell, being too short
            to be looked for inside a text.
    """

    source_id: str
    column: str
    number: int
    value: str
    parts: tuple[str, ...]
    is_refused: bool = False
    is_cell: bool = False


@dataclass(frozen=True)
class Invented:
    """A value, as the producer's table holds it, and how it is recognised."""

    value: str | int | float
    parts: tuple[str, ...]
    is_cell: bool = False


@dataclass(frozen=True)
class Draw:
    """What an invented value follows from: the seed and the cell that it is for."""

    seed: int
    source_id: str
    column: str
    number: int

    def whole(self, purpose: str) -> int:
        """A number below 2**128, another one for each purpose."""
        topic = f"{self.seed}/{self.source_id}/{self.column}/{self.number}/{purpose}"
        digest = hashlib.blake2b(topic.encode(), digest_size=16).digest()
        return int.from_bytes(digest, "big")

    def figures(self, count: int, purpose: str = "figures") -> str:
        """Decimal digits, the last of which is not 0."""
        text = f"{self.whole(purpose) % 10**count:0{count}}"
        return text[:-1] + (text[-1] if text[-1] != "0" else "7")


def word(draw: Draw) -> str:
    """A word of no language, that one can pronounce."""
    drawn, syllables = draw.whole("word"), []
    for _ in range(_SYLLABLES):
        drawn, consonant = divmod(drawn, len(_CONSONANTS))
        drawn, vowel = divmod(drawn, len(_VOWELS))
        syllables.append(_CONSONANTS[consonant] + _VOWELS[vowel])
    return "".join(syllables)


def named(draw: Draw) -> Invented:
    """A person, with signs that every way of writing a text treats in its own."""
    token = word(draw)
    return Invented(f"Zoé d'{token.capitalize()} & fils", (token,))


def address(draw: Draw) -> Invented:
    """An address at a street that is nowhere."""
    token = word(draw)
    text = f"{draw.whole('house') % 200} impasse de l'Étang-{token.capitalize()}"
    return Invented(text, (token,))


def identifier(draw: Draw) -> Invented:
    """An identifier with a word in it."""
    token = word(draw)
    return Invented(f"Kanari-{token}", (token,))


def mail(draw: Draw) -> Invented:
    """An e-mail address at a domain that can never exist."""
    token = word(draw)
    return Invented(f"zoe.{token}@example.invalid", (token,))


def phone(draw: Draw) -> Invented:
    """A telephone number of the ranges kept for fiction."""
    drawn = draw.whole("phone")
    start = _PHONE_RANGES[drawn % len(_PHONE_RANGES)]
    end = f"{drawn // len(_PHONE_RANGES) % 10_000:04}"
    text = f"{start} {end[:2]} {end[2:]}"
    plain = text.replace(" ", "")
    return Invented(
        text,
        (
            text,
            plain,
            text.replace(" ", "."),
            text.replace(" ", "-"),
            f"+33 {text[1:]}",
            f"+33{plain[1:]}",
            f"33{plain[1:]}",
        ),
    )


def plate(draw: Draw) -> Invented:
    """A number plate with letters that plates leave out."""
    drawn = draw.whole("plate")
    letters = ""
    for _ in range(4):
        drawn, letter = divmod(drawn, len(_PLATE_LETTERS))
        letters += _PLATE_LETTERS[letter]
    text = f"{letters[:2]}-{drawn % 1000:03}-{letters[2:]}"
    return Invented(text, (text, text.replace("-", "")))


def free_text(draw: Draw) -> Invented:
    """A remark with everything in it that a person may leave in one."""
    told = [
        named(draw),
        address(draw),
        phone(draw),
        mail(draw),
        plate(draw),
        figures(draw, _SIRET_DIGITS, "siret"),
        figures(draw, _SIRET_DIGITS, "meter"),
    ]
    text = "{}, {}, {}, {}, véhicule {}, SIRET {}, PRM {}"
    text = text.format(*(one.value for one in told))
    parts = dict.fromkeys(part for one in told for part in one.parts)
    return Invented(text, tuple(parts))


def figures(draw: Draw, count: int, purpose: str = "figures") -> Invented:
    """An official number (SIREN, SIRET, meter) that begins as nobody's does."""
    text = _NOBODY + draw.figures(count - len(_NOBODY), purpose)
    parts = [text]
    if count == _SIRET_DIGITS:
        # Its SIREN, and how it is left by whoever takes it for a number.
        parts = [text, text[:_SHORTEST_NUMBER], text.lstrip("0")]
        parts.append(f"{text[:3]} {text[3:6]} {text[6:9]} {text[9:]}")
    return Invented(text, tuple(parts))


def whole_number(draw: Draw) -> Invented:
    """A whole number of twelve digits."""
    text = "97" + draw.figures(10)
    return Invented(int(text), (text,))


def number_near(draw: Draw, value: float) -> Invented:
    """A number like another, with decimals that no other has."""
    start = f"{value:.2f}"
    # A double holds fifteen digits whatever they are; more would be others.
    whole = len(start.partition(".")[0])
    text = start + draw.figures(min(_DECIMALS, _SURE_DIGITS - whole) - 2)
    known = text[:-_ROUNDED_DECIMALS]
    return Invented(float(text), (known, known.replace(".", ",")))


def unique_id(draw: Draw) -> Invented:
    """A UUID."""
    text = str(uuid.UUID(int=draw.whole("uuid"), version=4))
    return Invented(text, (text, text.replace("-", "")))


def coarsened(draw: Draw, kept: str) -> Invented:
    """A text of which only the beginning may go on."""
    token = word(draw)
    return Invented(f"{kept}-{token}", (token,))


def day(draw: Draw) -> Invented:
    """A day of a century that no data tell of; never the first of a year or month."""
    drawn = draw.whole("day")
    chosen = date(2101 + drawn % 90, 1 + drawn // 90 % 12, 2 + drawn // 1080 % 26)
    return Invented(f"{chosen}", (f"{chosen}", f"{chosen:%d/%m/%Y}"))


def moment(draw: Draw) -> Invented:
    """A moment of 2015 or 2016, to the second: `YYYY-MM-DD HH:MM:SS`.

    It is recognised on the clocks of the zones that France knows, whatever its own.
    """
    drawn = draw.whole("moment")
    chosen = datetime(2015, 1, 1, 4) + timedelta(  # noqa: DTZ001 - any clock's
        days=drawn % 700,
        hours=drawn // 700 % 16,
        minutes=1 + drawn // 11_200 % 58,
        seconds=1 + drawn // 649_600 % 58,
    )
    clocks = [chosen + timedelta(hours=hours) for hours in _OFFSETS_H]
    parts = [f"{c:%Y-%m-%d}{sign}{c:%H:%M:%S}" for c in clocks for sign in "T "]
    return Invented(f"{chosen}", tuple(parts))


def alone(draw: Draw) -> Invented:
    """The code of a commune that is none: whoever is there is alone in it."""
    # No department has that number.
    text = f"96{draw.whole('commune') % 1000:03}"
    return Invented(text, (text,), is_cell=True)
