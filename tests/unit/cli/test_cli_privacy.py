"""`lrtzc privacy` and `lrtzc retention`, as a person calls them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from lrtzc_pipelines.cli.app import app
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise_budget import BudgetAccount, Charge
from lrtzc_pipelines.raw_store import RawStore, Snapshot, Writer

SOURCE = "ademe_dpe_dwellings"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path))
    return Layout(tmp_path)


def said(*command: str) -> str:
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_new_series_is_started_and_written_down(layout: Layout) -> None:
    layout.raw(SOURCE)
    ledger = Ledger(layout.ledger("live", SOURCE), SOURCE)
    cells = pl.DataFrame({"_region": ["a"], "_cell": ["a"]})
    ledger.record({"k": 11}, cells, cells)
    assert ledger.editions()
    said("privacy", "restart", SOURCE, "--reason", "DPO, 24 November")
    assert not ledger.editions()
    (line,) = layout.restarts.read_text().splitlines()
    told = json.loads(line)
    assert (told["source"], told["reason"]) == (SOURCE, "DPO, 24 November")
    (aside,) = told["set_aside"]
    kept = {path.name for path in (layout.data_dir / aside).rglob("*.parquet")}
    assert kept == {"cells.parquet"}


def test_a_new_series_does_not_give_a_budget_back(layout: Layout) -> None:
    layout.raw(SOURCE)
    ledger = Ledger(layout.ledger("live", SOURCE), SOURCE)
    cells = pl.DataFrame({"_region": ["a"], "_cell": ["a"]})
    ledger.record({"k": 11}, cells, cells)
    account = BudgetAccount(ledger)
    charge = Charge(1, "2026-01-01", 2026, 0.5, 2, "2026-03-01T00:00:00+00:00")
    account.path.write_text(json.dumps([asdict(charge)]))
    said("privacy", "restart", SOURCE, "--reason", "DPO, 24 November")
    assert account.spent() == {2026: 0.5}
    assert ledger.series_number == 2


def test_a_new_series_needs_a_reason(layout: Layout) -> None:
    done = CliRunner().invoke(app, ["privacy", "restart", SOURCE])
    assert done.exit_code == 2
    assert not (layout.data_dir / "journal").exists()


def test_what_is_past_its_time_is_shown_and_then_deleted(layout: Layout) -> None:
    old = (datetime.now(UTC) - timedelta(days=5000)).isoformat()
    store = RawStore(layout.raw(SOURCE))
    with Writer(store) as writer:
        snapshot = Snapshot("s", SOURCE, "r", old, "live", "etalab-2.0", "c", None, ())
        writer.seal([], snapshot)
    refused = layout.quarantine(SOURCE) / "rows.parquet"
    refused.write_bytes(b"x")
    assert "nothing is kept longer" in said("retention", "--source", "insee_iris")
    assert store.latest()
    said("retention", "--purge")
    assert store.latest() is None
    assert refused.exists()
