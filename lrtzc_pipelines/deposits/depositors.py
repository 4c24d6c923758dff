"""The inboxes of a form: opening one to a depositor, and what is to do in them."""

from __future__ import annotations

import re
from pathlib import Path

from lrtzc_pipelines.deposits.folders import is_replaceable, misled
from lrtzc_pipelines.deposits.forms import Channel, Form
from lrtzc_pipelines.deposits.inbox import Reception
from lrtzc_pipelines.deposits.intake import waiting
from lrtzc_pipelines.deposits.receipts import Deposits
from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.layout import PRIVATE_DIR_MODE, Layout

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")

Work = tuple[str, ...]
"""What tells a piece of work from any other, without the name of a file."""


def open_inbox(
    layout: Layout, form: Form, depositor: str, folder: Path | None = None
) -> Path:
    """Makes the inbox of a depositor, closed to others; returns its path.

    Args:
        layout: Where it is made.
        form: The form.
        depositor: Name of the depositor's folder.
        folder: Folder elsewhere that the partner reaches already, such as one of an
            SFTP account; the inbox is then a link to it.

    Raises:
        SettingsError: no fit name; no such folder, or one that the partner could
            replace, or of the platform's own; an inbox that leads elsewhere.
    """
    if not _NAME.fullmatch(depositor):
        msg = f"{depositor!r}: 2 to 40 of a-z, 0-9 and _, the first one a letter"
        raise SettingsError(msg)
    layout.deposits(form.id, depositor)
    layout.private("inbox", form.id)
    inbox = layout.inbox(form.id, depositor)
    if folder is None:
        inbox.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        return inbox
    target = folder.resolve()
    if not target.is_dir():
        msg = f"{folder}: no such folder"
        raise SettingsError(msg)
    if is_replaceable(target):
        msg = f"{target.parent}: others may put another folder in place of {folder}"
        raise SettingsError(msg)
    if not inbox.is_symlink() and not inbox.exists():
        inbox.symlink_to(target)
    problem = misled(layout, inbox)
    if problem:
        inbox.unlink()
        msg = f"{folder}: {problem}"
        raise SettingsError(msg)
    if inbox.resolve() != target:
        msg = f"{inbox}: there already, and is not {target}"
        raise SettingsError(msg)
    return inbox


def receptions(channel: Channel, layout: Layout) -> list[Reception]:
    """Where the files of a form come in, one for each of its depositors."""
    return [
        Reception(channel, depositor, layout)
        for depositor in layout.depositors(channel.form.id)
    ]


def work(layout: Layout, form: Form, now: float) -> list[Work]:
    """What there is to do in the inboxes of a form; empty if nothing.

    Args:
        layout: Where they are.
        form: The form.
        now: Seconds since 1970.
    """
    found: list[Work] = []
    for depositor in layout.depositors(form.id):
        inbox = layout.inbox(form.id, depositor)
        found += [
            (depositor, *map(str, file.identity)) for file in waiting(inbox, form, now)
        ]
        deposits = Deposits(layout.deposits(form.id, depositor))
        stuck = deposits.stuck()
        found += [
            (depositor, path.name)
            for path in deposits.unchecked()
            if path.name not in stuck
        ]
    return found
