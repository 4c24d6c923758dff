"""Opening inboxes, and what there is to do in them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from partner import COMPANY, WASTE, Partner, channel, row, table

from lrtzc_pipelines.deposits.depositors import open_inbox, receptions, work
from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.layout import Layout

FORM = channel().form


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


def found(layout: Layout) -> list[tuple[str, ...]]:
    return work(layout, FORM, datetime.now(UTC).timestamp())


def test_an_inbox_is_closed_to_others_and_opened_once(layout: Layout) -> None:
    inbox = open_inbox(layout, FORM, COMPANY)
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o700
    inbox.chmod(0o2770)
    assert open_inbox(layout, FORM, COMPANY) == inbox
    # What the operator opened stays open.
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o2770
    assert layout.depositors(WASTE) == [COMPANY]


def test_an_inbox_may_be_a_folder_that_the_partner_reaches(
    layout: Layout, tmp_path: Path
) -> None:
    folder = tmp_path / "sftp"
    folder.mkdir()
    for _ in range(2):
        inbox = open_inbox(layout, FORM, COMPANY, folder)
    assert inbox.resolve() == folder
    with pytest.raises(SettingsError, match="there already, and is not"):
        open_inbox(layout, FORM, COMPANY, tmp_path)


def test_a_folder_that_is_not_there_is_told(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such folder"):
        open_inbox(layout, FORM, COMPANY, tmp_path / "none")


def test_a_folder_of_the_platforms_own_is_no_inbox(layout: Layout) -> None:
    with pytest.raises(SettingsError, match="leads into the data directory"):
        open_inbox(layout, FORM, COMPANY, layout.raw("x"))
    assert not layout.inbox(WASTE, COMPANY).is_symlink()


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_could_replace_is_no_inbox(
    layout: Layout, tmp_path: Path, mode: int
) -> None:
    folder = tmp_path / "sftp" / "depot"
    folder.mkdir(parents=True)
    folder.parent.chmod(mode)
    with pytest.raises(SettingsError, match="others may put another folder in place"):
        open_inbox(layout, FORM, COMPANY, folder)
    folder.parent.chmod(0o755)
    folder.chmod(0o2770)
    assert open_inbox(layout, FORM, COMPANY, folder)


@pytest.mark.parametrize("name", ["", "a", "../x", "Dupont SA", ".x", "x" * 41, "é_"])
def test_a_name_that_is_none_is_refused(layout: Layout, name: str) -> None:
    with pytest.raises(SettingsError, match="2 to 40 of a-z"):
        open_inbox(layout, FORM, name)
    assert not layout.data_dir.exists()


def test_looking_makes_nothing(layout: Layout) -> None:
    assert found(layout) == []
    assert layout.depositors(WASTE) == []
    assert receptions(channel(), layout) == []
    assert not layout.data_dir.exists()


def test_a_depositor_whose_inbox_was_closed_is_not_forgotten(layout: Layout) -> None:
    open_inbox(layout, FORM, COMPANY).rmdir()
    assert [one.depositor for one in receptions(channel(), layout)] == [COMPANY]


def test_there_is_nothing_to_do_until_a_file_is_complete(partner: Partner) -> None:
    assert found(partner.layout) == []
    (partner.inbox / "mars.csv").write_bytes(table(row(1)))
    assert found(partner.layout) == []


def test_complete_files_are_work_until_they_are_answered(partner: Partner) -> None:
    path = partner.drop("mars.csv", table(row(1)))
    first = found(partner.layout)
    assert [depositor for depositor, *_ in first] == [COMPANY]
    assert "mars" not in str(first)
    # Another file by its name is other work.
    path.unlink()
    partner.drop("mars.csv", table(row(2)))
    assert found(partner.layout) != first
    partner.sweep()
    assert found(partner.layout) == []


def test_what_a_crash_left_is_work_too(partner: Partner) -> None:
    folder = partner.reception.deposits.folder
    (folder / "20260701T000000Z-00000000-mars.csv").write_bytes(table(row(1)))
    assert len(found(partner.layout)) == 1
    (folder / "judging.json").write_text('{"20260701T000000Z-00000000-mars.csv": 3}')
    assert found(partner.layout) == []


def test_names_of_any_bytes_are_looked_at(partner: Partner) -> None:
    partner.drop(b"d\xe9chets.csv", table(row(1)))
    (piece,) = found(partner.layout)
    assert all(part.isascii() for part in piece)
