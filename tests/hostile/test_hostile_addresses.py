"""Services that lead elsewhere in the middle of paging.

By a redirect, or by what they say of the next page, of a feed or of a file. Nothing
may be asked of any address but the service's own, and the error has to say so.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paged import PROTOCOLS, Protocol
from plays import MOST_REQUESTS, Play, stage
from services import Canary, answer

SNEAKY = "sneaky.example"
"""A name of the outside that leads to this machine."""

OUTSIDE = "town.example"
"""The name of an endpoint that is not on this machine, as far as can be seen."""

FORBIDDEN = {
    "the private network": "https://10.0.0.1/secret",
    "the private network in plain": "http://10.0.0.1/secret",
    "the machine's metadata": "https://169.254.169.254/latest/meta-data/",
    "the machine's metadata in plain": "http://169.254.169.254/latest/meta-data/",
    "this machine": "https://127.0.0.1:{canary}/",
    "this machine in plain": "http://127.0.0.1:{canary}/",
    "this machine by name": "https://localhost:{canary}/",
    "this machine by the sixth version": "https://[::1]:{canary}/",
    "this machine by the fourth in the sixth": "https://[::ffff:127.0.0.1]:{canary}/",
    "this machine as one number": "https://2130706433:{canary}/",
    "this machine as no number": "https://0.0.0.0:{canary}/",
    "this machine by a name of the outside": f"https://{SNEAKY}:{{canary}}/",
    "a name that is none": "https://nowhere.example/",
    "another origin in plain": "http://elsewhere.example/",
    "a name before the service's own": "https://town.example@127.0.0.1:{canary}/",
    "a file": "file:///etc/passwd",
    "another protocol": "gopher://127.0.0.1:{canary}/",
    "an address of a hundred thousand letters": "{own}" + "x" * 100_000,
    "a name of a hundred thousand letters": f"https://{'x' * 100_000}.example/",
    "an impossible port": "https://service.example:99999/",
}
HOSTS = ("127.0.0.1", OUTSIDE)


@dataclass
class Outside:
    """What is not the service.

    Attributes:
        canary: A port that nothing may connect to.
        asked: Every port that was connected to.
    """

    canary: int
    asked: set[int]


@pytest.fixture
def outside(
    monkeypatch: pytest.MonkeyPatch, bounded: Callable[..., None], canary: Canary
) -> Outside:
    """Names lead where these tests say."""
    bounded(dataset_requests=MOST_REQUESTS)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    resolve, connect = socket.getaddrinfo, socket.create_connection
    found = Outside(canary.port, set())

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in {OUTSIDE, SNEAKY}:
            host = "127.0.0.1"
        elif str(host).endswith("example"):
            raise socket.gaierror
        return resolve(host, port, *args, **kwargs)

    def create_connection(address: Any, *args: Any, **kwargs: Any) -> Any:
        found.asked.add(address[1])
        return connect(address, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    return found


LINKS = {kind: protocol for kind, protocol in PROTOCOLS.items() if protocol.is_link}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
@pytest.mark.parametrize("leads", FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_a_redirect_in_the_middle_is_not_followed(
    leads: str,
    protocol: Protocol,
    host: str,
    outside: Outside,
    tmp_path: Path,
) -> None:
    with stage(protocol, tmp_path, host=host, is_held=True) as on_stage:
        location = leads.format(canary=outside.canary, own=on_stage.url)
        moved = answer(b"moved", "302 Found", Location=location)
        on_stage.plays(Play(protocol, twist=lambda _: moved))
        on_stage.error()
        assert outside.asked == {on_stage.server.port}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("protocol", LINKS.values(), ids=list(LINKS))
@pytest.mark.parametrize("leads", FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_an_address_in_an_answer_is_not_followed(
    leads: str,
    protocol: Protocol,
    host: str,
    outside: Outside,
    tmp_path: Path,
) -> None:
    with stage(protocol, tmp_path, host=host, is_held=True) as on_stage:
        following = leads.format(canary=outside.canary, own=on_stage.url)
        on_stage.plays(Play(protocol, following=following))
        on_stage.error()
        assert outside.asked == {on_stage.server.port}
        assert on_stage.refused
