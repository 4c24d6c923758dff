"""Answers written into a folder where the partner may do anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lrtzc_pipelines.deposits import answers
from lrtzc_pipelines.deposits.answers import holds, write_files
from lrtzc_pipelines.deposits.intake import ANSWERS
from lrtzc_pipelines.errors import LrtzcError

FILES = {"Dupont.csv.txt": b"texte", "Dupont.csv.json": b"{}"}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir(mode=0o700)
    return folder


def modes(inbox: Path) -> tuple[str, set[str]]:
    folder = inbox / ANSWERS
    files = {oct(stat.S_IMODE(p.stat().st_mode)) for p in folder.iterdir()}
    return oct(stat.S_IMODE(folder.stat().st_mode)), files


def test_answers_are_written_whole_and_replaced(inbox: Path) -> None:
    write_files(inbox, FILES)
    write_files(inbox, {"Dupont.csv.txt": b"autre"})
    folder = inbox / ANSWERS
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "Dupont.csv.txt": b"autre",
        "Dupont.csv.json": b"{}",
    }
    assert holds(inbox, "Dupont.csv.txt", b"autre")
    assert not holds(inbox, "Dupont.csv.txt", b"texte")
    assert not holds(inbox, "autre.txt", b"")


@pytest.mark.parametrize(
    ("opened", "folder", "files"),
    [
        (0o700, "0o700", {"0o600"}),
        (0o2770, "0o2750", {"0o640"}),
        (0o770, "0o750", {"0o640"}),
        (0o777, "0o755", {"0o644"}),
    ],
)
def test_who_may_read_the_inbox_may_read_the_answers(
    inbox: Path, opened: int, folder: str, files: set[str]
) -> None:
    old = os.umask(0o077)
    try:
        inbox.chmod(opened)
        write_files(inbox, FILES)
    finally:
        os.umask(old)
    assert modes(inbox) == (folder, files)


def test_an_inbox_that_is_closed_again_closes_its_answers(inbox: Path) -> None:
    inbox.chmod(0o2770)
    write_files(inbox, FILES)
    inbox.chmod(0o700)
    write_files(inbox, FILES)
    assert modes(inbox) == ("0o700", {"0o600"})


def test_an_inbox_may_be_a_link_that_the_operator_made(
    inbox: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(inbox)
    write_files(link, FILES)
    assert holds(inbox, "Dupont.csv.txt", b"texte")


def test_without_an_inbox_nobody_is_answered(tmp_path: Path) -> None:
    write_files(tmp_path / "closed", FILES)
    assert list(tmp_path.iterdir()) == []


def test_answers_are_not_written_where_a_link_leads(
    inbox: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (inbox / ANSWERS).symlink_to(elsewhere)
    with pytest.raises(LrtzcError, match="answers cannot be written: ") as error:
        write_files(inbox, FILES)
    assert list(elsewhere.iterdir()) == []
    assert "Dupont" not in str(error.value)


def test_a_file_in_the_way_of_the_folder_is_told(inbox: Path) -> None:
    (inbox / ANSWERS).write_text("a")
    with pytest.raises(LrtzcError, match="answers cannot be written: Not a directory"):
        write_files(inbox, FILES)


def test_a_link_in_the_way_of_an_answer_is_replaced_and_not_followed(
    inbox: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"a")
    (inbox / ANSWERS).mkdir()
    (inbox / ANSWERS / "Dupont.csv.txt").symlink_to(secret)
    write_files(inbox, FILES)
    assert secret.read_bytes() == b"a"
    assert (inbox / ANSWERS / "Dupont.csv.txt").read_bytes() == b"texte"


def test_a_folder_in_the_way_of_an_answer_is_told_and_nothing_is_left(
    inbox: Path,
) -> None:
    (inbox / ANSWERS / "Dupont.csv.txt").mkdir(parents=True)
    with pytest.raises(LrtzcError, match="answers cannot be written: Is a directory"):
        write_files(inbox, FILES)
    assert [p.name for p in (inbox / ANSWERS).iterdir()] == ["Dupont.csv.txt"]


def test_a_folder_that_is_swapped_meanwhile_is_not_written_to(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (inbox / ANSWERS).mkdir()
    real = answers._replace

    def swap(folder: int, name: str, content: bytes) -> None:
        if not (inbox / "aside").exists():
            (inbox / ANSWERS).rename(inbox / "aside")
            (inbox / ANSWERS).symlink_to(elsewhere)
        real(folder, name, content)

    monkeypatch.setattr(answers, "_replace", swap)
    write_files(inbox, FILES)
    assert list(elsewhere.iterdir()) == []
    assert {p.name for p in (inbox / "aside").iterdir()} == set(FILES)


def test_a_disk_that_is_full_leaves_the_answer_before(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(inbox, {"a.txt": b"old"})

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(answers.os, "fsync", fsync)
    with pytest.raises(LrtzcError, match="No space left"):
        write_files(inbox, {"a.txt": b"new"})
    assert [p.read_bytes() for p in (inbox / ANSWERS).iterdir()] == [b"old"]


def test_what_a_crash_left_half_written_goes(inbox: Path) -> None:
    folder = inbox / ANSWERS
    folder.mkdir()
    (folder / f".{'0a' * 8}").write_text("a")
    (folder / ".partners").write_text("a")
    write_files(inbox, FILES)
    assert {p.name for p in folder.iterdir()} == {*FILES, ".partners"}
