"""The sandbox as a running server: in the foreground, or in a thread for a test.

Only loopback addresses are bound: invented data and planned faults must never be
reachable as if they were a service.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from asyncio import Transport
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from lrtzc_pipelines.sandbox.faults import TRANSPORT
from lrtzc_pipelines.sandbox.recordings import find_recordings
from lrtzc_pipelines.sandbox.replay import ReplayService
from lrtzc_pipelines.sandbox.routes import application, endpoint_overrides
from lrtzc_pipelines.sandbox.synthetic import SyntheticService
from lrtzc_pipelines.sandbox.world import World

__all__ = [
    "DEFAULT_PORT",
    "LOOPBACK",
    "RunningSandbox",
    "create_app",
    "create_replay_app",
    "endpoint_overrides",
    "serve",
]

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8940
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.01


def create_app(world: World) -> Starlette:
    """The sandbox in front of an invented world."""
    return application(SyntheticService(world))


def create_replay_app(directory: Path) -> Starlette:
    """The sandbox in front of the answers recorded below `directory`.

    Raises:
        SettingsError: the directory is missing or holds nothing servable.
    """
    return application(ReplayService(find_recordings(directory)))


def serve(app: Starlette, host: str = LOOPBACK, port: int = DEFAULT_PORT) -> None:
    """Serves in the foreground until interrupted.

    Raises:
        ValueError: `host` is not a loopback address.
        OSError: the port is taken.
    """
    # Uvicorn raises Ctrl-C again once it has stopped in good order.
    with _bound(host, port) as listener, suppress(KeyboardInterrupt):
        uvicorn.Server(_config(app)).run(sockets=[listener])


class RunningSandbox:
    """A sandbox in a background thread: `with RunningSandbox(app) as base_url`."""

    def __init__(self, app: Starlette, host: str = LOOPBACK, port: int = 0) -> None:
        """Prepares a server; nothing is bound before the `with` block.

        Args:
            app: What to serve.
            host: Loopback address to bind.
            port: Port to bind; 0 takes a free one.

        Raises:
            ValueError: `host` is not a loopback address.
        """
        _refuse_open_host(host)
        self._address = (host, port)
        self._server = uvicorn.Server(_config(app))
        self._thread = threading.Thread(
            target=self._run, name="lrtzc-sandbox", daemon=True
        )
        self._listener: socket.socket | None = None

    def __enter__(self) -> str:
        """Starts the server; its base URL, once it accepts connections."""
        self._listener = _bound(*self._address)
        host, port = self._listener.getsockname()[:2]
        self._thread.start()
        self._wait(lambda: self._server.started, _START_SECONDS, "start")
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the server and waits until it has."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive() and error is None:
            msg = f"the sandbox did not stop within {_STOP_SECONDS:.0f} s"
            raise TimeoutError(msg)

    def _run(self) -> None:
        if self._listener is not None:
            self._server.run(sockets=[self._listener])

    def _wait(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self._server.should_exit = True
                msg = f"the sandbox did not {what} within {seconds:.0f} s"
                raise TimeoutError(msg)
            time.sleep(_POLL_SECONDS)


class _Protocol(H11Protocol):
    """HTTP/1.1 that leaves its transport to the application, to cut connections."""

    # asyncio's base class promises less of the transport; uvicorn narrows it likewise.
    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Keeps the transport where `faults` looks for it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="warning",
        server_header=False,
        # A dripped answer must not hold up the end of a test.
        timeout_graceful_shutdown=1,
    )


def _refuse_open_host(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        msg = (
            f"{host!r} is not a loopback address: the sandbox only serves this machine"
        )
        raise ValueError(msg)


def _bound(host: str, port: int) -> socket.socket:
    """A listening-to-be socket on a loopback address.

    Raises:
        ValueError: `host` is not a loopback address.
    """
    _refuse_open_host(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, the protocol lets asyncio switch Nagle's delay off: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
