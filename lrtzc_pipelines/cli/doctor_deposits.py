"""The check of `lrtzc doctor` that looks at the partners' inboxes.

It makes nothing and takes nothing in; it tells what keeps a partner from an answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lrtzc_pipelines.cli.doctor_data import Found
from lrtzc_pipelines.cli.workspace import Workspace
from lrtzc_pipelines.deposits.folders import misled
from lrtzc_pipelines.deposits.forms import Form, load_forms
from lrtzc_pipelines.deposits.intake import waiting
from lrtzc_pipelines.deposits.receipts import Deposits
from lrtzc_pipelines.errors import LrtzcError

LATE = timedelta(days=1)
"""Time after which a file that is still there was missed by a whole night."""


def deposits(place: Workspace) -> Iterator[Found]:
    """Whether every inbox can be read and every file is answered in time."""
    found: list[Found] = []
    count = 0
    for form in load_forms().values():
        for depositor in place.layout.depositors(form.id):
            count += 1
            label = f"{form.id}: {depositor}"
            inbox = place.layout.inbox(form.id, depositor)
            # By hand: the layout would make it.
            kept = place.layout.data_dir / "deposits" / form.id / depositor
            problem = misled(place.layout, inbox)
            found += [("fail", f"{label}: {problem}")] if problem else []
            found += [("fail", f"{label}: {text}") for text in _broken(inbox, kept)]
            found += [("warn", f"{label}: {text}") for text in _late(inbox, form)]
    yield from found
    if not found:
        yield "ok", f"{count} inboxes" if count else "no inbox"


def _broken(inbox: Path, kept: Path) -> Iterator[str]:
    """What keeps files from being taken in."""
    if inbox.is_dir() and not os.access(inbox, os.R_OK | os.W_OK | os.X_OK):
        yield f"{inbox} can be neither read nor emptied: change its mode or group"
    if not kept.is_dir():
        return
    held = Deposits(kept)
    try:
        held.receipts()
        stuck = len(held.stuck())
    except LrtzcError as error:
        yield str(error)
        return
    if stuck:
        yield f"{stuck} files whose judgement ended the process: see {kept}"


def _late(inbox: Path, form: Form) -> Iterator[str]:
    """Files that wait for longer than a collection takes to come by."""
    now = datetime.now(UTC)
    try:
        found = waiting(inbox, form, now.timestamp())
    except OSError:
        return
    late = [file for file in found if file.changed_at <= now - LATE]
    if late:
        yield f"{len(late)} files wait: run `lrtzc deposits sweep` and see why"
