"""Counts with noise from night to night: drawn once, paid for first, then frozen."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from noisy_trips import (
    ENOUGH,
    POLICY,
    SPEC,
    TRIPS,
    hold,
    ledger_of,
    noisy,
    released,
    trips,
)

from lrtzc_pipelines import anonymizing
from lrtzc_pipelines.anonymizing import REPORT, write_anonymized
from lrtzc_pipelines.errors import AuditFailed, PrivacyError, SettingsError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy import noise_releasing
from lrtzc_pipelines.privacy.audit import CHECKS, Finding
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise_budget import BudgetAccount
from lrtzc_pipelines.publishing.privacy_manifest import privacy_manifest
from lrtzc_pipelines.states import DATA, read_json

LATER = date(2026, 6, 21)


@pytest.fixture
def rows() -> pl.DataFrame:
    return trips(np.random.default_rng(7))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_of(tmp_path)


def more_rows(rows: pl.DataFrame, days: int = 0) -> pl.DataFrame:
    """As many trips again, of other persons."""
    others = pl.col("user_id") + "-bis", pl.col("trip_id") + "-bis"
    moved = pl.col("departed_at") + pl.duration(days=days)
    return pl.concat([rows, rows.with_columns(*others, moved)])


def held_back(done: Any) -> int:
    return int(done.report["private"]["regions_held_back"])


def test_a_released_period_stays_as_it_was_whatever_comes_late(
    rows: pl.DataFrame, ledger: Ledger
) -> None:
    first = released(rows, ledger)
    assert first.report["republication"] == {
        "regions_released_anew": 3,
        "regions_unchanged": 0,
    }
    again = released(rows, ledger)
    assert again.rows.equals(first.rows)
    assert held_back(again) == 0
    late = released(more_rows(rows), ledger)
    assert late.rows.equals(first.rows)
    assert held_back(late) == 3
    assert BudgetAccount(ledger).spent() == {2026: 1.5}


def test_rows_that_are_purged_are_not_late(rows: pl.DataFrame, ledger: Ledger) -> None:
    first = released(rows, ledger)
    spring = datetime(2026, 4, 5, tzinfo=UTC)
    gone = released(rows.filter(pl.col("departed_at") > spring), ledger)
    assert gone.rows.equals(first.rows)
    assert held_back(gone) == 0
    assert released(rows.clear(), ledger).rows.equals(first.rows)


def test_a_new_period_joins_those_that_stay(rows: pl.DataFrame, ledger: Ledger) -> None:
    first = released(rows, ledger)
    longer = more_rows(rows, days=30)
    second = released(longer, ledger, day=LATER)
    assert second.report["republication"] == {
        "regions_released_anew": 1,
        "regions_unchanged": 3,
    }
    kept = second.rows.filter(pl.col("month") < datetime(2026, 3, 31, 22, tzinfo=UTC))
    assert kept.equals(first.rows)
    assert second.rows.height == first.rows.height * 4 // 3


def test_another_epsilon_is_of_periods_to_come(
    rows: pl.DataFrame, ledger: Ledger
) -> None:
    first = released(rows, ledger)
    second = released(more_rows(rows, 30), ledger, noisy(epsilon=0.25), LATER)
    assert second.rows.filter(pl.col("noise_scale") == 4.0).equals(first.rows)
    assert (second.rows["noise_scale"] == 8.0).sum() == first.rows.height // 3
    assert BudgetAccount(ledger).spent() == {2026: 1.75}


def test_other_cells_need_a_new_series(rows: pl.DataFrame, ledger: Ledger) -> None:
    released(rows, ledger)
    fewer = POLICY["categories"] | {"destination_commune_code": ["17300"]}
    with pytest.raises(PrivacyError, match="categories of its protection changed"):
        released(rows, ledger, noisy(categories=fewer))


def test_nothing_is_due_before_the_first_period_is_over(
    rows: pl.DataFrame, ledger: Ledger
) -> None:
    done = released(rows, ledger, day=date(2026, 1, 20))
    assert done.rows.is_empty()
    assert done.rows.columns == [c.name for c in SPEC.published_columns]
    assert not BudgetAccount(ledger).path.exists()
    assert not ledger.editions()


def test_the_ledger_knows_nobody(rows: pl.DataFrame, ledger: Ledger) -> None:
    released(rows, ledger)
    (edition,) = ledger.editions()
    assert edition.persons is not None
    assert edition.persons.is_empty()
    told = b"".join(p.read_bytes() for p in ledger.folder.rglob("*") if p.is_file())
    assert b"user-1" not in told


def test_without_the_library_nothing_is_paid(
    rows: pl.DataFrame, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(**_: float) -> None:
        msg = "not installed"
        raise SettingsError(msg)

    monkeypatch.setattr(noise_releasing, "mechanism", absent)
    with pytest.raises(SettingsError):
        released(rows, ledger)
    assert not BudgetAccount(ledger).path.exists()


def test_it_is_paid_before_it_is_drawn(
    rows: pl.DataFrame, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed:
        scale = 4.0

        def __call__(self, _: list[int]) -> list[int]:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(noise_releasing, "mechanism", lambda **_: Killed())
        with pytest.raises(KeyboardInterrupt):
            released(rows, ledger)
    assert BudgetAccount(ledger).spent() == {2026: 1.5}
    assert not ledger.editions()
    released(rows, ledger)
    assert BudgetAccount(ledger).spent() == {2026: 1.5}


def test_days_and_weeks_without_other_sides(rows: pl.DataFrame, tmp_path: Path) -> None:
    for every, since, count in (("1w", "2025-12-29", 16), ("1d", "2026-01-01", 100)):
        spec = noisy(
            dimensions=POLICY["dimensions"][:1],
            takes={"month": every},
            categories={},
            since=since,
            epsilon=0.01,
            max_cells=1,
        )
        done = released(rows, ledger_of(tmp_path / every), spec)
        assert done.rows.height >= count
        assert done.rows["month"].is_unique().all()


# The whole way


@pytest.fixture
def layout(tmp_path: Path, rows: pl.DataFrame) -> Layout:
    layout = Layout(tmp_path)
    hold(layout, rows)
    return layout


def written(layout: Layout) -> bytes:
    return (layout.anonymized(TRIPS) / DATA).read_bytes()


def test_what_comes_late_changes_no_byte(layout: Layout, rows: pl.DataFrame) -> None:
    state, changed = write_anonymized(SPEC, layout, run_id="r1")
    assert changed
    assert state.row_count == 3 * 232
    first = written(layout)
    hold(layout, more_rows(rows))
    after, changed = write_anonymized(SPEC, layout, run_id="r2")
    assert not changed
    assert written(layout) == first
    assert after.content_sha256 == state.content_sha256
    assert after.data_changed_at == state.data_changed_at
    hold(layout, rows.clear())
    assert not write_anonymized(SPEC, layout, run_id="r3")[1]


def test_the_report_says_what_it_cost_and_no_exact_count(
    layout: Layout, rows: pl.DataFrame
) -> None:
    write_anonymized(SPEC, layout, run_id="r1")
    hold(layout, more_rows(rows))
    write_anonymized(SPEC, layout, run_id="r2")
    report = read_json(layout.anonymized(TRIPS) / REPORT)
    assert report["epsilon"] == 0.5
    assert report["max_cells"] == 2
    assert report["noise_scale"] == 4
    assert report["budget"] == {
        "epsilon": 6,
        "per": "1y",
        "years": {"2026": {"spent": 1.5, "left": 4.5}},
    }
    assert set(report["audit"]) == set(CHECKS)
    assert "row_count" not in report
    assert report["private"]["regions_held_back"] == 3
    share = report["private"]["clamped_share"]
    assert 0 < share < 1
    assert share == round(share, 2)


def test_what_the_public_reads_depends_on_no_row(
    layout: Layout, rows: pl.DataFrame
) -> None:
    def told() -> Any:
        write_anonymized(SPEC, layout, run_id="r")
        return privacy_manifest({TRIPS: SPEC}, layout, {TRIPS})[TRIPS]["protection"]

    told()
    before = told()
    hold(layout, more_rows(rows))
    assert told() == before
    assert "private" not in before
    assert before["budget"]["years"] == {"2026": {"spent": 1.5, "left": 4.5}}


def test_a_failed_audit_publishes_nothing_and_is_not_paid_twice(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failed = [Finding("thresholds", passed=False)]
        patch.setattr(anonymizing, "audit", lambda *_, **__: failed)
        with pytest.raises(AuditFailed):
            write_anonymized(SPEC, layout, run_id="r1")
    assert list(layout.anonymized(TRIPS).iterdir()) == []
    write_anonymized(SPEC, layout, run_id="r2")
    account = BudgetAccount(Ledger(layout.ledger("live", TRIPS), TRIPS))
    assert account.spent() == {2026: 1.5}


def test_a_run_killed_after_the_ledger_publishes_what_it_says(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(anonymizing, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            write_anonymized(SPEC, layout, run_id="r1")
    ledger = Ledger(layout.ledger("live", TRIPS), TRIPS)
    (edition,) = ledger.editions()
    write_anonymized(SPEC, layout, run_id="r2")
    names = [column.name for column in SPEC.published_columns]
    found = pl.read_parquet(layout.anonymized(TRIPS) / DATA)
    assert found.equals(edition.cells.select(names).sort(names))
    assert len(ledger.editions()) == 1


def test_the_collection_decides_what_is_over(
    layout: Layout, rows: pl.DataFrame
) -> None:
    hold(layout, rows, date(2026, 3, 20))
    assert write_anonymized(SPEC, layout, run_id="r1")[0].row_count == 232
    hold(layout, rows, ENOUGH)
    assert write_anonymized(SPEC, layout, run_id="r2")[0].row_count == 3 * 232
