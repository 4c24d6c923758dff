"""Durable writing: a file or a link is either the old one or the new one, whole.

Also the operating-system lock that keeps two runs from the same work. Nothing here
knows what is written.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lrtzc_pipelines.errors import Busy
from lrtzc_pipelines.layout import PRIVATE_FILE_MODE


def sync_file(path: Path) -> None:
    """Returns once the bytes of `path` are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_directory = sync_file
"""Returns once the names in a folder are on the disk; POSIX treats it as a file."""


@contextmanager
def replacing(path: Path, *, mode: int = PRIVATE_FILE_MODE) -> Iterator[Path]:
    """Yields a temporary path that replaces `path` when the block ends well.

    The temporary file is flushed before the rename and removed if the block raises,
    so a reader, or a run killed at any moment, never meets half a file.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        sync_file(temporary)
        temporary.replace(path)
        sync_directory(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes, *, mode: int = PRIVATE_FILE_MODE) -> None:
    """Replaces `path` by `content`, durably."""
    with replacing(path, mode=mode) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: object, *, mode: int = PRIVATE_FILE_MODE) -> None:
    """Replaces `path` by `value` as indented UTF-8 JSON, durably."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    write_bytes(path, f"{text}\n".encode(), mode=mode)


def read_json(path: Path) -> Any | None:
    """The value in a JSON file; None if it is absent or unreadable.

    State files only spare work that can be done again, so one that a disk fault left
    unreadable is set aside (`.corrupt`) and counts as absent.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError):
        path.replace(path.with_name(f"{path.name}.corrupt"))
        return None


def append_lines(path: Path, lines: list[str]) -> None:
    """Appends whole lines durably, first closing a line that a crash left open."""
    with path.open("ab+") as file:
        os.fchmod(file.fileno(), PRIVATE_FILE_MODE)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def locked(path: Path, what: str) -> Iterator[int]:
    """Holds an exclusive lock on `path` for the block; the kernel drops it on death.

    Yields:
        The descriptor that holds it. A child process that inherits it keeps the lock
        until it ends too.

    Raises:
        Busy: another process holds it; the message says which.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            msg = f"{what} is already running (process {holder}); try again later"
            raise Busy(msg) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()
