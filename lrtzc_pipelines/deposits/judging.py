"""A file from its bytes to a verdict, whoever asks: the reception or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lrtzc_pipelines.deposits.checking import Verdict, check
from lrtzc_pipelines.deposits.contents import read_content
from lrtzc_pipelines.deposits.forms import Channel
from lrtzc_pipelines.deposits.intake import safe_name
from lrtzc_pipelines.deposits.problems import DepositRefused, refuse
from lrtzc_pipelines.deposits.records import Content


def judge(
    path: Path, name: str, channel: Channel, *, depositor: str, now: datetime
) -> tuple[Content | None, Verdict]:
    """The table in a file if nothing is wrong with it, and what was found.

    Args:
        path: The file; only read.
        name: Its name as the partner gave it, whose extension counts.
        channel: What it was deposited for.
        depositor: Whose rows they are.
        now: When it is judged, UTC.

    Raises:
        LrtzcError: the platform cannot judge.
    """
    form = channel.form
    try:
        if path.stat().st_size > form.max_bytes:
            why = f"le fichier dépasse {form.max_megabytes} Mo"
            refuse(why, "Déposez un fichier par période.")
        body = path.read_bytes()
        content = read_content(safe_name(name), body, channel, depositor)
    except DepositRefused as error:
        return None, Verdict(error.problems)
    verdict = check(content, channel, now)
    if verdict.problems:
        return None, verdict
    return content, replace(verdict, remarks=(*content.remarks, *verdict.remarks))
