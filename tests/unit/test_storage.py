"""A file is the old one or the new one, whole; a lock is held by one process."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lrtzc_pipelines import storage
from lrtzc_pipelines.errors import Busy
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import (
    append_lines,
    locked,
    read_json,
    replacing,
    write_bytes,
    write_json,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    return path


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """The most permissive process, so that modes are ours and not the shell's."""
    before = os.umask(0)
    yield
    os.umask(before)


# Replacing


def test_a_file_is_replaced_when_the_block_ends(file: Path) -> None:
    with replacing(file) as temporary:
        temporary.write_bytes(b"new")
        assert file.read_bytes() == b"old"
        assert temporary.parent == file.parent
    assert file.read_bytes() == b"new"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file_and_nothing_else(
    file: Path, error: type[BaseException]
) -> None:
    def write_half() -> None:
        with replacing(file) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]


def test_a_full_disk_leaves_the_old_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "sync_file", full)
    with pytest.raises(OSError, match=r"No space left"):
        write_bytes(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]


def test_a_killed_process_leaves_the_old_file(file: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from lrtzc_pipelines.storage import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert killed.returncode == -9
    assert file.read_bytes() == b"old"


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bytes]] = []

    def noted(path: Path) -> None:
        synced.append((path.name, file.read_bytes()))

    monkeypatch.setattr(storage, "sync_file", noted)
    monkeypatch.setattr(storage, "sync_directory", noted)
    write_bytes(file, b"new")
    (temporary, before), (folder, after) = synced
    assert temporary.startswith(".state.json.")
    assert (before, folder, after) == (b"old", file.parent.name, b"new")


@pytest.mark.parametrize(("asked", "expected"), [({}, 0o600), ({"mode": 0o644}, 0o644)])
def test_a_file_is_private_unless_it_is_for_readers(
    file: Path, asked: dict[str, int], expected: int
) -> None:
    file.chmod(0o666)
    write_bytes(file, b"new", **asked)
    assert mode(file) == expected


def test_folders_below_the_data_directory_are_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    for folder in (
        layout.raw("a_b"),
        layout.validated("a_b"),
        layout.quarantine("a_b"),
        layout.anonymized("a_b"),
    ):
        assert mode(folder) == mode(folder.parent) == 0o700
    assert layout.lock("a_b").parent == tmp_path / "data" / "locks"


# JSON files


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"nom": "Aytré", "b": [1, None]})
    assert read_json(path) == {"nom": "Aytré", "b": [1, None]}
    assert path.read_text("utf-8").startswith('{\n  "b": [')


def test_an_absent_file_is_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / "state.json") is None


@pytest.mark.parametrize(
    "content", [b"", b'{"a": 1', b"\x00" * 40, b"\xff\xfe\x00", b'{"a": 1}\n{}']
)
def test_an_unreadable_file_is_set_aside(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert read_json(file) is None
    assert not file.exists()
    assert file.with_name("state.json.corrupt").read_bytes() == content


# Lines


def test_lines_are_added_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    append_lines(path, ["1", "2"])
    append_lines(path, ["é"])
    assert path.read_bytes() == "1\n2\né\n".encode()
    assert mode(path) == 0o600


def test_no_lines_add_nothing(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    append_lines(path, [])
    assert path.read_bytes() == b""


def test_a_line_after_a_torn_one_is_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "snapshots.jsonl"
    path.write_bytes(b'{"id": 1}\n{"id": 2, "pa')
    append_lines(path, ['{"id": 3}'])
    lines = path.read_text().splitlines()
    assert lines == ['{"id": 1}', '{"id": 2, "pa', '{"id": 3}']
    assert json.loads(lines[-1]) == {"id": 3}


# Locks

HOLD = (
    "import sys; from pathlib import Path; from lrtzc_pipelines.storage import locked\n"
    "with locked(Path(sys.argv[1]), 'a refresh'):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `refresh.lock`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "refresh.lock")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_is_busy(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(
            Busy, match=rf"^a refresh is already running \(process {holder.pid}\)"
        ),
        locked(tmp_path / "refresh.lock", "a refresh"),
    ):
        pytest.fail("two processes held one lock")


def test_the_lock_of_a_killed_process_is_free(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()
    path = tmp_path / "refresh.lock"
    with locked(path, "a refresh"):
        assert path.read_text() == str(os.getpid())


def test_a_lock_is_free_after_its_block(tmp_path: Path) -> None:
    path = tmp_path / "refresh.lock"
    for _ in range(2):
        with locked(path, "a refresh"):
            pass


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "refresh.lock"
    with pytest.raises(Busy), locked(path, "a refresh"):
        raise Busy
    with locked(path, "a refresh"):
        pass


def test_two_locks_do_not_know_each_other(tmp_path: Path) -> None:
    with locked(tmp_path / "a.lock", "a"), locked(tmp_path / "b.lock", "b"):
        pass
