"""The audit of a protected source as Dagster shows it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from lrtzc_pipelines.assembly import build_platform
from lrtzc_pipelines.assets.anonymized_asset import build_anonymized_asset
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy import releasing
from lrtzc_pipelines.privacy.audit import CHECKS
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.protecting import Protected, protect_source
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA

sys.path.append(str(Path(__file__).parents[1] / "privacy"))
import noisy_trips
from protected_rows import DWELLINGS, dwellings, hold


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    hold(layout, DWELLINGS, dwellings(np.random.default_rng(1)))
    return layout


def night(layout: Layout, spec: SourceSpec = DWELLINGS) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [build_anonymized_asset(spec)],
        resources={
            "platform": build_platform(Settings(data_dir=layout.data_dir)),
            "progress": Progress(),
        },
        raise_on_error=False,
    )


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def test_every_check_of_the_audit_is_shown(layout: Layout) -> None:
    result = night(layout)
    assert result.success
    assert checks(result) == {f"audit_{name}": True for name in CHECKS}
    assert len(result.get_asset_materialization_events()) == 1


def test_a_failed_audit_blocks_and_withdraws_without_a_value(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = "0017E00000000"

    def faulty(
        spec: SourceSpec,
        frame: pl.DataFrame,
        levels: Mapping[str, str] | None,
        _: object,
    ) -> Protected:
        done = protect_source(spec, frame, levels)
        first = pl.int_range(pl.len()) == 0
        leak = pl.when(first).then(pl.lit(number)).otherwise(pl.col("energy_label"))
        return Protected(done.rows.with_columns(energy_label=leak), done.report)

    monkeypatch.setattr(releasing, "protect_source", faulty)
    monkeypatch.setattr(releasing, "row_contributions", classes_as_they_are)
    result = night(layout)
    assert not result.success
    failed = {name for name, passed in checks(result).items() if not passed}
    assert "audit_no_identifier" in failed
    assert not result.get_asset_materialization_events()
    assert not (layout.anonymized(DWELLINGS.id) / DATA).exists()
    assert not any(number in str(event) for event in result.all_events)


def classes_as_they_are(
    _spec: SourceSpec, _frame: pl.DataFrame, rows: pl.DataFrame, *_: object
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A ledger that sees nothing wrong."""
    keyed = rows.with_columns(_region=pl.lit("all"), _cell=pl.lit("all"))
    return keyed, keyed.select("_region", "_cell").with_columns(
        _subject=pl.int_range(pl.len()).cast(pl.String),
        _rows=pl.lit(1, pl.Int64),
        _digest=pl.lit("d"),
    )


def test_counts_with_noise_go_the_same_way(tmp_path: Path) -> None:
    layout, rows = Layout(tmp_path), noisy_trips.trips(np.random.default_rng(1))
    noisy_trips.hold(layout, rows)
    folder = layout.anonymized(noisy_trips.TRIPS)
    told = []
    for _ in range(2):
        result = night(layout, noisy_trips.SPEC)
        assert result.success
        assert checks(result) == {f"audit_{name}": True for name in CHECKS}
        told.append((folder / DATA).read_bytes())
    assert told[0] == told[1]


def test_a_budget_that_is_spent_stops_its_source(tmp_path: Path) -> None:
    layout, rows = Layout(tmp_path), noisy_trips.trips(np.random.default_rng(1))
    noisy_trips.hold(layout, rows)
    ledger = Ledger(layout.ledger("live", noisy_trips.TRIPS), noisy_trips.TRIPS)
    for second in range(4):
        assert night(layout, noisy_trips.SPEC).success
        ledger.restart(datetime(2026, 6, 1, second=second, tzinfo=UTC))
    told = (layout.anonymized(noisy_trips.TRIPS) / DATA).read_bytes()
    result = night(layout, noisy_trips.SPEC)
    assert not result.success
    assert any("the budget of 2026 is 6" in str(event) for event in result.all_events)
    assert not result.get_asset_materialization_events()
    assert (layout.anonymized(noisy_trips.TRIPS) / DATA).read_bytes() == told
