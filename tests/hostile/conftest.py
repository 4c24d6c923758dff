"""What every hostile test shares: bounds that end an attack in a moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from services import Canary, limits

from lrtzc_pipelines import collecting


@pytest.fixture(scope="module", autouse=True)
def _without_waiting_for_the_disk() -> Iterator[None]:
    """No power fails here, and a thousand snapshots are a thousand flushes.

    By module, not session: what runs next in this process must flush again.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Collections within small bounds; call it for others."""

    def bound(**changes: Any) -> None:
        found = limits(**changes)
        monkeypatch.setattr(collecting.registry, "limits", lambda _: found)

    bound()
    return bound


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    assert not canary.was_asked
    canary.close()
