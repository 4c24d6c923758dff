"""The command line in this process, a copied catalogue, and a small release."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lrtzc_pipelines.cli import app, doctor
from lrtzc_pipelines.cli import sources as sources_cli
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.publishing import release
from lrtzc_pipelines.publishing.inputs import ReleaseInput
from lrtzc_pipelines.publishing.warehouse import FILE
from lrtzc_pipelines.sources.checkout import PROJECT, Checkout


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What a command printed with --json, which must be a list of objects."""
        rows = json.loads(self.out)
        assert isinstance(rows, list)
        assert all(isinstance(row, dict) for row in rows)
        return rows


Command = Callable[..., Said]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def lrtzc(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs `lrtzc` with some arguments, on a data directory of its own."""
    for name in list(os.environ):
        if name.startswith("LRTZC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LRTZC_DATA_DIR", str(layout.data_dir))
    # A terminal's width must not break the lines that tests look for.
    monkeypatch.setenv("COLUMNS", "400")

    def run(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["lrtzc", *arguments])
        try:
            code = app.main()
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        return Said(int(code or 0), out, err)

    return run


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A copy of the catalogue's files, which commands then use and may write."""
    copy = Checkout.at(tmp_path / "clone")
    own = Checkout.at(PROJECT)
    for name in ("sources", "suites", "staging", "cases"):
        shutil.copytree(getattr(own, name), getattr(copy, name))
    monkeypatch.setattr(sources_cli, "PROJECT", tmp_path / "clone")
    monkeypatch.setattr(doctor, "PROJECT", tmp_path / "clone")
    return copy


@pytest.fixture
def published(layout: Layout) -> release.ReleaseManifest:
    """A release of one table with two rows, published as the platform does."""
    folder = release.candidate_folder(layout, "run")
    (folder / "parquet").mkdir(parents=True)
    with duckdb.connect(folder / FILE) as con:
        con.execute(
            "create table ref_essai as from (values (1, 'é'), (2, null)) t(n, t)"
        )
        con.execute(f"copy ref_essai to '{folder}/parquet/ref_essai.parquet'")
    manifest = release.ReleaseManifest(
        release_id="20250101T000000Z-00000000",
        created_at="2025-01-01T00:00:00+00:00",
        code_version="0",
        inputs_sha256="0",
        origin="sandbox",
        run_id="run",
        inputs={"essai_lignes": ReleaseInput(source_id="essai_lignes")},
        tables={"ref_essai": 2},
    )
    release.write_manifest(folder, manifest)
    return release.publish(layout, "run", keep=2)
