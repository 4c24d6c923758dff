"""What is acknowledged, and when: never before it is on the disk."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage

from lrtzc_pipelines.collectors.declared import Collector
from lrtzc_pipelines.collectors.mqtt import Listener
from lrtzc_pipelines.collectors.spool import CURRENT, REFUSED, Spool
from lrtzc_pipelines.connectors.addresses import Target

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass
class Disk:
    """The order in which the system was asked to write, flush and acknowledge."""

    done: list[str] = field(default_factory=list)


@dataclass
class FakeClient:
    """A connection that notes what it is told to acknowledge."""

    disk: Disk
    connected: bool = True
    ready: list[MQTTMessage] = field(default_factory=list)
    listener: Any = None

    def is_connected(self) -> bool:
        return self.connected

    def ack(self, mid: int, qos: int) -> None:
        self.disk.done.append(f"ack {mid} {qos}")

    def loop(self, _timeout: float) -> int:
        if self.ready:
            self.listener._on_message(self, None, self.ready.pop(0))
        return 0


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    watched = Disk()
    write, fsync = os.write, os.fsync

    def noted_write(descriptor: int, data: bytes) -> int:
        watched.done.append("write")
        return write(descriptor, data)

    def noted_fsync(descriptor: int) -> None:
        watched.done.append("fsync")
        fsync(descriptor)

    monkeypatch.setattr(os, "write", noted_write)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    return watched


@pytest.fixture
def listener(tmp_path: Path, disk: Disk) -> Listener:
    collector = Collector(id="c", title="Some sensors", endpoint="b", topics=("a/#",))
    spool = Spool(tmp_path, 10_000, timedelta(hours=1), 10_000)
    spool.open()
    disk.done.clear()
    url = "mqtt://127.0.0.1:1"
    target = Target("b", base_url=url, declared_url=url, requests_per_second=1)
    return Listener(collector, target, spool, now=lambda: MOMENT)


def message(mid: int, payload: bytes = b"{}", *, qos: int = 1) -> MQTTMessage:
    made = MQTTMessage(mid=mid, topic=b"a/b")
    made.payload, made.qos = payload, qos
    return made


def turn(listener: Listener, client: FakeClient, *messages: MQTTMessage) -> None:
    client.listener, client.ready = listener, list(messages)
    for _ in range(len(messages) + 1):
        listener._turn(client)  # type: ignore[arg-type]


def test_a_batch_is_flushed_before_any_of_it_is_acknowledged(
    listener: Listener, disk: Disk
) -> None:
    turn(listener, FakeClient(disk), message(1), message(2), message(3))
    assert disk.done == ["write", "fsync", "ack 1 1", "ack 2 1", "ack 3 1"]


def test_what_is_kept_apart_is_flushed_before_it_is_acknowledged(
    listener: Listener, disk: Disk
) -> None:
    turn(listener, FakeClient(disk), message(1, b"not JSON"))
    assert disk.done[-1] == "ack 1 1"
    assert "fsync" in disk.done[:-1]
    assert len(list((listener.spool.folder / REFUSED).iterdir())) == 1


def test_nothing_is_acknowledged_when_the_disk_is_full(
    listener: Listener, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        turn(listener, FakeClient(disk), message(1))
    assert not [step for step in disk.done if step.startswith("ack")]


def test_numbers_of_a_lost_connection_are_not_acknowledged_in_the_next(
    listener: Listener, disk: Disk
) -> None:
    client = FakeClient(disk, connected=False)
    turn(listener, client, message(1))
    assert disk.done == ["write", "fsync"]
    client.connected = True
    turn(listener, client, message(1))
    assert disk.done[2:] == ["write", "fsync", "ack 1 1"]


def test_a_message_without_acknowledgement_is_written_all_the_same(
    listener: Listener, disk: Disk
) -> None:
    turn(listener, FakeClient(disk), message(0, qos=0))
    assert disk.done == ["write", "fsync"]
    assert (listener.spool.folder / CURRENT).read_bytes().count(b"\n") == 1


def test_a_flood_is_written_in_batches(listener: Listener, disk: Disk) -> None:
    turn(listener, FakeClient(disk), *(message(n) for n in range(1, 1201)))
    assert disk.done.count("fsync") == 3
    assert listener.written == 1200


def test_a_topic_that_is_no_text_is_kept_apart(listener: Listener, disk: Disk) -> None:
    strange = MQTTMessage(mid=1, topic=b"a/\xff")
    strange.payload, strange.qos = b"{}", 1
    turn(listener, FakeClient(disk), strange)
    assert listener.refused == 1
    assert disk.done[-1] == "ack 1 1"
