"""Single files of an inbox: which are complete, copying them in, their names."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lrtzc_pipelines.deposits.forms import Form

READY = ".ready"
"""Ending of the marker that says that the file beside it is complete."""

INCOMING = ".incoming-"
"""How the name of a copy begins while it is being made."""

_TEMPORARY = re.compile(
    r"(^[.~])|(\.(part|partial|tmp|temp|filepart|crdownload|download|swp|ready)$)|~$",
    re.IGNORECASE,
)
_UNSAFE = re.compile(r"[^\w .,()+-]")
_LONGEST_NAME = 100
_PIECE = 1_000_000


Identity = tuple[int, int, int]
"""Inode, size and time of change of a file."""


@dataclass(frozen=True)
class Copied:
    """A copy, the hash of its bytes, and what it was copied from."""

    path: Path
    sha256: str
    identity: Identity


def _identity(about: os.stat_result) -> Identity:
    return about.st_ino, about.st_size, about.st_ctime_ns


def waiting(inbox: Path, form: Form, now: float) -> list[Path]:
    """Complete files in an inbox, by name.

    A file is complete when a marker says so (`<name>.ready`), or when nothing has
    touched it for a while: the system's own time of change, which copying tools do not
    set.

    Args:
        inbox: Folder of the form.
        form: The form.
        now: Seconds since 1970.
    """
    if not inbox.is_dir():
        return []
    found = []
    for path in sorted(inbox.iterdir()):
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or _TEMPORARY.search(path.name):
            continue
        is_marked = path.with_name(path.name + READY).exists()
        if is_marked or now - about.st_ctime >= form.settle_seconds:
            found.append(path)
    return found


def copy_in(path: Path, folder: Path) -> Copied | None:
    """A durable copy of a file in a folder; None if it went or changed meanwhile."""
    try:
        # Never through a link: what it leads to is not the partner's.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    digest = hashlib.sha256()
    with (
        os.fdopen(descriptor, "rb") as source,
        tempfile.NamedTemporaryFile(dir=folder, prefix=INCOMING, delete=False) as copy,
    ):
        before = os.fstat(descriptor)
        while piece := source.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
        after = os.fstat(descriptor)
    temporary = Path(copy.name)
    if _identity(before) != _identity(after):
        temporary.unlink()
        return None
    return Copied(temporary, digest.hexdigest(), _identity(after))


def leave(path: Path, copied: Copied) -> None:
    """Removes a file that is held now, and its marker; not one that replaced it."""
    with suppress(FileNotFoundError):
        if _identity(path.lstat()) == copied.identity:
            path.unlink()
    path.with_name(path.name + READY).unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """A file name that no system and no reader of answers trips over."""
    with suppress(UnicodeEncodeError):
        name.encode()
        name = unicodedata.normalize("NFC", name)
    cleaned = _UNSAFE.sub("_", name).strip(" .") or "sans nom"
    if len(cleaned) > _LONGEST_NAME:
        stem, dot, suffix = cleaned.rpartition(".")
        room = _LONGEST_NAME - len(dot + suffix)
        cleaned = (
            stem[:room] + dot + suffix if stem and room > 0 else cleaned[:_LONGEST_NAME]
        )
    return cleaned
