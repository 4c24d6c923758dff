"""Faults on demand: what real services do on bad days, planned per path prefix.

A plan says how many requests go wrong; the request after them is answered well. Only
the way an answer travels is changed here, never what it says.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lrtzc_pipelines.sandbox.service import endpoints

TRANSPORT = "sandbox_transport"
"""Key in the ASGI scope's state under which the server leaves its transport."""

RETRY_AFTER_SECONDS = 1
DRIP_BYTES = 16
DRIP_SECONDS = 0.25
_MAINTENANCE = (
    "<!DOCTYPE html><html lang='fr'><head><title>Maintenance</title></head>"
    "<body><h1>Site en maintenance</h1></body></html>"
)


class Fault(StrEnum):
    """What can go wrong with an answer."""

    HTTP_503 = "http_503"
    HTTP_429 = "http_429"
    HTML_200 = "html_200"
    TRUNCATE = "truncate"
    SLOW = "slow"
    RESET = "reset"


@dataclass
class Plan:
    """A fault for the next `times` requests below a prefix."""

    endpoint: str
    fault: Fault
    times: int


@dataclass
class FaultBoard:
    """The plans in force, shared between the server's thread and a test's."""

    _plans: list[Plan] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, endpoint: str, fault: Fault | str, times: int = 1) -> None:
        """Makes the next `times` requests below `endpoint` fail.

        Args:
            endpoint: Endpoint id, or a longer path such as
                `yelo_gbfs/station_status.json`.
            fault: What goes wrong.
            times: How many requests it happens to.

        Raises:
            ValueError: an unknown endpoint or fault, or less than one time.
        """
        known = endpoints()
        if endpoint.strip("/").split("/")[0] not in known:
            msg = f"unknown endpoint {endpoint!r}: one of {', '.join(known)}"
            raise ValueError(msg)
        if times < 1:
            msg = f"times is {times}: at least 1"
            raise ValueError(msg)
        with self._lock:
            self._plans.append(Plan(endpoint.strip("/"), Fault(fault), times))

    def clear(self) -> None:
        """Forgets every plan."""
        with self._lock:
            self._plans.clear()

    def listed(self) -> list[dict[str, str | int]]:
        """The plans in force with the times that are left."""
        with self._lock:
            return [
                {"endpoint": p.endpoint, "fault": p.fault.value, "times": p.times}
                for p in self._plans
            ]

    def take(self, path: str) -> Fault | None:
        """The fault of a request to `path`, counted; the oldest plan comes first."""
        asked = path.strip("/")
        with self._lock:
            for plan in self._plans:
                if asked == plan.endpoint or asked.startswith(f"{plan.endpoint}/"):
                    plan.times -= 1
                    if not plan.times:
                        self._plans.remove(plan)
                    return plan.fault
        return None


_CONDITIONS = {b"if-none-match", b"if-modified-since"}


@dataclass(frozen=True)
class FaultMiddleware:
    """ASGI layer that lets planned requests fail."""

    app: ASGIApp
    board: FaultBoard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers well, or as badly as the board says."""
        fault = self.board.take(scope["path"]) if scope["type"] == "http" else None
        match fault:
            case None:
                await self.app(scope, receive, send)
            case Fault.RESET:
                await _reset(scope, receive)
            case Fault.TRUNCATE:
                body = await self._begin(scope, receive, send)
                await _truncate(scope, body, receive, send)
            case Fault.SLOW:
                body = await self._begin(scope, receive, send)
                await _drip(body, receive, send)
            case _:
                await _REPLACEMENTS[fault]()(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> bytes:
        """Sends the headers of the good answer; returns its body, which is not sent.

        It is asked for without a condition: a 304 would have no body to misdeliver.
        """
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        headers = [h for h in scope["headers"] if h[0] not in _CONDITIONS]
        await self.app({**scope, "headers": headers}, receive, keep)
        await send(sent[0])
        return b"".join(message.get("body", b"") for message in sent[1:])


def _unavailable() -> Response:
    wait = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return PlainTextResponse("Service indisponible", 503, wait)


def _too_many() -> Response:
    wait = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return PlainTextResponse("Trop de requêtes", 429, wait)


def _maintenance() -> Response:
    return HTMLResponse(_MAINTENANCE)


_REPLACEMENTS: dict[Fault, Callable[[], Response]] = {
    Fault.HTTP_503: _unavailable,
    Fault.HTTP_429: _too_many,
    Fault.HTML_200: _maintenance,
}


def _transport(scope: Scope) -> asyncio.Transport:
    transport = scope.get("state", {}).get(TRANSPORT)
    if not isinstance(transport, asyncio.Transport):
        msg = "this fault cuts a connection: run the app with the sandbox's own server"
        raise TypeError(msg)
    return transport


async def _reset(scope: Scope, receive: Receive) -> None:
    """Drops the connection unanswered; a linger of zero makes it a TCP reset."""
    transport = _transport(scope)
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _disconnected(receive)


async def _truncate(scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Half of the body, then the end of the connection."""
    half = body[: len(body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    _transport(scope).close()
    await _disconnected(receive)


async def _drip(body: bytes, receive: Receive, send: Send) -> None:
    """The body in drops, until it is complete or the client has gone."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        for start in range(0, len(body), DRIP_BYTES):
            drop = body[start : start + DRIP_BYTES]
            await send({"type": "http.response.body", "body": drop, "more_body": True})
            done, _ = await asyncio.wait([gone], timeout=DRIP_SECONDS)
            if done:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        gone.cancel()


async def _disconnected(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
