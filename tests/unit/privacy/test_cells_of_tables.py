"""Tables by establishment: nothing forbidden stands there or can be worked out.

The attacker's side shares no code with the protecting one: each tests the other.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_suppression import (
    CellRule,
    primary_cells,
    suppress,
)
from lrtzc_pipelines.privacy.cell_tables import (
    TOTAL,
    UNIT,
    VALUE,
    CellTable,
    Side,
    Tables,
    joint_table,
)

RULE = CellRule(3, 0.85, 0.10, "project policy")
SIDES = ["sector", "commune"]


def cube(frame: pl.DataFrame, *names: str) -> CellTable:
    """The table of some dimensions with every margin."""
    sides = tuple(Side(name, (name,)) for name in names)
    return joint_table([Tables(frame, sides, (dict.fromkeys(names, 0),))])


def table(rows: list[tuple[str, str, str, float]]) -> CellTable:
    frame = pl.DataFrame(rows, schema=[*SIDES, UNIT, VALUE], orient="row")
    return cube(frame, *SIDES)


def invented(sectors: int, communes: int, count: int, seed: int) -> CellTable:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "sector": rng.choice(sectors, count, p=rng.dirichlet(np.ones(sectors))),
            "commune": rng.choice(communes, count, p=rng.dirichlet(np.ones(communes))),
            UNIT: np.arange(count),
            VALUE: rng.lognormal(2, 1.6, count),
        }
    )
    return cube(frame, *SIDES)


def cell(found: CellTable, *categories: str) -> int:
    rows = found.cells.select(SIDES).rows()
    return rows.index(categories)


def hidden(found: CellTable, flags: np.ndarray) -> set[tuple[str, ...]]:
    return set(found.cells.filter(pl.Series(flags)).select(SIDES).rows())


FEW = [
    *[("a", "x", f"ax{n}", 10.0) for n in range(5)],
    *[("a", "y", f"ay{n}", 10.0) for n in range(5)],
    *[("b", "x", f"bx{n}", 10.0) for n in range(5)],
    ("b", "y", "by0", 10.0),
    ("b", "y", "by1", 10.0),
]


def test_cells_and_margins_add_up() -> None:
    found = table(FEW)
    assert found.values[cell(found, "a", TOTAL)] == 100
    assert found.values[cell(found, TOTAL, TOTAL)] == 170
    assert found.units[cell(found, TOTAL, "y")] == 7
    for relation in found.relations:
        parts = sum(found.values[part] for part in relation.parts)
        assert found.values[relation.total] == pytest.approx(parts)


def test_a_unit_counts_once_however_often_it_contributes() -> None:
    found = table([("a", "x", "u", 4.0)] * 6)
    assert found.units[cell(found, "a", "x")] == 1
    assert found.largest[cell(found, TOTAL, TOTAL)] == 24


@pytest.mark.parametrize(
    ("tonnes", "is_forbidden"),
    [
        ([5, 5], True),
        ([5, 5, 5], False),
        ([85, 10, 5], False),
        ([86, 9, 5], True),
        ([], False),
    ],
)
def test_too_few_units_or_one_that_dominates_forbid_a_cell(
    tonnes: list[float],
    is_forbidden: bool,  # noqa: FBT001 - a case
) -> None:
    rows = [("a", "x", f"u{n}", float(t)) for n, t in enumerate(tonnes)]
    found = table([*rows, *[("b", "y", f"v{n}", 10.0) for n in range(9)]])
    flags = primary_cells(found, RULE)
    if tonnes:
        assert flags[cell(found, "a", "x")] == is_forbidden
    assert not flags[cell(found, TOTAL, TOTAL)]


def test_a_forbidden_cell_takes_others_along() -> None:
    found = table(FEW)
    done = suppress(found, RULE)
    assert hidden(found, done.primary) == {("b", "y")}
    # Alone it would be the row's total minus the rest, and so would two of a line.
    assert len(hidden(found, done.all)) >= 4
    assert attack(found, done.all, RULE) == []


def test_what_adds_up_gives_a_lone_suppressed_cell_away() -> None:
    found = table(FEW)
    only_primary = primary_cells(found, RULE)
    (breach, *_) = attack(found, only_primary, RULE)
    assert breach.attack == "sums"
    assert (breach.low, breach.high) == pytest.approx((20, 20))


def test_a_published_forbidden_cell_is_a_breach() -> None:
    found = table(FEW)
    none = np.zeros(found.count, dtype=bool)
    assert {b.attack for b in attack(found, none, RULE)} == {"published"}


def test_a_unit_alone_in_its_cell_cannot_work_out_its_neighbour() -> None:
    rows = [
        ("a", "x", "alone", 50.0),
        ("a", "y", "other", 50.0),
        *[("a", "z", f"az{n}", 10.0) for n in range(4)],
        *[("b", c, f"b{c}{n}", 10.0) for c in "xyz" for n in range(4)],
    ]
    found = table(rows)
    # Two suppressed cells in a line hide each other from everybody but their units.
    both = primary_cells(found, RULE)
    assert both.sum() == 2
    naive = both.copy()
    for side in ("x", "y"):
        naive[cell(found, "b", side)] = True
    assert {b.attack for b in attack(found, naive, RULE)} >= {"unit"}
    assert attack(found, suppress(found, RULE).all, RULE) == []


def test_suppressed_cells_of_a_sum_are_one_cell_together() -> None:
    rows = [
        ("a", "x", "giant", 1000.0),
        ("a", "y", "dwarf", 1.0),
        *[("a", "z", f"az{n}", 10.0) for n in range(4)],
        *[("b", c, f"b{c}{n}", 300.0) for c in "xyz" for n in range(4)],
    ]
    found = table(rows)
    flags = np.zeros(found.count, dtype=bool)
    for side in ("x", "y"):
        for sector in "ab":
            flags[cell(found, sector, side)] = True
    assert {b.attack for b in attack(found, flags, RULE)} >= {"union"}
    assert attack(found, suppress(found, RULE).all, RULE) == []


@pytest.mark.parametrize("units", [1, 2])
def test_a_table_of_one_cell_is_secret_throughout(units: int) -> None:
    found = table([("a", "x", f"u{n}", 5.0 + n) for n in range(units)])
    done = suppress(found, RULE)
    assert done.all.all()
    assert attack(found, done.all, RULE) == []


def test_tables_of_three_sides_are_protected_too() -> None:
    rng = np.random.default_rng(5)
    frame = pl.DataFrame(
        {
            "sector": rng.integers(0, 4, 300),
            "commune": rng.integers(0, 4, 300),
            "waste": rng.integers(0, 3, 300),
            UNIT: np.arange(300),
            VALUE: rng.lognormal(1, 1.5, 300),
        }
    )
    found = cube(frame, "sector", "commune", "waste")
    assert primary_cells(found, RULE).any()
    assert attack(found, suppress(found, RULE).all, RULE) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_table_withstands_every_attack(seed: int) -> None:
    found = invented(20, 18, 4000, seed)
    done = suppress(found, RULE)
    assert attack(found, done.all, RULE) == []
    assert {b.attack for b in attack(found, done.primary, RULE)} >= {"sums"}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("xyz"),
            st.integers(0, 30),
            st.integers(1, 500),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_table_is_protected(
    rows: list[tuple[str, str, int, int]],
) -> None:
    found = table([(s, c, f"u{u}", float(t)) for s, c, u, t in rows])
    done = suppress(found, RULE)
    assert attack(found, done.all, RULE) == []


def test_negative_quantities_are_refused() -> None:
    with pytest.raises(LrtzcError, match="negative"):
        table([("a", "x", "u", -1.0)])
