"""Zip archives: what is read, and everything that is refused."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.archives import (
    LIMITS,
    ArchiveLimits,
    is_archive,
    opened,
    read_member,
)

LABEL = "nva_stops: page file"
SMALL = ArchiveLimits(
    members=3, member_bytes=2_000_000, total_bytes=3_000_000, ratio=50, ratio_from=1000
)


def zipped(
    *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytearray:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return bytearray(body.getvalue())


def patched(body: bytearray, offset: int, value: bytes) -> bytes:
    """`body` with `value` that far into its last directory entry."""
    at = body.rindex(b"PK\x01\x02") + offset
    body[at : at + len(value)] = value
    return bytes(body)


def everything(body: bytes, limits: ArchiveLimits = LIMITS) -> dict[str, bytes]:
    with opened(body, LABEL, limits) as archive:
        return {name: archive.read(name) for name in archive.names}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_come_out_as_they_went_in(method: int) -> None:
    members = (("stops.txt", b"a" * 200_000), ("dossier/vide.txt", b""))
    assert everything(bytes(zipped(*members, method=method))) == dict(members)


def test_folders_are_no_files() -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.mkdir("dossier")
        archive.writestr("dossier/a.txt", b"x")
    assert everything(body.getvalue()) == {"dossier/a.txt": b"x"}


def test_windows_separators_are_separators() -> None:
    body = bytes(zipped(("dossier/a.txt", b"x"))).replace(b"dossier/", b"dossier\\")
    assert everything(body) == {"dossier/a.txt": b"x"}


def test_an_archive_may_be_empty() -> None:
    body = bytes(zipped())
    assert is_archive(body)
    assert everything(body) == {}


def test_the_only_file_needs_no_name() -> None:
    assert read_member(bytes(zipped(("a.csv", b"x"))), LABEL) == b"x"
    both = bytes(zipped(("a.csv", b"x"), ("b.csv", b"y")))
    assert read_member(both, LABEL, "b.csv") == b"y"
    with pytest.raises(ParseError, match=f"^{LABEL}: 2 files in the archive"):
        read_member(both, LABEL)
    with pytest.raises(ParseError, match=rf"^{LABEL}: no c\.csv in the archive"):
        read_member(both, LABEL, "c.csv")


@pytest.mark.parametrize(
    "name",
    [
        "../a.txt",
        "dossier/../../a.txt",
        "/etc/a.txt",
        "..\\a.txt",
        "\\\\serveur\\a.txt",
        "C:\\a.txt",
        "C:a.txt",
        "a\nb.txt",
        "a\x1b[2Jb.txt",
    ],
)
def test_a_name_outside_the_archive_refuses_it(name: str) -> None:
    body = bytes(zipped(("a.txt", b"x"), (name, b"y")))
    with pytest.raises(ParseError, match="no name inside the archive") as caught:
        everything(body)
    assert str(caught.value).startswith(f"{LABEL}: ")
    assert str(caught.value).isprintable()


def test_a_name_with_a_null_is_not_shortened_to_a_harmless_one() -> None:
    body = bytes(zipped(("a.txt-../x", b"x"))).replace(b"a.txt-", b"a.txt\x00")
    with pytest.raises(ParseError, match="no name inside the archive"):
        everything(body)


@pytest.mark.parametrize("flag", [0x1, 0x41])
def test_encrypted_files_are_refused(flag: int) -> None:
    body = patched(zipped(("a.txt", b"x")), 8, struct.pack("<H", flag))
    with pytest.raises(ParseError, match=r"'a\.txt' is encrypted"):
        everything(body)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_cannot_be_bounded_are_refused(method: int) -> None:
    body = bytes(zipped(("a.txt", b"x" * 1000), method=method))
    with pytest.raises(ParseError, match="neither stored nor deflated"):
        everything(body)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ParseError, match=r"'a\.txt' is there twice"):
        everything(bytes(zipped(("a.txt", b"x"), ("a.txt", b"y"))))


@pytest.mark.parametrize("name", ["b.zip", "b.TAR.GZ", "dossier/b.7z"])
def test_an_archive_in_the_archive_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ParseError, match="is an archive itself"):
        everything(bytes(zipped((name, b"x"))))


@pytest.mark.parametrize(
    "content",
    [
        bytes(zipped(("a.txt", b"x"))),
        b"\x1f\x8b\x08rest",
        b"BZh91AY",
        b"7z\xbc\xaf'\x1c",
    ],
)
def test_an_archive_in_the_archive_is_refused_by_its_bytes(content: bytes) -> None:
    with pytest.raises(ParseError, match=r"b\.txt: an archive inside the archive"):
        everything(bytes(zipped(("b.txt", content))))


def test_too_many_files_are_refused() -> None:
    body = bytes(zipped(*((f"{n}.txt", b"") for n in range(4))))
    with pytest.raises(ParseError, match="more than 3 files"):
        everything(body, SMALL)


def test_entries_by_the_million_cost_no_memory() -> None:
    body = b"PK\x03\x04" + (b"PK\x01\x02" + bytes(42)) * 200_000
    tracemalloc.start()
    with pytest.raises(ParseError, match="more than 5000 files"):
        everything(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("a.txt", 2_000_001)], "expands to 2 MB, too large"),
        ([("a.txt", 1_900_000), ("b.txt", 1_900_000)], "expands to 4 MB, too large"),
        ([("a.txt", 1_900_000)], "a.txt: expands to more than 0 MB"),
    ],
    ids=["one file", "all files", "ratio"],
)
def test_what_expands_too_far_is_refused(
    members: list[tuple[str, int]], said: str
) -> None:
    body = bytes(zipped(*((name, bytes(size)) for name, size in members)))
    with pytest.raises(ParseError, match=said):
        everything(body, SMALL)


def test_a_bomb_is_stopped_before_it_fills_the_memory() -> None:
    body = bytes(zipped(("stops.txt", bytes(100_000_000))))
    assert len(body) < 200_000
    tracemalloc.start()
    with pytest.raises(ParseError, match=r"stops\.txt: expands to more than"):
        everything(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000


def test_a_directory_that_understates_a_file_is_caught() -> None:
    body = patched(zipped(("a.txt", bytes(1_000_000))), 24, struct.pack("<I", 100))
    with pytest.raises(ParseError, match=r"a\.txt: damaged in the archive"):
        everything(body)


def test_a_directory_that_overstates_a_file_is_caught() -> None:
    body = patched(zipped(("a.txt", b"abc")), 24, struct.pack("<I", 500))
    with pytest.raises(ParseError, match=r"a\.txt: cut short in the archive"):
        everything(body)


def test_what_comes_out_counts_over_all_files() -> None:
    # The same packed bytes under several names, each small enough for itself.
    limits = ArchiveLimits(total_bytes=3_000, ratio_from=10_000)
    body = bytes(zipped(("a.txt", bytes(2_000))))
    with opened(body, LABEL, limits) as archive:
        archive.read("a.txt")
        with pytest.raises(ParseError, match="more than 0 MB came out"):
            archive.read("a.txt")


def test_a_flipped_byte_is_damage() -> None:
    body = zipped(("a.txt", b"abc" * 100), method=zipfile.ZIP_STORED)
    body[60] ^= 0xFF
    with pytest.raises(ParseError, match=r"a\.txt: damaged in the archive"):
        everything(bytes(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK\x03\x04",
        b"<html>maintenance</html>",
        b"PK\x05\x06" + bytes(10),
        zlib.compress(b"x"),
    ],
)
def test_what_is_no_archive_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError, match=f"^{LABEL}: not a zip archive"):
        everything(body)


def test_a_mistake_of_the_reader_is_not_blamed_on_the_archive() -> None:
    body = bytes(zipped(("a.txt", b"x")))

    def read_badly() -> None:
        with opened(body, LABEL) as archive, archive.open("a.txt"):
            msg = "my own"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="my own"):
        read_badly()


def cut(body: bytes, at: int, _: int) -> bytes:
    return body[: at % len(body)]


def flip(body: bytes, at: int, value: int) -> bytes:
    changed = bytearray(body)
    changed[at % len(body)] = value
    return bytes(changed)


WHOLE = bytes(zipped(("stops.txt", b"stop_id\n1\n" * 50), ("é.txt", b"x" * 300)))


@settings(max_examples=400)
@given(
    st.sampled_from([cut, flip]),
    st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    ),
)
def test_a_damaged_archive_is_read_or_refused_and_never_anything_else(
    damage: Callable[[bytes, int, int], bytes], places: list[tuple[int, int]]
) -> None:
    body = WHOLE
    for at, value in places:
        body = damage(body, at, value) or b"PK"
    try:
        found = everything(body)
    except ParseError as error:
        found = {"refused": str(error).encode()}
    # Names are not covered by a checksum; contents are, and come out whole or not.
    contents = {b"stop_id\n1\n" * 50, b"x" * 300}
    refused = found.pop("refused", f"{LABEL}: ".encode())
    assert refused.startswith(f"{LABEL}: ".encode())
    assert set(found.values()) <= contents


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_a_parse_error(body: bytes) -> None:
    with pytest.raises(ParseError, match=f"^{LABEL}: "):
        everything(b"PK\x03\x04" + body)
