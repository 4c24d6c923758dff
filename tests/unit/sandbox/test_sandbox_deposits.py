"""Invented deposits: one of each answer, the same for the same seed, never real."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtzc_pipelines.deposits.depositors import receptions
from lrtzc_pipelines.deposits.forms import find_form, load_channel
from lrtzc_pipelines.deposits.intake import READY
from lrtzc_pipelines.deposits.receipts import SANDBOX, Receipt
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sandbox.deposits import write_inbox


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def swept(layout: Layout) -> list[Receipt]:
    found = []
    for name in ("mobility_trips", "valorisation_waste"):
        channel = load_channel(find_form(name))
        for reception in receptions(channel, layout):
            done = reception.sweep()
            assert done.failures == ()
            found += done.receipts
    return found


def test_invented_files_show_both_answers(layout: Layout) -> None:
    paths = write_inbox(layout.data_dir, seed=1)
    assert all(path.with_name(f"{path.name}{READY}").exists() for path in paths)
    found = swept(layout)
    assert {receipt.origin for receipt in found} == {SANDBOX}
    accepted = {receipt.name: receipt.accepted for receipt in found}
    assert accepted.pop("dechets-a-corriger.csv") is False
    assert len(accepted) == 2
    assert all(accepted.values())


def test_what_partners_get_wrong_is_told_by_column(layout: Layout) -> None:
    write_inbox(layout.data_dir, seed=1)
    (refused,) = (receipt for receipt in swept(layout) if not receipt.accepted)
    columns = {problem.column for problem in refused.problems}
    assert columns == {"« code_commune »", "« code_dechet »", "« tonnes »"}


def test_equal_seeds_leave_equal_files_which_came_already(layout: Layout) -> None:
    write_inbox(layout.data_dir, seed=1)
    first = {receipt.sha256 for receipt in swept(layout)}
    write_inbox(layout.data_dir, seed=1)
    assert {receipt.sha256 for receipt in swept(layout)} == first
    write_inbox(layout.data_dir, seed=2)
    assert not {receipt.sha256 for receipt in swept(layout)} & first
