"""Exact counts before noise: every cell, each person once, none in too many."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_trips import COMMUNES, ENOUGH, SPEC, noisy, trips

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.privacy.code_tables import OTHER
from lrtzc_pipelines.privacy.contributions import REGION
from lrtzc_pipelines.privacy.noise_counts import (
    COUNT,
    clamped_counts,
    due_periods,
)
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.sources.spec import SourceSpec

SIDES = ["origin_commune_code", "destination_commune_code", "day_type"]
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
Trip = tuple[int | None, str, str, int]


def policy_of(spec: SourceSpec = SPEC) -> NoiseProtection:
    assert isinstance(spec.protection, NoiseProtection)
    return spec.protection


def frame(made: list[Trip]) -> pl.DataFrame:
    schema = {c.name: TYPES[c.type] for c in SPEC.columns}
    rows = [
        {
            "depositor_id": "velo",
            "trip_id": f"t{n}",
            "user_id": None if who is None else f"user-{who}",
            "origin_commune_code": origin,
            "origin_longitude": None,
            "origin_latitude": None,
            "destination_commune_code": destination,
            "departed_at": START + timedelta(days=day),
        }
        for n, (who, origin, destination, day) in enumerate(made)
    ]
    return pl.DataFrame(rows, schema=schema)


def counts(
    made: list[Trip], spec: SourceSpec = SPEC, salt: str = "s"
) -> dict[tuple[str, ...], int]:
    found = clamped_counts(frame(made), policy_of(spec), [JANUARY, FEBRUARY], salt)
    return {row[:-1]: row[-1] for row in found.cells.rows()}


made_trips = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 5)),
        st.sampled_from([*COMMUNES, "79191"]),
        st.sampled_from([*COMMUNES, "17414"]),
        st.integers(0, 60),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(made=made_trips, max_cells=st.integers(1, 5), who=st.integers(0, 5))
def test_one_person_changes_the_counts_of_a_period_by_no_more_than_is_said(
    made: list[Trip], max_cells: int, who: int
) -> None:
    spec = noisy(max_cells=max_cells)
    with_all = counts(made, spec)
    without = counts([trip for trip in made if trip[0] != who], spec)
    for period in ("2026-01-01", "2026-02-01"):
        change = sum(
            abs(count - without[cell])
            for cell, count in with_all.items()
            if cell[0] == period
        )
        assert change <= max_cells


@settings(max_examples=50, deadline=None)
@given(made=made_trips)
def test_the_cells_do_not_depend_on_the_rows(made: list[Trip]) -> None:
    assert counts(made).keys() == counts([]).keys()
    assert len(counts([])) == 2 * 29 * 4 * 2


def test_a_person_counts_once_in_a_cell() -> None:
    told = counts([(1, "17300", "17010", day) for day in range(5)] * 3)
    assert told["2026-01-01", "17300", "17010", "working_day"] == 1
    assert sum(told.values()) == 1


def test_nobody_is_counted_nowhere() -> None:
    assert sum(counts([(None, "17300", "17010", 0)]).values()) == 0


def test_values_that_are_not_of_the_public_ones_are_others() -> None:
    told = counts([(1, "79191", "99999", 0), (2, "2A004", "", 0)])
    assert told["2026-01-01", OTHER, OTHER, "working_day"] == 2


def test_which_cells_are_left_out_is_chosen_by_the_key_alone() -> None:
    made = [(1, origin, to, 0) for origin in COMMUNES for to in COMMUNES]
    one = counts(made)
    assert sum(one.values()) == 2
    assert counts(made[::-1]) == one
    crowd = [*made, *((n, "17300", "17300", 0) for n in range(2, 40))]
    assert {c for c, n in one.items() if n} <= {
        c for c, n in counts(crowd).items() if n
    }
    chosen = {
        frozenset(c for c, n in counts(made, salt=f"s{k}").items() if n)
        for k in range(12)
    }
    assert len(chosen) > 1


def test_what_the_bound_leaves_out_is_told_as_a_share() -> None:
    rows = frame([(1, origin, to, 0) for origin in COMMUNES for to in COMMUNES])
    found = clamped_counts(rows, policy_of(), [JANUARY], "s")
    assert found.left_out == pytest.approx(7 / 9)
    assert clamped_counts(frame([]), policy_of(), [JANUARY], "s").left_out == 0


@pytest.mark.parametrize(
    ("collected", "months"),
    [
        (date(2026, 1, 31), 0),
        (date(2026, 2, 20), 0),
        (date(2026, 2, 21), 1),
        (date(2026, 3, 20), 1),
        (date(2026, 3, 21), 2),
        (ENOUGH, 3),
        # Nothing later has come.
        (date(2030, 1, 1), 3),
    ],
)
def test_a_period_is_due_when_it_is_over_and_later_rows_have_come(
    collected: date, months: int
) -> None:
    rows = trips(np.random.default_rng(0))
    assert len(due_periods(rows, policy_of(), collected)) == months


def test_a_row_of_the_future_makes_nothing_due() -> None:
    rows = frame([(1, "17300", "17300", 3650), (2, "17300", "17300", 0)])
    assert due_periods(rows, policy_of(), ENOUGH) == []
    assert due_periods(frame([]), policy_of(), ENOUGH) == []


def test_days_begin_at_midnight_here() -> None:
    """23:30 in UTC on the last of January is February in La Rochelle."""
    rows = frame([(1, "17300", "17300", 0)]).with_columns(
        pl.lit(datetime(2026, 1, 31, 23, 30, tzinfo=UTC)).alias("departed_at")
    )
    found = clamped_counts(rows, policy_of(), [JANUARY, FEBRUARY], "s").cells
    assert found.filter(pl.col(COUNT) > 0)[REGION].to_list() == ["2026-02-01"]
