"""Writing answers into an inbox, a folder in which the partner may do anything.

Between any two of our steps a folder can become a link and a file another one. So the
folder is held open, nothing is reached by its path, and nothing is written through what
is there already.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from lrtzc_pipelines.deposits.intake import ANSWERS
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import PRIVATE_FILE_MODE

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_READERS = 0o2755
_READABLE = 0o644
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}")


def write_files(inbox: Path, files: Mapping[str, bytes]) -> None:
    """Replaces files in the folder of the answers, durably.

    Whoever may read in the inbox may read the answers, and nobody else: their modes
    are the inbox's own, less the right to write.

    Args:
        inbox: Folder of the depositor; nothing is written if it is not there.
        files: Contents by name.

    Raises:
        LrtzcError: something else is in the way, such as a link.
    """
    with ExitStack() as held:
        try:
            outside = _open(held, str(inbox), _FOLDER)
        except FileNotFoundError:
            return
        try:
            folder = _answers(held, outside)
            _tidy(folder)
            for name, content in files.items():
                _replace(folder, name, content)
            os.fsync(folder)
        except OSError as error:
            # Its text has paths, and with them the partner's names.
            msg = f"{inbox / ANSWERS}: answers cannot be written: {error.strerror}"
            raise LrtzcError(msg) from None


def holds(inbox: Path, name: str, content: bytes) -> bool:
    """Whether an answer is there already, as it would be written."""
    try:
        return (inbox / ANSWERS / name).read_bytes() == content
    except OSError:
        return False


def _answers(held: ExitStack, outside: int) -> int:
    """The folder of the answers, made if it is not there."""
    with suppress(FileExistsError):
        os.mkdir(ANSWERS, 0o700, dir_fd=outside)
    folder = _open(held, ANSWERS, _FOLDER | os.O_NOFOLLOW, outside)
    about = os.fstat(folder)
    mode = stat.S_IMODE(os.fstat(outside).st_mode) & _READERS
    # One that the partner made is the partner's to open and close.
    if about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) != mode:
        os.fchmod(folder, mode)
    return folder


def _tidy(folder: int) -> None:
    """Removes what a crash left half-written."""
    for name in os.listdir(folder):
        if _TEMPORARY.fullmatch(name):
            os.unlink(name, dir_fd=folder)


def _replace(folder: int, name: str, content: bytes) -> None:
    temporary = f".{secrets.token_hex(8)}"
    mode = stat.S_IMODE(os.fstat(folder).st_mode) & _READABLE
    descriptor = os.open(temporary, _NEW, PRIVATE_FILE_MODE, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode | PRIVATE_FILE_MODE)
            os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def _open(held: ExitStack, path: str, flags: int, folder: int | None = None) -> int:
    descriptor = os.open(path, flags, dir_fd=folder)
    held.callback(os.close, descriptor)
    return descriptor
