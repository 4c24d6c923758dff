"""Single files of an inbox: which are complete, claiming and copying them, their names.

A file is renamed before it is copied (claimed), so that one deposited by the same name
meanwhile is another file, and only what was copied is ever removed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath

from lrtzc_pipelines.deposits.forms import Form

READY = ".ready"
"""Ending of the marker that says that the file beside it is complete."""

INCOMING = ".incoming-"
"""How the name of a copy begins while it is being made."""

CLAIMED = ".claimed-"
"""How the name of a file begins that is being taken in; a hash and its name follow."""

ANSWERS = "reponses"
"""Folder of the answers in an inbox; its name is French, for the partner."""

_TEMPORARY = re.compile(
    r"^[.~]|^(thumbs\.db|desktop\.ini)$|~$"
    r"|\.(part|partial|tmp|temp|filepart|crdownload|download|swp|ready)$",
    re.IGNORECASE,
)
"""What copying tools and file managers leave beside a person's own files."""

_HUGE = 10
"""Times the largest file beyond which one is not even copied."""

_UNSAFE = set('\\/:*?"<>|')
_LONGEST_NAME = 150
_LONGEST_SUFFIX = 12
_HASH = 8
_PIECE = 1_000_000


Identity = tuple[int, int, int]
"""Inode, size and time of change of a file."""


@dataclass(frozen=True)
class Waiting:
    """A complete file in an inbox.

    Attributes:
        path: Where it is.
        name: Its name among the deposits.
        identity: What tells it from another one by its name.
        modified_ns: When its content was last written, as it says itself.
    """

    path: Path
    name: str
    identity: Identity
    modified_ns: int

    @property
    def changed_at(self) -> datetime:
        """When it was last touched, UTC."""
        return datetime.fromtimestamp(self.identity[2] / 1e9, UTC)

    @property
    def is_claimed(self) -> bool:
        """Whether a process that ended meanwhile had begun to take it in."""
        return self.path.name.startswith(CLAIMED)


@dataclass(frozen=True)
class Copied:
    """A copy, the hash of its bytes, and what it was copied from."""

    path: Path
    sha256: str
    identity: Identity


def _identity(about: os.stat_result) -> Identity:
    return about.st_ino, about.st_size, about.st_ctime_ns


def waiting(inbox: Path, form: Form, now: float) -> list[Waiting]:
    """Complete files in an inbox: claimed ones, then the others, oldest first.

    A file is complete when a marker says so (`<name>.ready`), or when nothing has
    touched it for a while: the system's own time of change, which copying tools do not
    set. The order is that in which they were written, so that of two versions that
    come together the later one counts.

    Args:
        inbox: Folder of a depositor.
        form: The form.
        now: Seconds since 1970.
    """
    found = [
        Waiting(path, _name(path), _identity(about), about.st_mtime_ns)
        for path, about in _entries(inbox)
        if _is_takable(about, form) and _is_complete(path, about, form, now)
    ]
    return sorted(found, key=lambda w: (not w.is_claimed, w.modified_ns, w.path.name))


def untakable(inbox: Path, form: Form) -> dict[str, bool]:
    """What a person left in an inbox that stays there, and whether it is a file.

    A file that is a little too large is kept and refused; one that might fill the
    disk is as safe where it is.
    """
    return {
        safe_name(path.name): stat.S_ISREG(about.st_mode)
        for path, about in _entries(inbox)
        if not _is_takable(about, form)
        and path.name != ANSWERS
        and not _TEMPORARY.search(path.name)
    }


def _is_takable(about: os.stat_result, form: Form) -> bool:
    return stat.S_ISREG(about.st_mode) and about.st_size <= _HUGE * form.max_bytes


def _entries(inbox: Path) -> Iterator[tuple[Path, os.stat_result]]:
    if not inbox.is_dir():
        return
    for path in inbox.iterdir():
        # The partner may take it back at any moment.
        with suppress(FileNotFoundError):
            yield path, path.lstat()


def _is_complete(path: Path, about: os.stat_result, form: Form, now: float) -> bool:
    if path.name.startswith(CLAIMED):
        return True
    if _TEMPORARY.search(path.name):
        return False
    return now - about.st_ctime >= form.settle_seconds or _marker(path) is not None


def _marker(path: Path) -> Path | None:
    """The marker that says that a file is complete; None if there is none."""
    marker = path.with_name(path.name + READY)
    with suppress(OSError):
        if stat.S_ISREG(marker.lstat().st_mode):
            return marker
    return None


def _name(path: Path) -> str:
    """The name of a file among the deposits."""
    if path.name.startswith(CLAIMED):
        # Cleaned again: anybody can give a file such a name.
        return safe_name(path.name[len(CLAIMED) + _HASH + 1 :])
    return safe_name(path.name)


def claim(file: Waiting) -> Path | None:
    """Where a file is once nobody else reaches it by its name; None if it went away.

    None also while another file of its name, claimed before, is not dealt with.
    """
    path = file.path
    if file.is_claimed:
        return path
    target = path.with_name(f"{CLAIMED}{_name_hash(path.name)}-{file.name}")
    if os.path.lexists(target):
        return None
    # First: a marker that stayed would call the next file of that name complete.
    if marker := _marker(path):
        marker.unlink(missing_ok=True)
    try:
        return path.rename(target)
    except FileNotFoundError:
        return None


def copy_in(path: Path, folder: Path) -> Copied | None:
    """A durable copy of a claimed file in a folder; None if it is being written to."""
    try:
        # Never through a link: what it leads to is not the partner's.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    with os.fdopen(descriptor, "rb") as source:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return None
        handle, name = tempfile.mkstemp(dir=folder, prefix=INCOMING)
        temporary = Path(name)
        try:
            digest = hashlib.sha256()
            with os.fdopen(handle, "wb") as copy:
                while piece := source.read(_PIECE):
                    digest.update(piece)
                    copy.write(piece)
                copy.flush()
                os.fsync(copy.fileno())
            after = os.fstat(descriptor)
        except BaseException:
            temporary.unlink()
            raise
    if _identity(before) != _identity(after):
        temporary.unlink()
        return None
    return Copied(temporary, digest.hexdigest(), _identity(after))


def leave(path: Path, copied: Copied) -> None:
    """Removes a claimed file that is held now; not one that was written to since."""
    with suppress(FileNotFoundError):
        if _identity(path.lstat()) == copied.identity:
            path.unlink()


def safe_name(name: str) -> str:
    """A file name that no system and no reader of answers trips over.

    One that had to be changed also says the hash of what it was, so that the answers
    to two such files do not fall on each other.
    """
    with suppress(UnicodeEncodeError):
        name.encode()
        name = unicodedata.normalize("NFC", name)
    cleaned = "".join(
        "_" if char in _UNSAFE or not char.isprintable() else char for char in name
    ).strip(" .")
    if cleaned == name and len(cleaned.encode()) <= _LONGEST_NAME:
        return cleaned
    suffix = PurePath(cleaned).suffix
    suffix = suffix if len(suffix.encode()) <= _LONGEST_SUFFIX else ""
    ending = f"-{_name_hash(name)}{suffix}"
    room = _LONGEST_NAME - len(ending.encode())
    # Cut between characters, and bounded in bytes, as file systems do.
    stem = cleaned.removesuffix(suffix).encode()[:room].decode(errors="ignore")
    return f"{stem or 'sans nom'}{ending}"


def _name_hash(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:_HASH]
