"""Zip archives that lie, made of a right one by what is wrong with them."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

Members = dict[str, bytes]
Attack = Callable[[Members, str], bytes]
"""Makes an archive of the members of a right one, given the one that counts."""

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_BOMB_BYTES = 100_000_000
_MANY = 100_000
PASSWD = b"/etc/passwd"


def pack(members: Members) -> bytes:
    """A right archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


@cache
def _bomb(content: bytes) -> bytes:
    """What the content and blanks without end deflate to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    blank = b" " * 1_000_000
    pieces = [packer.compress(content)]
    pieces += [packer.compress(blank) for _ in range(_BOMB_BYTES // len(blank))]
    return b"".join([*pieces, packer.flush()])


def _entries(entries: list[tuple[bytes, bytes, int, int]]) -> bytes:
    """An archive of (name, deflated bytes, size that is told, checksum)."""
    body, directory = bytearray(), bytearray()
    for name, packed, size, checksum in entries:
        told = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, checksum, len(packed), size)
        place = len(body)
        body += _LOCAL + told + struct.pack("<HH", len(name), 0) + name + packed
        tail = struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, place)
        directory += _CENTRAL + b"\x14\x00" + told + tail + name
    return bytes(body + directory) + _end(len(entries), len(directory), len(body))


def _end(count: int, size: int, place: int) -> bytes:
    least = min(count, 0xFFFF)
    return _END + struct.pack("<HHHHIIH", 0, 0, least, least, size, place, 0)


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def _entry(name: str, content: bytes) -> tuple[bytes, bytes, int, int]:
    return name.encode(), _deflated(content), len(content), zlib.crc32(content)


def bomb(members: Members, main: str) -> bytes:
    """The file that counts, followed by blanks without end."""
    content = members[main]
    checksum = zlib.crc32(content)
    for _ in range(_BOMB_BYTES // 1_000_000):
        checksum = zlib.crc32(b" " * 1_000_000, checksum)
    size = len(content) + _BOMB_BYTES
    others = [_entry(n, c) for n, c in members.items() if n != main]
    return _entries([*others, (main.encode(), _bomb(content), size, checksum)])


def bomb_that_lies(members: Members, main: str) -> bytes:
    """The same, that tells the size of the file that counts."""
    content = members[main]
    others = [_entry(n, c) for n, c in members.items() if n != main]
    told = (main.encode(), _bomb(content), len(content) + 99, zlib.crc32(content))
    return _entries([*others, told])


def nested(members: Members, main: str) -> bytes:
    """An archive in place of the file that counts."""
    return pack({**members, main: pack({"a.zip": pack({"b": bytes(10_000_000)})})})


def beside(name: str) -> Attack:
    """A file more, by this name."""
    return lambda members, _: pack({**members, name: b"root:x:0:0"})


def linked(members: Members, main: str) -> bytes:
    """The file that counts is a link to another of the machine's."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            link = zipfile.ZipInfo(name)
            if name == main:
                link.create_system = 3
                link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, PASSWD if name == main else content)
    return target.getvalue()


def twice(members: Members, main: str) -> bytes:
    """The file that counts is there twice, with other contents."""
    entries = [_entry(name, content) for name, content in members.items()]
    return _entries([*entries, _entry(main, members[main].replace(b"1", b"2"))])


def encrypted(members: Members, main: str) -> bytes:
    """Every file says that it is encrypted."""
    packed = bytearray(pack(members))
    for mark, place in ((_LOCAL, 6), (_CENTRAL, 8)):
        start = packed.find(mark)
        while start >= 0:
            packed[start + place] |= 1
            start = packed.find(mark, start + 1)
    return bytes(packed)


def larger(members: Members, main: str) -> bytes:
    """Every file says that it is larger than it is."""
    return _entries([(n, p, s + 9, c) for n, p, s, c in _all(members)])


def smaller(members: Members, main: str) -> bytes:
    """Every file says that it is smaller than it is."""
    return _entries([(n, p, s - 1, c) for n, p, s, c in _all(members)])


def damaged(members: Members, main: str) -> bytes:
    """Every file has another checksum than it says."""
    return _entries([(n, p, s, c ^ 1) for n, p, s, c in _all(members)])


def _all(members: Members) -> list[tuple[bytes, bytes, int, int]]:
    return [_entry(name, content) for name, content in members.items()]


def many(members: Members, main: str) -> bytes:
    """A hundred thousand empty files more."""
    empty = _deflated(b"")
    others = [(b"f%d" % number, empty, 0, 0) for number in range(_MANY)]
    return _entries([*_all(members), *others])


def overlapping(members: Members, main: str) -> bytes:
    """Thousands of files that are the same bytes of the archive."""
    packed = _bomb(b"")
    right = _entries(_all(members))
    start, end = right.find(_CENTRAL), right.find(_END)
    told = struct.pack(
        "<HHHHHIII", 20, 0, 8, 0, 33, 0, len(packed), _BOMB_BYTES
    ) + struct.pack("<HH", 4, 0)
    body = right[:start] + _LOCAL + told + b"0000" + packed
    directory = right[start:end]
    place = struct.pack("<HHHII", 0, 0, 0, 0, start)
    for number in range(1_500):
        directory += _CENTRAL + b"\x14\x00" + told + place + b"%04d" % number
    count = len(members) + 1_500
    return body + directory + _end(count, len(directory), len(body))


def cut(part: float) -> Attack:
    """Only so much of the archive."""

    def attack(members: Members, _: str) -> bytes:
        whole = pack(members)
        return whole[: int(len(whole) * part)]

    return attack


def unpackable(members: Members, main: str) -> bytes:
    """Packed in a way that cannot be bounded."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


ATTACKS: dict[str, Attack] = {
    "a bomb": bomb,
    "a bomb that lies": bomb_that_lies,
    "an archive inside": nested,
    "an archive beside": beside("more.zip"),
    "a name that climbs": beside("../../etc/cron.d/x"),
    "a name that climbs backwards": beside("..\\..\\x"),
    "a name from the root": beside("/etc/cron.d/x"),
    "a name of a drive": beside("C:\\x"),
    "a name with a line break": beside("a\nb"),
    "a name of sixty thousand letters": beside("x" * 60_000),
    "a link": linked,
    "a file twice": twice,
    "encrypted": encrypted,
    "sizes that are too large": larger,
    "sizes that are too small": smaller,
    "a wrong checksum": damaged,
    "a hundred thousand files": many,
    "files over each other": overlapping,
    "cut in the middle": cut(0.5),
    "cut at the end": cut(0.97),
    "only the beginning": cut(0.01),
    "packed by another method": unpackable,
}
