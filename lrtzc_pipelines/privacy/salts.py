"""Salts: random bytes in files of their own, made once, whoever comes first."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from lrtzc_pipelines.layout import PRIVATE_DIR_MODE
from lrtzc_pipelines.storage import sync_directory, write_bytes

SALT_BYTES = 32


def salt(path: Path) -> bytes:
    """The salt in a file; made, durably, if there is none."""
    if not path.exists():
        _make(path)
    return path.read_bytes()


def destroy(path: Path) -> None:
    """Overwrites a salt and removes it: nothing can be derived from it again."""
    path.write_bytes(bytes(SALT_BYTES))
    path.unlink()
    sync_directory(path.parent)


def _make(path: Path) -> None:
    """Of two processes that make one, one wins and both use it."""
    path.parent.mkdir(mode=PRIVATE_DIR_MODE, parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    write_bytes(own, secrets.token_bytes(SALT_BYTES))
    with suppress(FileExistsError):
        path.hardlink_to(own)
    own.unlink()
    sync_directory(path.parent)
