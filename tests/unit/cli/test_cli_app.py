"""How every command ends: one sentence and an exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import locked


def test_the_command_is_a_program_that_ends_with_the_code_of_its_error(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lrtzc_pipelines.cli.app", "query", "select 1"],
        env={"LRTZC_DATA_DIR": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "no release yet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("query",), ("refresh", "--x")])
def test_a_wrong_call_ends_with_2(lrtzc, arguments: tuple[str, ...]) -> None:
    assert lrtzc(*arguments).code == 2


def test_a_setting_that_is_no_number_is_named(
    lrtzc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRTZC_KEEP_RELEASES", "ten")
    said = lrtzc("releases", "list")
    assert said.code == 2
    assert "LRTZC_KEEP_RELEASES" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("refresh", "--source", "nobody_nothing"),
        ("quarantine", "show", "nobody_nothing"),
        ("quarantine", "replay", "nobody_nothing"),
        ("sources", "check", "nobody_nothing"),
        ("sources", "case", "nobody_nothing"),
    ],
)
def test_an_unknown_source_ends_with_2_and_the_known_ones(
    lrtzc, arguments: tuple[str, ...]
) -> None:
    said = lrtzc(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "nobody_nothing" in said.err
    assert "yelo_bike_stations" in said.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id: [", "essai_lignes.yaml: not readable as YAML"),
        ("id: essai_lignes\ntitel: x\n", "essai_lignes.yaml: titel: unknown key"),
        ("id: essai_lignes\naxis: 11\n", "essai_lignes.yaml: axis: "),
    ],
)
def test_a_bad_specification_is_told_with_file_and_field(
    lrtzc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    (tmp_path / "endpoints.yaml").write_text("{}\n")
    (tmp_path / "essai_lignes.yaml").write_text(text)
    monkeypatch.setenv("LRTZC_SOURCES_DIR", str(tmp_path))
    said = lrtzc("sources", "list")
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_a_second_refresh_is_told_that_one_is_under_way(lrtzc, layout: Layout) -> None:
    with locked(layout.lock("refresh"), "a refresh"):
        said = lrtzc("refresh", "--source", "yelo_bike_stations")
    assert said.code == 75
    assert "a refresh is already running" in said.err
