"""`lrtzc privacy canaries`: the list of a seed, and whether any got out."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtzc_pipelines.canaries.invented import Canary
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sandbox import planted

WORD = "tolazopivomata"
CANARY = Canary("town_counts", "phone", 3, f"Kanari-{WORD}", (WORD,))


@pytest.fixture(autouse=True)
def one_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        planted, "planted_canaries", lambda seed: (CANARY,) * (seed > 0)
    )


@pytest.fixture
def arrived(layout: Layout) -> Layout:
    (layout.raw("town_counts") / "blob").write_text(CANARY.value)
    return layout


def test_the_list_is_by_source_and_column(lrtzc) -> None:
    (row,) = lrtzc("privacy", "canaries", "--json").rows
    assert row["value"] == CANARY.value
    said = lrtzc("privacy", "canaries")
    assert (said.code, CANARY.value in said.out) == (0, False)
    assert "town_counts" in said.out


def test_canaries_that_never_came_in_prove_nothing(lrtzc, layout: Layout) -> None:
    said = lrtzc("privacy", "canaries", "--check")
    assert said.code == 1
    assert "came in" in said.err


def test_a_few_of_another_seed_prove_nothing(
    lrtzc, arrived: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        Canary("town_counts", "phone", n, f"w{n}" * 6, (f"w{n}" * 6,))
        for n in range(4, 9)
    ]
    monkeypatch.setattr(planted, "planted_canaries", lambda _: (CANARY, *others))
    said = lrtzc("privacy", "canaries", "--check")
    assert said.code == 1
    assert "came in" in said.err


def test_none_that_got_out_is_said_with_what_was_looked_at(
    lrtzc, arrived: Layout
) -> None:
    (arrived.private("logs") / "refresh.log").write_text("all is well")
    said = lrtzc("privacy", "canaries", "--check")
    assert said.code == 0
    assert "1 of 1 canaries came in, none got out: 1 files" in said.out


def test_one_that_got_out_is_told_by_its_place(
    lrtzc, arrived: Layout, tmp_path: Path
) -> None:
    (arrived.private("logs") / "refresh.log").write_text(f"failed at {WORD.upper()}")
    (tmp_path / "elsewhere.txt").write_text(WORD.encode().hex())
    looked = ("privacy", "canaries", "--check", f"--also={tmp_path / 'elsewhere.txt'}")
    said = lrtzc(*looked, "--json")
    assert said.code == 1
    assert {(row["source"], row["column"], row["number"]) for row in said.rows} == {
        ("town_counts", "phone", 3)
    }
    assert [row["encoding"] for row in said.rows] == ["text", "hexadecimal"]
    assert WORD not in said.out
