"""Aggregates of enough persons, and what becomes of those that are too few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lrtzc_pipelines.privacy.aggregates import aggregate, is_once_per_cell
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.protection import AggregateProtection

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def policy(**changes: Any) -> AggregateProtection:
    fields: dict[str, Any] = {
        "release": "aggregate",
        "source": "Eleven households, as for local energy data.",
        "subject": "meter",
        "dimensions": [
            {"name": "slot", "column": "at", "description": "Début de la période."},
            {"name": "area", "column": "area", "description": "Commune."},
        ],
        "grains": [
            {"slot": "30m", "area": "value"},
            {"slot": "1d", "area": "value"},
            {"slot": "1d", "area": "all"},
        ],
        "measures": [
            {
                "name": "energy_wh",
                "column": "wh",
                "function": "sum",
                "unit": "Wh",
                "description": "Énergie.",
            },
            {
                "name": "mean_wh",
                "column": "wh",
                "function": "mean",
                "unit": "Wh",
                "description": "Énergie moyenne.",
            },
            {"name": "reading_count", "function": "rows", "description": "Relevés."},
        ],
        "min_subjects": 3,
    }
    return AggregateProtection.model_validate(fields | changes)


def readings(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """Rows of meter, area, half-hour of the day and energy."""
    return pl.DataFrame(
        {
            "meter": [r[0] for r in rows],
            "area": [r[1] for r in rows],
            "at": [NOON + timedelta(minutes=30 * r[2]) for r in rows],
            "wh": [r[3] for r in rows],
        },
        schema={
            "meter": pl.String,
            "area": pl.String,
            "at": pl.Datetime("us", "UTC"),
            "wh": pl.Float64,
        },
    )


def test_cells_of_enough_persons_go_on_as_they_are() -> None:
    found = aggregate(
        readings(
            *[(f"m{n}", "A", slot, 10.0 + n) for slot in (0, 1) for n in range(3)]
        ),
        policy(),
    )
    assert found.suppressed == 0
    assert found.cells.select("slot_grain", "area", "subject_count").rows() == [
        ("30m", "A", 3),
        ("30m", "A", 3),
    ]
    assert found.cells["energy_wh"].to_list() == [33, 33]
    assert found.cells["mean_wh"].to_list() == [11, 11]
    assert found.cells["reading_count"].to_list() == [3, 3]


def test_a_day_with_one_poor_half_hour_falls_back_as_a_whole() -> None:
    rows = [(f"m{n}", "A", 0, 10.0) for n in range(3)]
    rows += [(f"m{n}", "A", 1, 10.0) for n in range(2)]
    found = aggregate(readings(*rows), policy())
    assert found.cells.select("slot_grain", "subject_count", "energy_wh").rows() == [
        ("1d", 3, 50.0)
    ]
    assert [grain.cells for grain in found.grains] == [0, 1, 0]


def test_areas_that_are_too_small_are_told_together() -> None:
    rows = [(f"{area}{n}", area, 0, 10.0) for area in "AB" for n in range(2)]
    found = aggregate(readings(*rows), policy())
    (cell,) = found.cells.to_dicts()
    assert (cell["area"], cell["area_grain"], cell["subject_count"]) == (None, "all", 4)


def test_what_is_too_few_even_together_is_left_out_and_counted() -> None:
    found = aggregate(readings(("m1", "A", 0, 1.0), ("m2", "B", 0, 1.0)), policy())
    assert found.cells.is_empty()
    assert (found.suppressed, found.row_count) == (2, 2)


def test_persons_are_counted_and_not_their_rows() -> None:
    rows = [("m1", "A", slot, 10.0) for slot in range(20)]
    found = aggregate(readings(*rows), policy(grains=[{"slot": "1d", "area": "value"}]))
    assert found.cells.is_empty()


def test_persons_are_counted_where_nothing_is_told_of_the_time() -> None:
    """Rows of one person do not rise in a time that is taken away."""
    rows = [("m1", "A", slot, 10.0) for slot in range(20)]
    for nothing in ({"slot": "all", "area": "value"}, {"slot": "all", "area": "all"}):
        assert aggregate(readings(*rows), policy(grains=[nothing])).cells.is_empty()


def test_one_person_may_not_dominate_a_sum() -> None:
    rows = [("giant", "A", 0, 1000.0), *[(f"m{n}", "A", 0, 1.0) for n in range(9)]]
    assert aggregate(readings(*rows), policy()).cells.is_empty()
    only_means = policy(measures=[policy().measures[1].model_dump()])
    assert aggregate(readings(*rows), only_means).cells.height == 1


def test_rows_of_nobody_are_in_no_cell() -> None:
    frame = readings(*[(f"m{n}", "A", 0, 1.0) for n in range(3)])
    nobody = frame.with_columns(pl.lit(None, pl.String).alias("meter"))
    found = aggregate(pl.concat([frame, nobody]), policy())
    assert found.cells["subject_count"].to_list() == [3]
    assert found.suppressed == 3


@pytest.mark.parametrize("repeated", [False, True])
def test_values_that_are_all_absent_lose_no_row(*, repeated: bool) -> None:
    rows = [(f"m{n}", "A", 0, 1.0) for n in range(4)]
    frame = readings(*rows, *(rows if repeated else ()))
    frame = frame.with_columns(pl.lit(None, pl.Float64).alias("wh"))
    done = aggregate(frame, policy())
    assert done.suppressed == 0
    (cell,) = done.cells.to_dicts()
    assert (cell["subject_count"], cell["reading_count"]) == (4, frame.height)
    assert (cell["energy_wh"], cell["mean_wh"]) == (0.0, None)


def test_a_null_is_a_value_of_a_dimension() -> None:
    frame = readings(*[(f"m{n}", "A", 0, 1.0) for n in range(6)])
    half = frame.with_columns(
        pl.when(pl.col("meter") < "m3").then(pl.col("area")).alias("area")
    )
    found = aggregate(half, policy())
    assert found.cells.select("area", "area_grain").rows() == [
        ("A", "value"),
        (None, "value"),
    ]


def test_the_subject_is_in_no_cell() -> None:
    found = aggregate(readings(*[(f"m{n}", "A", 0, 1.0) for n in range(3)]), policy())
    assert "meter" not in found.cells.columns


ROWS = st.lists(
    st.tuples(
        st.sampled_from([f"m{n}" for n in range(8)]),
        st.sampled_from("ABC"),
        st.integers(0, 5),
        st.floats(0, 1000),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(3, 5))
def test_every_row_counts_once_and_every_cell_is_of_enough_persons(
    rows: list[tuple[str, str, int, float]], fewest: int
) -> None:
    frame = readings(*rows)
    asked = policy(min_subjects=fewest)
    found = aggregate(frame, asked)
    assert found.cells["reading_count"].sum() + found.suppressed == frame.height
    assert (found.cells["subject_count"] >= fewest).all()
    # Counted again from the rows, by no code of ours.
    for cell in found.cells.to_dicts():
        end = cell["slot"] + timedelta(
            days=1 if cell["slot_grain"] == "1d" else 0.5 / 24
        )
        inside = {
            r[0]
            for r, at in zip(rows, frame["at"], strict=True)
            if cell["slot"] <= at < end and cell["area"] in {r[1], None}
        }
        assert len(inside) >= cell["subject_count"] >= fewest


@settings(deadline=None)
@given(ROWS)
def test_the_quick_way_and_the_careful_way_agree(
    rows: list[tuple[str, str, int, float]],
) -> None:
    frame = readings(*rows).unique(["meter", "at", "area"], keep="first")
    in_order = aggregate(frame.sort("meter", "at"), policy())
    mixed = aggregate(frame.sample(fraction=1, shuffle=True, seed=1), policy())
    assert in_order.cells.drop("energy_wh", "mean_wh").equals(
        mixed.cells.drop("energy_wh", "mean_wh")
    )
    for name in ("energy_wh", "mean_wh"):
        assert in_order.cells[name].to_list() == pytest.approx(
            mixed.cells[name].to_list()
        )


@pytest.mark.parametrize(
    ("rows", "proven"),
    [
        ([("m1", "A", 0, 1.0), ("m1", "A", 1, 1.0), ("m2", "A", 0, 1.0)], True),
        ([("m1", "A", 0, 1.0), ("m1", "A", 0, 1.0)], False),
        ([("m1", "A", 0, 1.0), ("m2", "A", 0, 1.0), ("m1", "A", 1, 1.0)], False),
        ([], True),
    ],
)
def test_rows_that_rise_prove_that_nobody_counts_twice(
    rows: list[tuple[str, str, int, float]],
    proven: bool,  # noqa: FBT001 - a case
) -> None:
    assert is_once_per_cell(readings(*rows), "meter", ["at", "area"]) == proven


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("value", NOON),
        ("all", None),
        ("1h", NOON),
        ("1d", datetime(2026, 3, 1, 23, tzinfo=UTC)),
        ("1mo", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("hour_of_day", 13),
        ("day_type", "working_day"),
    ],
)
def test_moments_are_taken_by_the_clock_on_the_wall(
    what: str, expected: object
) -> None:
    frame = pl.DataFrame({"at": [NOON]})
    assert frame.select(take("at", frame.schema["at"], what)).item() == expected


@pytest.mark.parametrize(
    ("what", "value", "expected"),
    [
        ("first:5", "173000101", "17300"),
        ("first:5", None, None),
        ("below:3,6,9", 2, "<3"),
        ("below:3,6,9", 3, "3-6"),
        ("below:3,6,9", 9, ">=9"),
        ("below:3,6,9", None, None),
        ("below:3", 1, "<3"),
    ],
)
def test_codes_and_numbers_become_coarser(
    what: str, value: object, expected: object
) -> None:
    kind = pl.String if isinstance(value, str) or "first" in what else pl.Int64
    frame = pl.DataFrame({"v": [value]}, schema={"v": kind})
    assert frame.select(take("v", frame.schema["v"], what)).item() == expected


@pytest.mark.parametrize("what", ["1h", "hour_of_day", "day_type"])
def test_a_time_is_not_taken_of_a_text(what: str) -> None:
    with pytest.raises(ValueError, match="is taken of a moment"):
        take("v", pl.String(), what)


@pytest.mark.parametrize(
    "changes",
    [
        {"grains": [{"slot": "30m"}]},
        {"grains": [{"slot": "soon", "area": "value"}]},
        {"min_subjects": 2},
        {"max_share": 1.5},
        {"source": "?"},
        {"measures": [{"name": "n", "function": "sum", "description": "xxx"}]},
        {"measures": []},
        {"extra": 1},
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(**changes)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_rows_in_any_order_make_the_same_cells_to_the_last_digit(random: Any) -> None:
    rows = [(f"m{n}", "a", 24, random.choice([0.1, 82.168, 1e6 / 7])) for n in range(9)]
    other = random.sample(rows, len(rows))
    one, two = (aggregate(readings(*each), policy()).cells for each in (rows, other))
    assert one.rows() == two.rows()
