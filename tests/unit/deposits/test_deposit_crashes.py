"""Whatever ends a sweep, and whatever is left: nothing is lost or counted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import FILES
from partner import (
    BAD,
    GOOD,
    MUCH_LATER,
    Clock,
    Partner,
    row,
    sha256,
    table,
    workbook,
    zipped,
)

from lrtzc_pipelines.deposits import inbox as inbox_module
from lrtzc_pipelines.deposits import intake
from lrtzc_pipelines.deposits.intake import safe_name
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout


def failing(real: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """A judgement that fails for files called `malade`."""

    def judge(path: Path, name: str, *arguments: Any, **named: Any) -> Any:
        if "malade" in name:
            raise error
        return real(path, name, *arguments, **named)

    return judge


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LrtzcError("cannot judge"), "cannot judge"),
        (PermissionError(13, "Permission denied", "/x/Dupont.csv"), "Permission den"),
    ],
)
def test_a_file_that_cannot_be_judged_keeps_no_other_from_it(
    partner: Partner, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    real = inbox_module.judge
    monkeypatch.setattr(inbox_module, "judge", failing(real, error))
    for name, body in (("malade.csv", GOOD), ("mars.csv", BAD)):
        partner.drop(name, body)
    swept = partner.sweep()
    assert [receipt.name for receipt in swept.receipts] == ["mars.csv"]
    assert swept.failures
    assert all(
        said in failure and "Dupont" not in failure for failure in swept.failures
    )
    assert partner.held == sorted([sha256(GOOD), sha256(BAD)])
    # Once the platform is mended, the file is answered.
    monkeypatch.setattr(inbox_module, "judge", real)
    (receipt,) = partner.sweep().receipts
    assert (receipt.name, receipt.accepted) == ("malade.csv", True)
    assert partner.left == []


class Killed(BaseException):
    """The process ends here."""


def test_a_file_that_ends_the_process_does_not_end_it_for_ever(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inbox_module.judge
    monkeypatch.setattr(inbox_module, "judge", failing(real, Killed()))
    partner.drop("malade.csv", GOOD)
    for _ in range(3):
        with pytest.raises(Killed):
            partner.sweep()
    partner.drop("mars.csv", table(row(3)))
    swept = partner.sweep()
    assert [receipt.name for receipt in swept.receipts] == ["mars.csv"]
    assert "ended the process 3 times" in swept.failures[0]
    assert "malade" not in swept.failures[0]
    assert sha256(GOOD) in partner.held


STEPS: list[tuple[Any, str]] = [
    (inbox_module, "claim"),
    (inbox_module, "copy_in"),
    (intake.os, "fsync"),
    (inbox_module, "leave"),
    (inbox_module, "judge"),
    (inbox_module, "write_answer"),
    (inbox_module.Deposits, "keep"),
    (inbox_module.Deposits, "write"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_killed_around_a_step_the_next_sweep_finishes(
    partner: Partner,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    moment: str,
) -> None:
    real = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> Any:
        if moment == "after":
            real(*arguments, **named)
        raise Killed

    partner.drop("mars.csv", GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Killed):
            partner.sweep()
    assert not partner.sweep().failures
    assert partner.held == [sha256(GOOD)]
    (receipt,) = partner.receipts
    assert (receipt.name, receipt.accepted, receipt.row_count) == ("mars.csv", True, 2)
    assert partner.left == []
    assert partner.answers == ["mars.csv.json", "mars.csv.txt"]
    assert partner.answer("mars.csv").startswith("Dépôt « mars.csv » : ACCEPTÉ")
    assert partner.sweep().receipts == ()


def test_killed_before_each_change_of_the_disk_nothing_is_lost_or_counted_twice(
    tmp_path: Path,
) -> None:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, str(here / "killing.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert len(outcomes) > 30
    (body,) = {sha256(body) for body in FILES.values()}
    expected = {
        "failures": [],
        "left": [],
        "held": [body],
        "receipts": [[body, True, 2]],
        "kept": [True],
        "answers": sorted(
            f"{name}.{kind}" for name in FILES for kind in ("json", "txt")
        ),
        "private": [],
    }
    for outcome in outcomes:
        assert {key: outcome[key] for key in expected} == expected, outcome["step"]


def fit(name: bytes) -> bool:
    """Whether a file of this name is a person's own."""
    text = os.fsdecode(name)
    return (
        name not in {b".", b".."}
        and b"/" not in name
        and b"\0" not in name
        and not intake._TEMPORARY.search(text)
        and text != intake.ANSWERS
    )


NAMES = st.one_of(
    st.binary(min_size=1, max_size=255).filter(fit),
    st.sampled_from([b"mars.csv", b"mars.xlsx", b"mars.zip", "été.csv".encode()]),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([GOOD, BAD, b"", workbook(row(1)), zipped({"a.csv": GOOD})]),
)


@settings(max_examples=60, deadline=None)
@given(
    files=st.dictionaries(NAMES, BODIES, min_size=1, max_size=4).filter(
        lambda files: len({safe_name(os.fsdecode(n)) for n in files}) == len(files)
    )
)
def test_whatever_is_left_is_held_byte_for_byte_and_answered_once(
    files: dict[bytes, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    layout = Layout(tmp_path_factory.mktemp("data"))
    partner = Partner(layout, Clock(MUCH_LATER))
    for name, body in files.items():
        (partner.inbox / os.fsdecode(name)).write_bytes(body)
    swept = partner.sweep()
    assert swept.failures == ()
    assert len(swept.receipts) == len(files)
    assert partner.held == sorted({sha256(body) for body in files.values()})
    assert sorted(r.sha256 for r in partner.receipts) == partner.held
    assert partner.left == []
    names = {safe_name(os.fsdecode(name)): body for name, body in files.items()}
    assert partner.answers == sorted(
        f"{name}.{kind}" for name in names for kind in ("json", "txt")
    )
    for name, body in names.items():
        assert partner.document(name)["sha256"] == sha256(body)


def test_a_file_that_is_written_to_while_it_is_copied_waits_for_the_next_look(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner.drop("mars.csv", GOOD[:-10])
    real = os.fsync

    def fsync(descriptor: int) -> None:
        (claimed,) = partner.inbox.glob(f"{intake.CLAIMED}*")
        claimed.write_bytes(GOOD)
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(intake.os, "fsync", fsync)
        assert partner.sweep().receipts == ()
    (receipt,) = partner.sweep().receipts
    assert (receipt.name, receipt.sha256) == ("mars.csv", sha256(GOOD))
    assert partner.left == []


def test_a_file_that_a_crash_left_is_answered_before_its_copy(
    partner: Partner,
) -> None:
    folder = partner.reception.deposits.folder
    (folder / f"20260701T000000Z-{sha256(GOOD)[:8]}-mars.csv").write_bytes(GOOD)
    again = partner.deposit("copie.csv", GOOD)
    assert partner.answer("mars.csv").startswith("Dépôt « mars.csv » : ACCEPTÉ")
    assert "DÉJÀ REÇU, ACCEPTÉ" in partner.answer("copie.csv")
    assert [receipt.sha256 for receipt in partner.receipts] == [again.sha256]
    assert len(partner.held) == 1


def test_no_file_takes_the_place_of_another_by_its_mark(partner: Partner) -> None:
    partner.clock.wait(minutes=1)
    stamp = f"{partner.clock():%Y%m%dT%H%M%SZ}"
    partner.clock.wait(minutes=-1)
    folder = partner.reception.deposits.folder
    other = folder / f"{stamp}-{sha256(GOOD)[:8]}-mars.csv"
    other.write_bytes(BAD)
    partner.drop("mars.csv", GOOD)
    swept = partner.sweep()
    assert "another file has this mark; try again" in swept.failures[0]
    assert other.read_bytes() == BAD
    assert [receipt.name for receipt in partner.sweep().receipts] == ["mars.csv"]
    assert partner.held == sorted([sha256(GOOD), sha256(BAD)])
