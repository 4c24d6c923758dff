"""A local server that answers with prepared bytes, well-formed HTTP or not."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Limits
from lrtzc_pipelines.connectors.http import HttpClient

Reply = bytes | Callable[[socket.socket], None]
"""What one connection gets: bytes, or a function that writes them itself."""


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A complete HTTP answer; `Content_Length="9"` replaces a header."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Reason", *(f"{k}: {v}" for k, v in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass
class Request:
    """One request as it came."""

    target: str
    headers: dict[str, str]


@dataclass
class ScriptedServer:
    """Plays its replies one connection after the other, the last one for ever."""

    url: str
    replies: list[Reply] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)

    def plays(self, *replies: Reply) -> ScriptedServer:
        self.replies = list(replies)
        return self

    def target(self, **changes: Any) -> Target:
        values = {
            "endpoint_id": "town_hall",
            "base_url": self.url,
            "declared_url": self.url,
            "requests_per_second": 2.0,
        }
        return Target(**(values | changes))

    @contextmanager
    def client(self, *, key: str = "", **limits: Any) -> Iterator[HttpClient]:
        """A client whose pauses are noted in `naps` instead of slept."""
        target = self.target(key=key)
        with HttpClient(target, Limits(**limits), sleep=self.naps.append) as client:
            yield client

    def answer(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            if not (part := connection.recv(4096)):
                return
            received += part
        first, *rest = received.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")
        headers = dict(line.split(": ", 1) for line in rest)
        lowered = {name.lower(): value for name, value in headers.items()}
        self.requests.append(Request(first.split(" ")[1], lowered))
        next_reply = self.replies.pop(0) if self.replies[1:] else self.replies[0]
        if isinstance(next_reply, bytes):
            connection.sendall(next_reply)
        else:
            next_reply(connection)


@contextmanager
def running() -> Iterator[ScriptedServer]:
    """A scripted server on a free port of this machine."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # A client that has seen enough hangs up on us.
            try:
                script.answer(self.request)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        script = ScriptedServer(f"http://127.0.0.1:{server.server_address[1]}/data")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
