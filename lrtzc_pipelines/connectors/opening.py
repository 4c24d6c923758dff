"""The HTTP library's client, opened as every collection wants it."""

from __future__ import annotations

import ssl
from functools import cache

import httpx

from lrtzc_pipelines.connectors.addresses import Target


def open_client(target: Target) -> httpx.Client:
    """A client that says who asks, follows nothing by itself and unpacks nothing."""
    trust_env = not target.is_loopback
    return httpx.Client(
        headers={"User-Agent": target.user_agent, "Accept-Encoding": "gzip"},
        timeout=httpx.Timeout(30.0, connect=10.0),
        follow_redirects=False,
        trust_env=trust_env,
        verify=_trusted(trust_env=trust_env),
    )


@cache
def _trusted(*, trust_env: bool) -> ssl.SSLContext:
    """The certificates to trust, read once: 20 ms, for each of a night's clients."""
    return httpx.create_ssl_context(trust_env=trust_env)
