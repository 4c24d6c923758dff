"""What a waiting program is told, and how often."""

from __future__ import annotations

import json

import pytest

from lrtzc_pipelines import telling
from lrtzc_pipelines.telling import Teller


def test_an_event_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    Teller().emit("step", step="raw", source_id=None)
    told = capsys.readouterr().out
    assert told.endswith("}\n")
    assert json.loads(told) == {"event": "step", "step": "raw", "source_id": None}


def test_pages_are_told_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10.0, 10.0, 10.1, 10.3, 10.3])
    monkeypatch.setattr(telling.time, "monotonic", lambda: next(clock))
    teller = Teller()
    for pages in (1, 2, 3):
        teller.collecting("town_trees", pages, pages * 100)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["pages"], one["bytes"]) for one in told] == [(1, 100), (3, 300)]
