"""The running server: where it binds, how it starts and stops."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import httpx
import pytest

from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    create_replay_app,
    endpoint_overrides,
    serve,
)
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.registry import load_endpoints

EVERY_INTERFACE = [str(IPv4Address(0)), str(IPv6Address(0)), ""]
OPEN_HOSTS = [*EVERY_INTERFACE, "192.0.2.1", "sandbox.example"]


@pytest.mark.parametrize("host", OPEN_HOSTS)
def test_a_host_that_is_not_loopback_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        RunningSandbox(create_app(World()), host=host)


@pytest.mark.parametrize("host", OPEN_HOSTS)
def test_the_foreground_server_refuses_it_too(host: str) -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        serve(create_app(World()), host=host, port=0)


def test_a_sandbox_answers_while_the_block_lasts() -> None:
    with RunningSandbox(create_app(World())) as base_url:
        assert httpx.get(f"{base_url}/yelo_gbfs/gbfs.json").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/yelo_gbfs/gbfs.json")


def test_a_sandbox_stops_when_the_block_fails() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        RunningSandbox(create_app(World())) as base_url,
    ):
        divmod(1, 0)
    with pytest.raises(httpx.ConnectError):
        httpx.get(base_url)


def test_a_sandbox_takes_the_given_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with RunningSandbox(create_app(World()), port=port) as base_url:
        assert base_url == f"http://127.0.0.1:{port}"


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OSError, match="in use"),
            RunningSandbox(create_app(World()), port=port),
        ):
            pass


def test_feeds_stay_on_the_port_that_was_asked() -> None:
    with RunningSandbox(create_app(World())) as base_url:
        discovery = httpx.get(f"{base_url}/yelo_gbfs/gbfs.json").json()
        for feed in discovery["data"]["feeds"]:
            assert feed["url"].startswith(f"{base_url}/yelo_gbfs/")


def test_two_servers_give_the_same_bytes() -> None:
    query = (
        "?service=getData&key=k&db=patrimoine&table=pat_bati&format=xml"
        "&offset=1&limit=5000"
    )
    bodies = []
    for _ in range(2):
        with RunningSandbox(create_app(World())) as base_url:
            webservice = endpoint_overrides(base_url)["larochelle_webservice"]
            bodies.append(httpx.get(f"{webservice}{query}").content)
    assert bodies[0] == bodies[1]


def test_every_declared_endpoint_has_an_address() -> None:
    overrides = endpoint_overrides("http://127.0.0.1:1/")
    over_http = {
        name
        for name, endpoint in load_endpoints().items()
        if endpoint.base_url.startswith("http")
    }
    assert set(overrides) == over_http
    assert overrides["larochelle_webservice"] == (
        "http://127.0.0.1:1/larochelle_webservice/webservice/"
    )
    assert overrides["dgcl_banatic"] == "http://127.0.0.1:1/dgcl_banatic/"


def test_a_replayed_directory_needs_no_world(tmp_path: Path) -> None:
    (tmp_path / "logement_conso2023.csv").write_bytes(b"Id\n1\n")
    with RunningSandbox(create_replay_app(tmp_path)) as base_url:
        answer = httpx.get(f"{base_url}/agence_ore/logement_conso2023.csv")
    assert answer.content == b"Id\n1\n"
