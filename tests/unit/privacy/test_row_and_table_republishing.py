"""Tables of firms and rows of dwellings that follow each other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from protected_rows import DWELLINGS, WASTE, dwellings, frame_of, renumbered

from lrtzc_pipelines.privacy.audit import audit
from lrtzc_pipelines.privacy.cell_units import unit_rows
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.protecting import protect_source
from lrtzc_pipelines.privacy.releasing import Releasable, release
from lrtzc_pipelines.privacy.table_republishing import settle_tables
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.spec import SourceSpec


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger", "town")


def published(spec: SourceSpec, rows: pl.DataFrame, ledger: Ledger) -> Releasable:
    done = release(spec, rows, ledger)
    done.write_down(ledger)
    return done


def passes(
    spec: SourceSpec, written: pl.DataFrame, rows: pl.DataFrame, ledger: Ledger
) -> bool:
    out = ledger.folder.parent / "out.parquet"
    validated = ledger.folder.parent / "validated.parquet"
    written.write_parquet(out)
    rows.write_parquet(validated)
    return all(f.passed for f in audit(spec, out, validated, ledger))


def held(done: Releasable) -> int:
    return int(done.report["republication"]["regions_held_back"])


def waste(firms: range, months: range, tonnes: float = 10.0) -> list[dict[str, Any]]:
    return [
        {
            "depositor_id": "recyclage",
            "establishment_siret": f"000000000{firm:05}",
            "commune_code": "17300",
            "activity_division_code": "38.11Z",
            "month": date(2025, month, 1),
            "waste_code": code,
            "treatment_code": "R3",
            "mass_tonnes": tonnes + firm,
        }
        for firm in firms
        for month in months
        for code in ("150101", "170107")
    ]


def town(*parts: list[dict[str, Any]]) -> pl.DataFrame:
    return frame_of(WASTE, [row for part in parts for row in part])


def test_a_month_of_everybody_goes_on(ledger: Ledger) -> None:
    published(WASTE, town(waste(range(6), range(1, 3))), ledger)
    rows = town(waste(range(6), range(1, 4)))
    done = published(WASTE, rows, ledger)
    assert held(done) == 0
    expected = protect_source(WASTE, rows).rows
    assert done.rows.equals(expected.sort(expected.columns, nulls_last=True))
    assert passes(WASTE, done.rows, rows, ledger)


@pytest.mark.parametrize("late", [range(6, 7), range(6, 8)])
def test_a_late_firm_waits(ledger: Ledger, late: range) -> None:
    first = published(WASTE, town(waste(range(6), range(1, 3))), ledger)
    rows = town(waste(range(6), range(1, 3)), waste(late, range(1, 2)))
    done = published(WASTE, rows, ledger)
    assert held(done) == 1
    assert done.rows.equals(first.rows)
    assert passes(WASTE, done.rows, rows, ledger)
    assert not passes(WASTE, protect_source(WASTE, rows).rows, rows, ledger)


def test_a_change_that_one_firm_makes_up_waits(ledger: Ledger) -> None:
    first = published(WASTE, town(waste(range(9), range(1, 13))), ledger)
    rows = town(
        waste(range(9), range(1, 13)),
        waste(range(20, 22), range(1, 2), tonnes=1.0),
        waste(range(30, 31), range(1, 2), tonnes=700.0),
    )
    done = published(WASTE, rows, ledger)
    assert done.rows.equals(first.rows)
    assert not passes(WASTE, protect_source(WASTE, rows).rows, rows, ledger)


def test_another_year_is_free_to_go_on(ledger: Ledger) -> None:
    first = published(WASTE, town(waste(range(6), range(1, 3))), ledger)
    next_year = [
        row | {"month": date(2026, 1, 1)} for row in waste(range(6), range(1, 2))
    ]
    late = waste(range(6, 7), range(1, 2))
    rows = town(waste(range(6), range(1, 3)), late, next_year)
    done = published(WASTE, rows, ledger)
    assert done.report["republication"] == {
        "regions_released_anew": 1,
        "regions_unchanged": 0,
        "regions_held_back": 1,
    }
    assert done.rows.filter(pl.col("year") == date(2025, 1, 1)).equals(first.rows)


def test_a_year_whose_rows_are_gone_stays_and_passes(ledger: Ledger) -> None:
    first = published(WASTE, town(waste(range(6), range(1, 3))), ledger)
    rows = town([])
    done = published(WASTE, rows, ledger)
    assert done.rows.equals(first.rows)
    assert passes(WASTE, done.rows, rows, ledger)


def test_what_was_secret_stays_secret(ledger: Ledger) -> None:
    """A cell shown later would tell what it hid beside it."""
    few = [row for row in waste(range(6, 8), range(1, 3)) if row["waste_code"] > "16"]
    many = waste(range(6), range(1, 3))
    first = published(WASTE, town(many[::2], few), ledger)
    secret = pl.col("mass_tonnes_state") == "secret"
    assert first.rows.filter(secret).height
    more = [row | {"month": date(2025, 3, 1)} for row in many[1::2]]
    rows = town(many[::2], few, more, waste(range(6), range(4, 5)))
    careless = protect_source(WASTE, rows).rows
    assert not careless.filter(secret).height
    assert not passes(WASTE, careless, rows, ledger)
    done = published(WASTE, rows, ledger)
    assert done.rows.filter(secret).height
    assert passes(WASTE, done.rows, rows, ledger)


def moved(firms: range, tonnes: float = 1.0) -> list[dict[str, Any]]:
    """The first months of some firms, told of another activity by as much."""
    rows = waste(firms, range(1, 2), tonnes)
    return [row | {"activity_division_code": "47.11F"} for row in rows]


def test_what_moves_must_not_leave_one_firm_in_a_sum(ledger: Ledger) -> None:
    """Three firms and one more in a cell: but the three only came from another."""
    shops, depots = range(6), range(10, 16)
    first = published(
        WASTE, town(waste(shops, range(1, 3)), moved(depots, 10.0)), ledger
    )
    rows = town(
        waste(shops, range(1, 3)),
        moved(range(10, 13), 10.0),
        waste(range(13, 16), range(1, 2)),
        waste(range(30, 31), range(1, 2)),
    )
    done = published(WASTE, rows, ledger)
    assert done.rows.equals(first.rows)
    assert held(done) == 1
    assert not passes(WASTE, protect_source(WASTE, rows).rows, rows, ledger)


def test_a_change_that_only_one_of_the_tables_tells_is_held(ledger: Ledger) -> None:
    """Waste by treatment stays the same: by activity, two firms change."""
    shops, others = waste(range(6), range(1, 3)), waste(range(10, 16), range(1, 3))
    bakers = [row | {"activity_division_code": "10.71C"} for row in others]
    first = published(WASTE, town(shops, bakers), ledger)
    again = [
        row | {"activity_division_code": "38.11Z"}
        if row["establishment_siret"][-2:] in {"10", "11"}
        else row
        for row in bakers
    ]
    rows = town(shops, again)
    done = published(WASTE, rows, ledger)
    assert done.rows.equals(first.rows)
    assert held(done) == 1
    assert not passes(WASTE, protect_source(WASTE, rows).rows, rows, ledger)


def test_tables_of_linked_sources_wait_for_the_end_of_the_year(ledger: Ledger) -> None:
    policy = WASTE.protection
    assert isinstance(policy, CellProtection)
    linked = policy.model_copy(update={"linked": ("other_source",)})
    rows = town(waste(range(6), range(1, 3)))
    tables = protect_source(WASTE, rows).rows
    for now, count in (
        (datetime(2025, 12, 31, 22, tzinfo=UTC), 0),
        (datetime(2025, 12, 31, 23, tzinfo=UTC), tables.height),
    ):
        done = settle_tables(unit_rows(rows, policy), tables, linked, ledger, now)
        assert done.cells.height == count
        assert done.report["regions_held_back"] == (count == 0)


def test_a_class_waits_for_enough_dwellings(ledger: Ledger) -> None:
    rows = dwellings(np.random.default_rng(1))
    first = published(DWELLINGS, rows, ledger)
    one_more = pl.concat([rows, renumbered(rows.head(3))])
    then = published(DWELLINGS, one_more, ledger)
    assert held(then) >= 1
    assert then.rows.equals(first.rows)
    assert passes(DWELLINGS, then.rows, one_more, ledger)
    assert not passes(
        DWELLINGS,
        protect_source(DWELLINGS, one_more, ledger.series["levels"]).rows,
        one_more,
        ledger,
    )


def test_enough_dwellings_join_at_the_levels_of_the_first_release(
    ledger: Ledger,
) -> None:
    rows = dwellings(np.random.default_rng(1))
    first = published(DWELLINGS, rows, ledger)
    twice = pl.concat([rows, renumbered(rows)])
    then = published(DWELLINGS, twice, ledger)
    assert then.rows.height > first.rows.height
    assert then.report["levels"] == first.report["levels"]
    assert passes(DWELLINGS, then.rows, twice, ledger)


def test_rows_are_known_again_in_any_order(ledger: Ledger) -> None:
    rows = dwellings(np.random.default_rng(1))
    first = published(DWELLINGS, rows, ledger)
    again = published(DWELLINGS, rows.reverse(), ledger)
    assert again.rows.equals(first.rows)
    assert len(ledger.editions()) == 1
