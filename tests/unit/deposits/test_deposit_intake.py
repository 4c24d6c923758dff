"""Single files of an inbox: when they are complete, and that none gets lost."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partner import channel

from lrtzc_pipelines.deposits import intake
from lrtzc_pipelines.deposits.intake import (
    ANSWERS,
    CLAIMED,
    READY,
    Waiting,
    claim,
    copy_in,
    leave,
    safe_name,
    untakable,
    waiting,
)

FORM = channel().form


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "deposits"
    folder.mkdir()
    return folder


def found(inbox: Path, later: float = FORM.settle_seconds) -> list[str]:
    """Names of the files that are complete some seconds after the last change."""
    times = [p.lstat().st_ctime for p in inbox.iterdir()] or [0]
    return [file.name for file in waiting(inbox, FORM, max(times) + later)]


def only(inbox: Path) -> Waiting:
    (file,) = waiting(inbox, FORM, 1e12)
    return file


def test_a_file_is_complete_once_nothing_has_touched_it_for_a_while(
    inbox: Path,
) -> None:
    path = inbox / "mars.csv"
    path.write_text("a")
    # What a copying tool says of its age does not count.
    os.utime(path, (0, 0))
    assert found(inbox, FORM.settle_seconds - 1) == []
    assert found(inbox, FORM.settle_seconds) == ["mars.csv"]


def test_a_clock_that_lags_waits(inbox: Path) -> None:
    (inbox / "mars.csv").write_text("a")
    assert found(inbox, -3600) == []


def test_a_marker_says_that_a_file_is_complete(inbox: Path) -> None:
    for name in ("a.csv", "b.csv", f"a.csv{READY}"):
        (inbox / name).write_text("")
    (inbox / f"b.csv{READY}").mkdir()
    assert found(inbox, 0) == ["a.csv"]


@pytest.mark.parametrize(
    "name",
    [
        ".mars.csv.Xy12",
        "~$mars.xlsx",
        ".~lock.mars.csv#",
        "mars.csv~",
        "mars.csv.part",
        "mars.csv.filepart",
        "mars.csv.crdownload",
        "mars.csv.TMP",
        f"mars.csv{READY}",
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
    ],
)
def test_what_tools_leave_beside_files_is_no_deposit(inbox: Path, name: str) -> None:
    (inbox / name).write_text("a")
    assert found(inbox) == []


def test_links_folders_and_pipes_are_no_files(inbox: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a")
    (inbox / "lien.csv").symlink_to(secret)
    (inbox / "dossier").mkdir()
    (inbox / ANSWERS).mkdir()
    os.mkfifo(inbox / "tube.csv")
    assert found(inbox) == []
    names = ["dossier", "lien.csv", "tube.csv"]
    assert untakable(inbox, FORM) == dict.fromkeys(names, False)


def test_a_file_that_might_fill_the_disk_stays_where_it_is(inbox: Path) -> None:
    for name, size in (("grand.csv", 10), ("enorme.csv", 11)):
        (inbox / name).touch()
        os.truncate(inbox / name, size * FORM.max_bytes)
    assert found(inbox) == ["grand.csv"]
    assert untakable(inbox, FORM) == {"enorme.csv": True}


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert waiting(tmp_path / "none", FORM, 1e12) == []


def test_a_file_that_goes_while_the_folder_is_read_is_passed_over(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "b.csv"):
        (inbox / name).write_text("a")
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if path.name == "a.csv":
            path.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    assert [file.name for file in waiting(inbox, FORM, 1e12)] == ["b.csv"]


def test_files_are_taken_in_the_order_in_which_they_were_written(inbox: Path) -> None:
    # By name the correction would come first, and the mistake would replace it.
    for age, name in ((2, "mars.csv"), (1, "mars-corrige.csv"), (3, "fevrier.csv")):
        (inbox / name).write_text("a")
        os.utime(inbox / name, (1e9 - age, 1e9 - age))
    assert found(inbox) == ["fevrier.csv", "mars.csv", "mars-corrige.csv"]


def test_claiming_takes_the_name_and_the_marker_away(inbox: Path) -> None:
    path = inbox / "mars.csv"
    path.write_text("a")
    marker = inbox / f"mars.csv{READY}"
    marker.touch()
    claimed = claim(only(inbox))
    assert claimed
    assert claimed.read_text() == "a"
    assert not path.exists()
    assert not marker.exists()
    # What a crash leaves claimed goes on under its own name, at once.
    path.write_text("b")
    assert found(inbox, 0) == ["mars.csv"]
    assert only_claimed(inbox) == claimed


def only_claimed(inbox: Path) -> Path | None:
    (file,) = (f for f in waiting(inbox, FORM, 1e12) if f.is_claimed)
    return claim(file)


def test_a_second_file_of_a_name_waits_for_the_first(inbox: Path) -> None:
    path = inbox / "mars.csv"
    path.write_text("a")
    assert claim(only(inbox))
    path.write_text("b")
    first, second = waiting(inbox, FORM, 1e12)
    assert (first.is_claimed, second.is_claimed) == (True, False)
    assert claim(second) is None
    assert path.read_text() == "b"


def test_a_file_that_was_taken_back_is_not_claimed(inbox: Path) -> None:
    path = inbox / "mars.csv"
    path.write_text("a")
    file = only(inbox)
    path.unlink()
    assert claim(file) is None


def test_a_name_that_looks_claimed_is_cleaned(inbox: Path) -> None:
    (inbox / f"{CLAIMED}00000000-..\nevil.csv").write_text("a")
    assert only(inbox).name == safe_name("..\nevil.csv")


def test_a_copy_is_private_and_hashed(inbox: Path, folder: Path) -> None:
    path = inbox / "mars.csv"
    path.write_bytes(b"abc" * 1_000_000)
    path.chmod(0o666)
    copied = copy_in(path, folder)
    assert copied
    assert copied.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert copied.path.read_bytes() == path.read_bytes()
    assert stat.S_IMODE(copied.path.stat().st_mode) == 0o600


def test_no_copy_is_made_of_what_is_no_file(
    inbox: Path, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a")
    (inbox / "lien.csv").symlink_to(secret)
    os.mkfifo(inbox / "tube.csv")
    for name in ("lien.csv", "tube.csv", "absent.csv"):
        assert copy_in(inbox / name, folder) is None
    assert list(folder.iterdir()) == []


def test_a_file_that_is_written_to_meanwhile_is_not_taken(
    inbox: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inbox / "mars.csv"
    path.write_bytes(b"a")
    real = os.fsync

    def fsync(descriptor: int) -> None:
        path.write_bytes(b"ab")
        real(descriptor)

    monkeypatch.setattr(intake.os, "fsync", fsync)
    assert copy_in(path, folder) is None
    assert list(folder.iterdir()) == []
    assert path.read_bytes() == b"ab"


def test_a_copy_that_fails_leaves_nothing(
    inbox: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inbox / "mars.csv"
    path.write_bytes(b"a")

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(intake.os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        copy_in(path, folder)
    assert list(folder.iterdir()) == []
    assert path.exists()


def test_only_what_was_copied_is_removed(inbox: Path, folder: Path) -> None:
    path = inbox / "mars.csv"
    path.write_bytes(b"a")
    copied = copy_in(path, folder)
    assert copied
    path.write_bytes(b"b")
    leave(path, copied)
    assert path.read_bytes() == b"b"
    copied = copy_in(path, folder)
    assert copied
    leave(path, copied)
    assert not path.exists()
    leave(path, copied)


@pytest.mark.parametrize(
    "name",
    ["mars.csv", "Déchets l'été (n° 3).xlsx", "a" * 100 + ".csv", "=1+1.csv"],
)
def test_an_ordinary_name_stays(name: str) -> None:
    assert safe_name(name) == name


def test_accents_are_written_in_one_way() -> None:
    assert safe_name("de\u0301chets.csv") == "d\u00e9chets.csv"


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("a\nb.csv", "a_b-", ".csv"),
        ("a/../b.csv", "a_.._b-", ".csv"),
        ("\udce9t\udce9.csv", "_t_-", ".csv"),
        ("\u202egnp.csv", "_gnp-", ".csv"),
        ("...", "sans nom-", ""),
        ("漢" * 200 + ".xlsx", "漢", ".xlsx"),
        ("x." + "y" * 300, "x.y", ""),
    ],
)
def test_another_name_is_cleaned_and_told_apart(
    name: str, begins: str, ends: str
) -> None:
    cleaned = safe_name(name)
    assert cleaned.startswith(begins)
    assert cleaned.endswith(ends)
    assert cleaned != safe_name(name + " ")


NAMES = st.binary(min_size=1, max_size=255).map(os.fsdecode)


@settings(deadline=None)
@given(NAMES)
def test_any_name_becomes_one_that_every_system_takes(name: str) -> None:
    cleaned = safe_name(name)
    assert 0 < len(cleaned.encode()) <= 150
    assert cleaned.isprintable()
    assert not set(cleaned) & set('/\\:*?"<>|')
    assert cleaned not in {".", ".."}
    assert safe_name(cleaned) == cleaned
