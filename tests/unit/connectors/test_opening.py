"""The client that every collection opens."""

from __future__ import annotations

import pytest

from lrtzc_pipelines.connectors import opening
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.opening import open_client


def target(url: str) -> Target:
    return Target("town_hall", url, url, 1.0, contact="donnees@town.example")


def test_a_client_says_who_asks_and_follows_nothing() -> None:
    with open_client(target("http://127.0.0.1:9/")) as client:
        assert "donnees@town.example" in client.headers["User-Agent"]
        assert client.headers["Accept-Encoding"] == "gzip"
        assert not client.follow_redirects


def test_only_what_is_elsewhere_goes_through_a_proxy() -> None:
    for url, trusts in (("http://127.0.0.1:9/", False), ("https://a.example/", True)):
        with open_client(target(url)) as client:
            assert client.trust_env is trusts


def test_certificates_are_read_once_for_all_clients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opening._trusted.cache_clear()
    made: list[object] = []
    create = opening.httpx.create_ssl_context
    monkeypatch.setattr(
        opening.httpx,
        "create_ssl_context",
        lambda **options: made.append(options) or create(**options),
    )
    for _ in range(3):
        open_client(target("https://a.example/")).close()
    assert made == [{"trust_env": True}]
