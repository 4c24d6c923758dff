"""The folders of inboxes: where a link may lead, and where it must not.

Files are renamed and removed in an inbox. One that led into the platform's own data, by
mistake or by a partner's hand, would empty it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lrtzc_pipelines.layout import Layout


def misled(layout: Layout, inbox: Path) -> str | None:
    """Why nothing may be taken from an inbox; None if it may, or is closed."""
    if not inbox.is_symlink():
        return None
    target = inbox.resolve()
    if not target.is_dir():
        return "the inbox leads to no folder"
    data = layout.data_dir.resolve()
    if target.is_relative_to(data) or data.is_relative_to(target):
        return "the inbox leads into the data directory"
    return None


def is_replaceable(folder: Path) -> bool:
    """Whether others may put another folder, or a link, in the place of this one."""
    about = folder.parent.stat()
    mode = stat.S_IMODE(about.st_mode)
    is_open = bool(mode & 0o022) and not mode & stat.S_ISVTX
    return is_open or about.st_uid not in {0, os.geteuid()}
