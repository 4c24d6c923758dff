"""What every connector's test shares."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _without_certificates() -> Iterator[None]:
    """No service here speaks TLS, and reading certificates is most of a client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
        yield
