"""What the hostile tests share: services that misbehave, and what must hold of us.

Here are the local server, the sources that ask it, and the canary that nobody may
ask; what is attacked, and how, is in the modules of the tests.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Limits
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.raw_store import RawStore
from lrtzc_pipelines.sources.spec import SourceSpec

SECRET = "s3cret-key-of-nobody"
METER = "00000000000017"

Attack = bytes | Callable[[socket.socket], None]
"""What one connection gets: bytes, or a function that writes them itself."""


def limits(**changes: Any) -> Limits:
    """Bounds under which an attack is over in a moment."""
    values = {
        "attempts": 2,
        "max_bytes": 2_000_000,
        "deadline": 5.0,
        "max_wait": 1.0,
        "backoff": 0.001,
    }
    return Limits(**{**values, **changes})


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer; a header given here replaces the right one."""
    fields = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{n}: {v}" for n, v in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]


class Server(threading.Thread):
    """Answers each connection with what `respond` gives for its request."""

    def __init__(self, respond: Callable[[Asked], Attack]) -> None:
        super().__init__(daemon=True)
        self.respond = respond
        self.requests: list[Asked] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api/"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(connection,), daemon=True
            ).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                asked = _read(connection)
                self.requests.append(asked)
                attack = self.respond(asked)
                if callable(attack):
                    attack(connection)
                else:
                    connection.sendall(attack)
            except OSError:
                return

    def close(self) -> None:
        # Wakes up a thread that waits for connections.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _read(connection: socket.socket) -> Asked:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65536)):
            break
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", "0")):
        body += connection.recv(65536)
    method, target, *_ = (*lines[0].split(" "), "", "")
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query)))


@contextmanager
def serving(respond: Callable[[Asked], Attack]) -> Iterator[Server]:
    """A running server."""
    server = Server(respond)
    server.start()
    try:
        yield server
    finally:
        server.close()
        server.join()


class Canary:
    """A port of this machine that nothing may connect to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    @property
    def was_asked(self) -> bool:
        """Whether anybody connected: the kernel accepts before we do."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()


def spec_of(
    connector: dict[str, Any], form: dict[str, Any], **changes: Any
) -> SourceSpec:
    """A source of a protocol and a format, with one column unless others are given."""
    column = {"type": "text", "description": "A column.", "privacy": "keep"}
    columns = changes.pop("columns", [{"name": "row_id", "source": "row_id"}])
    values = {
        "id": "town_counts",
        "title": "Counts of the town",
        "description": "Rows made for these tests, of no town.",
        "producer": "Town",
        "homepage": "https://town.example/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 10,
        "theme": "territory",
        "owner": "team:donnees",
        "endpoint": "town_hall",
        "connector": connector,
        "format": form,
        "cadence": "daily",
        "primary_key": ["row_id"],
        "freshness_days": 2,
        "raw_retention_days": 30,
        "columns": [
            {"required": given["name"] == "row_id", **column, **given}
            for given in columns
        ],
    }
    return SourceSpec.model_validate(values | changes)


def target_of(
    spec: SourceSpec, url: str, folder: Path, *, key: str = f"user:{SECRET}"
) -> Target:
    """The server as the endpoint of a source, with a key that may never be seen."""
    consents = folder / "consents.yaml"
    consents.touch(mode=0o600)
    consents.write_text(
        f'- {{usage_point_id: "{METER}", consented_from: 2020-01-01, '
        "consented_until: 2030-01-01}\n"
    )
    return Target(
        endpoint_id=spec.endpoint,
        base_url=url,
        declared_url="https://service.example/api/",
        requests_per_second=1000.0,
        key=key,
        contact="donnees@town.example",
        consents=consents,
    )


def check_message(error: LrtzcError, spec: SourceSpec) -> None:
    """Asserts that an error names its source or service in one line without secrets."""
    message = str(error)
    assert spec.endpoint in message or spec.id in message
    assert len(message) < 2000
    assert message == message.strip()
    assert len(message.splitlines()) == 1
    assert message.encode()
    assert SECRET not in message
    assert METER not in message


def set_aside(store: RawStore) -> list[Path]:
    """Bodies of refused answers that a store keeps."""
    return sorted(store.folder.glob("refused/*.zst"))


def blobs(store: RawStore) -> list[Path]:
    """Bodies of answers that a store keeps."""
    return sorted(store.folder.glob("blobs/*/*"))
