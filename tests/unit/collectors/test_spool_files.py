"""What is on the disk after a batch, a crash, a seal and a fault."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lrtzc_pipelines.collectors.spool import (
    CURRENT,
    REFUSED,
    Message,
    Spool,
    sealed_files,
    write_sealed,
)
from lrtzc_pipelines.errors import LrtzcError

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def message(n: int = 0, payload: bytes | None = None) -> Message:
    body = json.dumps({"n": n}).encode() if payload is None else payload
    return Message(MOMENT + timedelta(seconds=n), f"t/{n}", body)


def spool(folder: Path, **options: float) -> Spool:
    made = Spool(
        folder,
        seal_bytes=int(options.get("seal_bytes", 10_000)),
        seal_after=timedelta(minutes=options.get("seal_after_minutes", 60)),
        refused_bytes=int(options.get("refused_bytes", 10_000)),
    )
    made.open()
    return made


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_message_is_a_line_of_json_with_its_moment_and_topic(tmp_path: Path) -> None:
    box = spool(tmp_path)
    box.append([message(1, '{"é": 1}'.encode()), message(2, b"\xff\x00")])
    assert lines(tmp_path / CURRENT) == [
        {
            "received_at": "2026-01-02T03:04:06.678901+00:00",
            "topic": "t/1",
            "payload": '{"é": 1}',
        },
        {
            "received_at": "2026-01-02T03:04:07.678901+00:00",
            "topic": "t/2",
            "payload_base64": base64.b64encode(b"\xff\x00").decode(),
        },
    ]


def test_only_the_owner_can_read_what_is_written(tmp_path: Path) -> None:
    box = spool(tmp_path)
    box.append([message()])
    box.refuse(message(), "a reason")
    sealed = box.seal()
    assert sealed is not None
    (aside,) = (tmp_path / REFUSED).iterdir()
    for path in (sealed, tmp_path / CURRENT, aside):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(aside.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "torn",
    [b"{", b'{"received_at":"2026', '{"topic":"é'.encode()[:-1], b"\x00\x00\x00"],
    ids=["brace", "text", "half a character", "zeros"],
)
def test_a_torn_last_line_is_taken_out(tmp_path: Path, torn: bytes) -> None:
    box = spool(tmp_path)
    box.append([message(1), message(2)])
    box.close()
    with (tmp_path / CURRENT).open("ab") as file:
        file.write(torn)
    again = spool(tmp_path)
    assert again.repaired == len(torn)
    again.append([message(3)])
    assert [line["topic"] for line in lines(tmp_path / CURRENT)] == [
        "t/1",
        "t/2",
        "t/3",
    ]
    assert not (tmp_path / REFUSED).exists()


def test_a_last_line_that_only_lacks_its_end_was_never_acknowledged(
    tmp_path: Path,
) -> None:
    box = spool(tmp_path)
    box.append([message(1)])
    box.close()
    with (tmp_path / CURRENT).open("ab") as file:
        file.write(message(2).to_line().encode())
    spool(tmp_path)
    assert [line["topic"] for line in lines(tmp_path / CURRENT)] == ["t/1"]


def test_a_damaged_line_in_the_middle_is_kept_apart_and_the_rest_stays(
    tmp_path: Path,
) -> None:
    box = spool(tmp_path)
    box.append([message(1), message(2), message(3)])
    box.close()
    body = (tmp_path / CURRENT).read_bytes().split(b"\n")
    body[1] = b"\x00" * len(body[1])
    (tmp_path / CURRENT).write_bytes(b"\n".join(body))
    spool(tmp_path)
    assert [line["topic"] for line in lines(tmp_path / CURRENT)] == ["t/1", "t/3"]
    (aside,) = (tmp_path / REFUSED).iterdir()
    assert aside.read_bytes() == body[1] + b"\n"


def test_an_untouched_file_is_not_written_again(tmp_path: Path) -> None:
    box = spool(tmp_path)
    box.append([message(1)])
    box.close()
    before = (tmp_path / CURRENT).stat()
    assert spool(tmp_path).repaired == 0
    after = (tmp_path / CURRENT).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_sealed_file_is_named_by_its_first_moment_and_its_hash(
    tmp_path: Path,
) -> None:
    box = spool(tmp_path)
    box.append([message(0)])
    box.append([message(1)])
    path = box.seal()
    assert path is not None
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f"20260102T030405678901Z-{sha256[:8]}.jsonl"
    (sealed,) = sealed_files(tmp_path)
    assert (sealed.first_at, sealed.invented) == (MOMENT, False)
    assert sealed.read() == path.read_bytes()
    assert (tmp_path / CURRENT).read_bytes() == b""


def test_a_file_is_sealed_by_its_size(tmp_path: Path) -> None:
    box = spool(tmp_path, seal_bytes=100)
    box.append([message(0)])
    assert box.seal_if_due(MOMENT) is None
    box.append([message(1)])
    assert box.seal_if_due(MOMENT) is not None


def test_a_file_is_sealed_by_the_age_of_its_first_message(tmp_path: Path) -> None:
    box = spool(tmp_path)
    box.append([message(0)])
    assert box.seal_if_due(MOMENT + timedelta(minutes=59)) is None
    assert box.seal_if_due(MOMENT + timedelta(minutes=60)) is not None
    assert box.seal_if_due(MOMENT + timedelta(days=1)) is None


def test_the_age_counts_on_after_a_restart(tmp_path: Path) -> None:
    box = spool(tmp_path)
    box.append([message(0)])
    box.close()
    assert spool(tmp_path).seal_if_due(MOMENT + timedelta(minutes=60)) is not None


def test_what_follows_a_seal_goes_to_a_new_file(tmp_path: Path) -> None:
    box = spool(tmp_path)
    for n in (0, 1):
        box.append([message(n)])
        box.seal()
    assert [sealed.read().count(b"\n") for sealed in sealed_files(tmp_path)] == [1, 1]


def test_a_sealed_file_that_changed_is_told(tmp_path: Path) -> None:
    box = spool(tmp_path)
    box.append([message(0)])
    path = box.seal()
    assert path is not None
    path.write_bytes(path.read_bytes().replace(b"t/0", b"t/9"))
    (sealed,) = sealed_files(tmp_path)
    with pytest.raises(LrtzcError, match="damaged"):
        sealed.read()


def test_other_files_are_not_taken_for_sealed_ones(tmp_path: Path) -> None:
    for name in ("current.jsonl", "x.jsonl", "20260102T030405678901Z-zz.jsonl"):
        (tmp_path / name).touch()
    assert sealed_files(tmp_path) == []


def test_files_older_than_their_term_are_deleted(tmp_path: Path) -> None:
    for n in (0, 100):
        write_sealed(tmp_path, [message(n)], invented=False)
    old, recent = (sealed.path for sealed in sealed_files(tmp_path))
    assert spool(tmp_path).forget(MOMENT + timedelta(seconds=50)) == [old]
    assert [sealed.path for sealed in sealed_files(tmp_path)] == [recent]


def test_what_is_kept_apart_says_why_and_is_whole(tmp_path: Path) -> None:
    spool(tmp_path).refuse(message(0, b"\x00payload"), "no uplink")
    (path,) = (tmp_path / REFUSED).iterdir()
    about = json.loads(path.read_text())
    assert base64.b64decode(about["payload_base64"]) == b"\x00payload"
    assert (about["reason"], about["topic"], about["bytes"]) == ("no uplink", "t/0", 8)


def test_what_is_kept_apart_never_fills_the_disk(tmp_path: Path) -> None:
    box = spool(tmp_path, refused_bytes=2_000)
    for n in range(20):
        box.refuse(message(n, b"x" * 300), "too large")
    kept = sorted((tmp_path / REFUSED).iterdir())
    assert sum(path.stat().st_size for path in kept) <= 2_000
    assert json.loads(kept[-1].read_text())["topic"] == "t/19"


def test_a_file_of_the_sandbox_says_so_in_its_name(tmp_path: Path) -> None:
    path = write_sealed(tmp_path, [message(0)], invented=True)
    assert path is not None
    assert path.name.endswith(".invented.jsonl")
    assert sealed_files(tmp_path)[0].invented
