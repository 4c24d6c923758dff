"""A real MQTT broker, where one is installed, and collectors that listen to it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")


@dataclass
class Broker:
    """A mosquitto on loopback."""

    port: int
    process: subprocess.Popen[bytes]
    scheme: str = "mqtt"

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


StartBroker = Callable[..., Broker]


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    """Starts a broker with some more lines of configuration."""
    if MOSQUITTO is None:
        pytest.skip("no mosquitto is installed")
    started: list[Broker] = []

    def start(*lines: str, port: int = 0, scheme: str = "mqtt") -> Broker:
        port = port or free_port()
        config = tmp_path / f"mosquitto-{port}-{len(started)}.conf"
        given = [] if any("allow_anonymous" in x for x in lines) else ["true"]
        config.write_text(
            "\n".join(
                [
                    f"listener {port} 127.0.0.1",
                    # It would give up its rights, and then read none of these files.
                    *(["user root"] if os.getuid() == 0 else []),
                    "max_queued_messages 0",
                    *(f"allow_anonymous {value}" for value in given),
                    *lines,
                    "",
                ]
            )
        )
        process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        broker = Broker(port, process, scheme)
        started.append(broker)
        wait_until(lambda: is_open(port))
        return broker

    yield start
    for broker in started:
        broker.process.kill()
        broker.process.wait()


@dataclass
class Listening:
    """`lrtzc listen lorawan` in a process of its own."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said


@dataclass
class Platform:
    """A data directory and the broker that its collector listens to."""

    data_dir: Path
    url: str
    key: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    started: list[Listening] = field(default_factory=list)

    @property
    def spool(self) -> Path:
        return self.data_dir / "spool" / "lorawan"

    def listen(self) -> Listening:
        log = self.data_dir / f"listen-{len(self.started)}.log"
        self.data_dir.mkdir(exist_ok=True)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("LRTZC_")},
            "LRTZC_DATA_DIR": str(self.data_dir),
            "LRTZC_ENDPOINT__LORAWAN_BROKER": self.url,
            **({"LRTZC_SECRET__LORAWAN_BROKER": self.key} if self.key else {}),
            **self.environment,
        }
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "lrtzc_pipelines.cli.app", "listen", "lorawan"],
                env=environment,
                stdout=stream,
                stderr=stream,
                text=True,
            )
        self.started.append(Listening(process, log))
        return self.started[-1]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    made: list[Platform] = []

    def make(url: str, key: str = "", **environment: str) -> Platform:
        made.append(Platform(tmp_path / "data", url, key, environment))
        return made[-1]

    yield make
    for place in made:
        for listening in place.started:
            listening.process.kill()
            listening.process.wait()
