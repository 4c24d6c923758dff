"""Zip archives of which nothing is believed: read in memory, bounded, or refused.

Nothing is ever unpacked to disk. What an archive says of itself is checked when it is
opened, and what really comes out of it while it streams: a directory can lie.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.parsers.refusals import ArchiveError, Refusal

_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Other packings come out in one piece, however large: they cannot be bounded."""

_NESTED_SUFFIXES = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar")
_NESTED_SIGNATURES = (
    *_SIGNATURES,
    b"\x1f\x8b\x08",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
)
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What `zipfile` raises on damaged archives; `ValueError` includes names that are not
of the encoding they claim."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class ArchiveLimits:
    """Bounds of an archive and of what comes out of it.

    Attributes:
        members: Most files in it.
        member_bytes: Largest file, expanded.
        total_bytes: All of its files, expanded.
        ratio: Most bytes that one byte of a packed file may become. XML of timetables
            reaches 60, empty columns more; deflate itself cannot pass 1032.
        ratio_from: Expanded size below which the ratio does not matter.
        may_hold_workbooks: Whether a file in it may begin like an archive, as Excel
            workbooks do; who reads it looks into it with the same suspicion.
    """

    members: int = 5_000
    member_bytes: int = 500 * MEGABYTE
    total_bytes: int = 2_000 * MEGABYTE
    ratio: int = 300
    ratio_from: int = 10 * MEGABYTE
    may_hold_workbooks: bool = False


LIMITS = ArchiveLimits()


def is_archive(body: bytes) -> bool:
    """Whether a body starts like a zip archive."""
    return body.startswith(_SIGNATURES)


@contextmanager
def opened(
    body: bytes, label: str, limits: ArchiveLimits = LIMITS
) -> Iterator[Archive]:
    """The archive in `body`, once its directory has been found to be harmless.

    Args:
        body: The bytes.
        label: Source and page, for messages.
        limits: Bounds of the archive.

    Raises:
        ArchiveError: not a zip archive, too many or too large files, files that are
            encrypted, archives themselves, twice there, or named outside the archive.
    """
    # Counted before zipfile makes an object of each: entries by the million would
    # cost memory before they could be refused.
    if body.count(_DIRECTORY_ENTRY) > limits.members:
        msg = f"{label}: an archive of more than {limits.members} files"
        raise ArchiveError(msg, Refusal.TOO_LARGE)
    with _readable(f"{label}: not a zip archive that can be read"):
        found = zipfile.ZipFile(io.BytesIO(body))
    with found:
        yield Archive(found, label, limits)


def read_member(body: bytes, label: str, name: str | None = None) -> bytes:
    """One file of an archive: the one called `name`, or else the only one.

    Raises:
        ArchiveError: no such file, several and no name, or anything `opened` refuses.
    """
    with opened(body, label) as archive:
        if name is None:
            if len(archive.names) != 1:
                msg = f"{label}: {len(archive.names)} files in the archive, expected 1"
                raise ArchiveError(msg, Refusal.ABSENT)
            (name,) = archive.names
        return archive.read(name)


class Archive:
    """An archive whose directory is harmless.

    Args:
        archive: The open archive.
        label: Source and page, for messages.
        limits: Bounds of what comes out of it.

    Attributes:
        names: Its files in their order, with `/` between folders.
    """

    def __init__(
        self, archive: zipfile.ZipFile, label: str, limits: ArchiveLimits
    ) -> None:
        self._archive = archive
        self._label = label
        self._limits = limits
        self._expanded = 0
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            name = info.orig_filename.replace("\\", "/")
            if not name.endswith("/"):
                self._check(info, name)
                self._infos[name] = info
        total = sum(info.file_size for info in self._infos.values())
        if total > limits.total_bytes:
            msg = f"{label}: expands to {_megabytes(total)}, too large"
            raise ArchiveError(msg, Refusal.TOO_LARGE)

    @property
    def names(self) -> tuple[str, ...]:
        """Its files in their order, with `/` between folders."""
        return tuple(self._infos)

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            ArchiveError: absent, damaged, an archive itself, or larger than allowed.
        """
        with self.open(name) as member:
            return b"".join(iter(lambda: member.read(_CHUNK), b""))

    @contextmanager
    def open(self, name: str) -> Iterator[Member]:
        """A file to be read piece by piece, under the same bounds as `read`."""
        if name not in self._infos:
            msg = f"{self._label}: no {name} in the archive"
            raise ArchiveError(msg, Refusal.ABSENT)
        label = f"{self._label}: {name}"
        with _readable(f"{label}: damaged in the archive"):
            stream = self._archive.open(self._infos[name])
        with stream:
            yield Member(stream, self._infos[name], label, self)

    def take(self, size: int, label: str) -> None:
        """Counts bytes that came out of any of the files."""
        self._expanded += size
        if self._expanded > self._limits.total_bytes:
            msg = f"{label}: more than {_megabytes(self._limits.total_bytes)} came out"
            raise ArchiveError(msg, Refusal.TOO_LARGE)

    @property
    def limits(self) -> ArchiveLimits:
        """Bounds of what comes out of it."""
        return self._limits

    def _check(self, info: zipfile.ZipInfo, name: str) -> None:
        found = _name_problem(name) or _packing_problem(info)
        if found is None and name in self._infos:
            found = "is there twice", Refusal.DAMAGED
        if found is None and info.file_size > self._limits.member_bytes:
            text = f"expands to {_megabytes(info.file_size)}, too large"
            found = text, Refusal.TOO_LARGE
        if found:
            problem, refusal = found
            # Names come from outside: quoted, so that none breaks a line of the log.
            msg = f"{self._label}: refused the archive: {name[:80]!r} {problem}"
            raise ArchiveError(msg, refusal)


class Member:
    """A file of an archive as it expands, to the bounds of its archive."""

    def __init__(
        self, stream: IO[bytes], info: zipfile.ZipInfo, label: str, archive: Archive
    ) -> None:
        limits = archive.limits
        self._stream = stream
        self._info = info
        self._label = label
        self._archive = archive
        self._received = 0
        self._may_nest = limits.may_hold_workbooks
        by_ratio = max(info.compress_size * limits.ratio, limits.ratio_from)
        self._bound = min(by_ratio, limits.member_bytes)

    def read(self, size: int = -1) -> bytes:
        """At most `size` more bytes, and never more than a chunk; empty at the end.

        Raises:
            ArchiveError: too large, an archive, or cut short.
        """
        with _readable(f"{self._label}: damaged in the archive"):
            chunk = self._stream.read(_CHUNK if size < 0 else min(size, _CHUNK))
        is_start = not self._received and not self._may_nest
        if is_start and chunk.startswith(_NESTED_SIGNATURES):
            msg = f"{self._label}: an archive inside the archive"
            raise ArchiveError(msg, Refusal.NESTED)
        self._received += len(chunk)
        if self._received > self._bound:
            msg = f"{self._label}: expands to more than {_megabytes(self._bound)}"
            raise ArchiveError(msg, Refusal.TOO_LARGE)
        if not chunk and size and self._received != self._info.file_size:
            msg = f"{self._label}: cut short in the archive"
            raise ArchiveError(msg, Refusal.DAMAGED)
        self._archive.take(len(chunk), self._label)
        return chunk


_Problem = tuple[str, Refusal]


def _name_problem(name: str) -> _Problem | None:
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or name[1:2] == ":"
    if outside or not name or not name.isprintable():
        return "is no name inside the archive", Refusal.NAME
    if name.lower().endswith(_NESTED_SUFFIXES):
        return "is an archive itself", Refusal.NESTED
    return None


def _packing_problem(info: zipfile.ZipInfo) -> _Problem | None:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted", Refusal.ENCRYPTED
    if info.compress_type not in _READABLE:
        return "is neither stored nor deflated", Refusal.PACKING
    return None


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turns what `zipfile` raises on damaged archives into an ArchiveError."""
    try:
        yield
    except _DAMAGES as error:
        # Some messages quote names and bytes; their kind says enough.
        msg = f"{what}: {type(error).__name__}"
        raise ArchiveError(msg, Refusal.DAMAGED) from error


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.0f} MB"
