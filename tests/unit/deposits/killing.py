"""Kills a sweep before each of its steps, for real, and says what the next one finds.

Run as a program of its own, in a folder that is given: a process that has threads, as
one that ran other tests has, cannot be forked safely.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from partner import MUCH_LATER, Clock, Partner, row, table

from lrtzc_pipelines.deposits import checking
from lrtzc_pipelines.layout import Layout

STEPS = ("rename", "replace", "unlink", "fsync", "mkdir", "fchmod")
"""Every call by which a sweep changes what is on the disk, but for writing bytes."""

FILES = {
    "mars.csv": table(row(1), row(2)),
    "mars-encore.csv": table(row(1), row(2)),
}
_KILLED = 137


def main(folder: Path) -> None:
    # The suite has its own tests, and takes seconds to import.
    checking.run_suite = lambda *_: []
    outcomes = []
    for step in itertools.count(1):
        # Late enough for a file that lost its marker to be complete by its age.
        partner = Partner(Layout(folder / str(step)), Clock(MUCH_LATER))
        for name, body in FILES.items():
            partner.drop(name, body)
        if not _killed(partner, step):
            break
        outcomes.append((step, partner))
    found = [_outcome(step, partner) for step, partner in outcomes]
    json.dump(found, sys.stdout)


def _killed(partner: Partner, step: int) -> bool:
    """Whether a child's sweep got as far as a step, and was killed there."""
    child = os.fork()
    if child == 0:
        _die_before(step)
        partner.sweep()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, _KILLED}, code
    return code == _KILLED


def _die_before(step: int) -> None:
    counter = itertools.count(1)

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if next(counter) == step:
                os._exit(_KILLED)
            return real(*arguments, **named)

        return call

    for name in STEPS:
        setattr(os, name, dying(getattr(os, name)))


def _outcome(step: int, partner: Partner) -> dict[str, Any]:
    """What the sweep after the one that was killed leaves."""
    failures = partner.sweep().failures
    receipts = partner.receipts
    contents = partner.reception.deposits
    return {
        "step": step,
        "failures": failures,
        "left": partner.left,
        "held": partner.held,
        "receipts": sorted((r.sha256, r.accepted, r.row_count) for r in receipts),
        "kept": [len(contents.content(r)) > 0 for r in receipts if r.accepted],
        "answers": partner.answers,
        "private": [p.name for p in contents.folder.iterdir() if p.name[0] == "."],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
