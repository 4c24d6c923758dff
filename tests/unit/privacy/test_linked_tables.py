"""Tables that share cells: safe together, and not only one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_suppression import (
    CellRule,
    Given,
    primary_cells,
    suppress,
)
from lrtzc_pipelines.privacy.cell_tables import (
    UNIT,
    VALUE,
    CellTable,
    Side,
    Tables,
    joint_table,
)

RULE = CellRule(3, 0.85, 0.10, "project policy")
WASTE = Side("waste", ("waste", "chapter"))
TREATMENT, SECTOR = Side("treatment", ("treatment",)), Side("sector", ("sector",))
SIDES = (WASTE, TREATMENT, SECTOR)
BY_TREATMENT = {"waste": 0, "treatment": 0}
BY_SECTOR = {"waste": 1, "sector": 0}

Row = tuple[str, str, str, str, float]
"""Waste, of which the first letter is the chapter; treatment, sector, unit, tonnes."""


def framed(rows: list[Row]) -> pl.DataFrame:
    names = ["waste", "treatment", "sector", UNIT, VALUE]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(pl.col("waste").str.head(1).alias("chapter"))


def made(rows: list[Row], *tables: dict[str, int]) -> CellTable:
    return joint_table([Tables(framed(rows), SIDES, tables)])


def places(of: CellTable, within: CellTable) -> list[int]:
    """Where the cells of some tables stand among those of more tables."""
    rows = within.cells.rows()
    return [rows.index(row) for row in of.cells.rows()]


def cell(table: CellTable, waste: str, treatment: str, sector: str) -> int:
    names = ["waste", "treatment", "sector"]
    return table.cells.select(names).rows().index((waste, treatment, sector))


def firms(waste: str, treatment: str, sector: str, count: int, tonnes: float) -> Any:
    """Equal firms that hand over so much together."""
    return [
        (waste, treatment, sector, f"{waste}{treatment}{sector}{n}", tonnes / count)
        for n in range(count)
    ]


# The total of chapter a has to be secret: two firms. One table is cheapest to protect
# with the total of c, which has a small cell there, the other one with that of b.
ONE_BY_ONE = [
    *firms("a1", "R", "s", 2, 30.0),
    *firms("b1", "R", "s", 3, 10.0),
    *firms("b1", "R", "t", 3, 50.0),
    *firms("c1", "R", "s", 3, 15.0),
    *firms("c1", "D", "s", 3, 45.0),
    *firms("d1", "D", "t", 9, 900.0),
    *firms("d1", "R", "s", 9, 900.0),
]


def one_by_one(rows: list[Row]) -> tuple[CellTable, np.ndarray]:
    """Both tables, and what stays secret if each is protected by itself."""
    joint = made(rows, BY_TREATMENT, BY_SECTOR)
    hidden = np.ones(joint.count, dtype=bool)
    for table in (BY_TREATMENT, BY_SECTOR):
        alone = made(rows, table)
        done = suppress(alone, RULE)
        assert attack(alone, done.all, RULE) == []
        here = places(alone, joint)
        hidden[here] &= done.all
    return joint, hidden


def test_a_cell_of_several_tables_is_one_cell() -> None:
    joint = made(ONE_BY_ONE, BY_TREATMENT, BY_SECTOR)
    assert joint.cells.is_unique().all()
    total = cell(joint, "b", "(total)", "(total)")
    assert joint.values[total] == pytest.approx(60)
    # Its codes, its treatments and its sectors add up to it.
    assert len([r for r in joint.relations if r.total == total]) == 3
    for relation in joint.relations:
        parts = sum(joint.values[part] for part in relation.parts)
        assert joint.values[relation.total] == pytest.approx(parts)


def test_tables_protected_one_by_one_give_each_other_away() -> None:
    joint, hidden = one_by_one(ONE_BY_ONE)
    assert {"sums"} <= {breach.attack for breach in attack(joint, hidden, RULE)}


def test_tables_protected_together_do_not() -> None:
    joint = made(ONE_BY_ONE, BY_TREATMENT, BY_SECTOR)
    done = suppress(joint, RULE)
    assert attack(joint, done.all, RULE) == []
    assert not done.all[cell(joint, "(total)", "(total)", "(total)")]


def test_any_secondary_cell_that_is_shown_is_told_by_the_attack() -> None:
    joint = made(ONE_BY_ONE, BY_TREATMENT, BY_SECTOR)
    done = suppress(joint, RULE)
    assert done.secondary.any()
    for shown in np.flatnonzero(done.secondary):
        fewer = done.all.copy()
        fewer[shown] = False
        assert attack(joint, fewer, RULE), joint.cells.row(int(shown))


def test_margins_are_nested() -> None:
    rows = [
        *firms("a1", "R", "s", 4, 40.0),
        *firms("a2", "R", "s", 4, 60.0),
        *firms("b1", "R", "s", 4, 80.0),
    ]
    joint = made(rows, {"waste": 0})
    (chapter,) = (r for r in joint.relations if len(r.parts) == 2 and r.total == 2)
    assert joint.cells["waste"].to_list() == ["a1", "a2", "a", "b1", "b", "(total)"]
    assert joint.cells["waste_level"].to_list() == [0, 0, 1, 0, 1, 2]
    assert chapter.parts == (0, 1)
    assert joint.values.tolist() == pytest.approx([40, 60, 100, 80, 80, 180])


def test_a_code_alone_in_its_chapter_takes_the_chapter_along() -> None:
    rows = [
        *firms("a1", "R", "s", 2, 40.0),
        *firms("b1", "R", "s", 4, 60.0),
        *firms("c1", "R", "s", 4, 60.0),
    ]
    joint = made(rows, {"waste": 0})
    done = suppress(joint, RULE)
    assert done.primary[[0, 1]].all()
    assert attack(joint, done.all, RULE) == []


def test_codes_in_two_chapters_are_refused() -> None:
    frame = framed([("a1", "R", "s", "u", 1.0), ("a1", "R", "s", "v", 1.0)])
    torn = frame.with_columns(pl.Series("chapter", ["a", "b"]))
    with pytest.raises(LrtzcError, match="waste: a level tears apart"):
        joint_table([Tables(torn, (WASTE,), ({"waste": 0},))])


def test_a_category_that_looks_like_a_margin_is_refused() -> None:
    frame = framed([("a1", "(total)", "s", "u", 1.0)])
    with pytest.raises(LrtzcError, match=r"treatment: .* is a margin"):
        joint_table([Tables(frame, SIDES, ({"treatment": 0},))])


def test_a_unit_alone_in_a_cell_of_one_table_knows_it_in_the_other() -> None:
    rows = [
        *firms("a1", "R", "s", 1, 50.0),
        *firms("a1", "R", "t", 4, 50.0),
        ("a1", "D", "t", "a1Rs0", 20.0),
        *firms("a1", "D", "s", 2, 30.0),
        *firms("b1", "R", "s", 5, 90.0),
        *firms("b1", "D", "t", 5, 90.0),
    ]
    joint = made(rows, BY_TREATMENT, BY_SECTOR)
    done = suppress(joint, RULE)
    assert attack(joint, done.all, RULE) == []


def test_a_unit_in_several_cells_knows_all_of_them_at_once() -> None:
    # Each of the cells of one unit alone does not give the neighbor away: both do.
    rows = [
        ("a", "R", "s", "one", 50.0),
        ("a", "D", "s", "one", 40.0),
        ("a", "E", "s", "two", 45.0),
        *[("b", t, "s", f"{t}{n}", 10.0) for t in "RDE" for n in range(5)],
    ]
    joint = made(rows, {"waste": 1, "treatment": 0})
    flags = primary_cells(joint, RULE)
    for treatment in "RDE":
        flags[cell(joint, "b", treatment, "(total)")] = True
    # Nobody would publish the total of two units; it is what there is to attack with.
    flags[cell(joint, "a", "(total)", "(total)")] = False
    target = cell(joint, "a", "E", "(total)")
    found = {b.cell: b for b in attack(joint, flags, RULE) if b.attack == "unit"}
    assert found[target].low == pytest.approx(45)
    assert found[target].high == pytest.approx(45)


def test_what_is_public_already_is_not_suppressed_again() -> None:
    joint = made(ONE_BY_ONE, BY_TREATMENT, BY_SECTOR)
    first = made(ONE_BY_ONE, BY_TREATMENT)
    done, here = suppress(first, RULE), places(first, joint)
    shown, hidden = np.zeros((2, joint.count), dtype=bool)
    shown[here], hidden[here] = ~done.all, done.all
    second = suppress(joint, RULE, Given(shown, hidden))
    assert not (second.all & shown).any()
    assert (second.all >= hidden).all()
    assert attack(joint, second.all, RULE) == []


def test_what_public_cells_give_away_for_good_is_refused() -> None:
    rows = [
        *firms("a1", "R", "s", 1, 50.0),
        *firms("a1", "R", "t", 2, 50.0),
        *firms("b1", "R", "s", 5, 90.0),
        *firms("b1", "R", "t", 5, 90.0),
    ]
    joint, first = made(rows, BY_SECTOR, {"waste": 1}), made(rows, {"waste": 1})
    shown = np.zeros(joint.count, dtype=bool)
    shown[places(first, joint)] = True
    nothing = np.zeros(joint.count, dtype=bool)
    # Whoever is alone in a sector takes itself off the total that is public.
    with pytest.raises(LrtzcError, match=r"cannot be protected.*coarser categories"):
        suppress(joint, RULE, Given(shown, nothing))
    assert attack(joint, suppress(joint, RULE).all, RULE) == []


def test_a_forbidden_cell_that_is_public_already_is_refused() -> None:
    rows = [*firms("a1", "R", "s", 2, 50.0), *firms("b1", "R", "s", 5, 90.0)]
    joint = made(rows, BY_SECTOR)
    shown = np.ones(joint.count, dtype=bool)
    with pytest.raises(LrtzcError, match="cells that must be secret are published"):
        suppress(joint, RULE, Given(shown, ~shown))


def test_sources_with_other_rows_are_not_one_table() -> None:
    other = [*ONE_BY_ONE[:-1], (*ONE_BY_ONE[-1][:4], 101.0)]
    sources = [
        Tables(framed(rows), SIDES, (table,))
        for rows, table in ((ONE_BY_ONE, BY_TREATMENT), (other, BY_SECTOR))
    ]
    with pytest.raises(LrtzcError, match="not all units or quantities"):
        joint_table(sources)


def test_sources_with_the_same_rows_are() -> None:
    frame = framed(ONE_BY_ONE)
    # The second source holds them added up otherwise, and has no treatments.
    added = frame.group_by("waste", "chapter", "sector", UNIT).agg(pl.col(VALUE).sum())
    joint = joint_table(
        [
            Tables(frame, (WASTE, TREATMENT), (BY_TREATMENT,)),
            Tables(added, (WASTE, SECTOR), (BY_SECTOR,)),
        ]
    )
    same = made(ONE_BY_ONE, BY_TREATMENT, BY_SECTOR)
    assert joint.cells.rows() == same.cells.rows()
    assert joint.values.tolist() == pytest.approx(same.values.tolist())
    assert joint.relations == same.relations
    shared = joint.sources[0].members & joint.sources[1].members
    assert set(joint.cells.filter(pl.Series(shared))["treatment"]) == {"(total)"}


CONTRIBUTIONS = st.lists(
    st.tuples(
        st.sampled_from(["a1", "a2", "a3", "b1", "b2", "c1"]),
        st.sampled_from("RDE"),
        st.sampled_from("stuv"),
        st.integers(0, 25),
        st.integers(0, 400),
    ),
    min_size=1,
    max_size=60,
)
PAIRS = st.sampled_from(
    [
        (BY_TREATMENT, BY_SECTOR),
        ({"waste": 1, "treatment": 0}, BY_SECTOR),
        ({"treatment": 0, "sector": 0}, {"waste": 0, "treatment": 0}),
        ({"treatment": 0}, {"waste": 0}),
        ({"waste": 0, "sector": 0}, {"waste": 0, "treatment": 0}),
    ]
)


def drawn(rows: list[tuple[str, str, str, int, int]]) -> list[Row]:
    return [(w, t, s, f"u{u}", float(v)) for w, t, s, u, v in rows]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(CONTRIBUTIONS, PAIRS)
def test_no_pair_of_tables_gives_a_secret_away(
    rows: list[tuple[str, str, str, int, int]],
    tables: tuple[dict[str, int], dict[str, int]],
) -> None:
    joint = made(drawn(rows), *tables)
    done = suppress(joint, RULE)
    assert (done.all >= primary_cells(joint, RULE)).all()
    assert attack(joint, done.all, RULE) == []


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(CONTRIBUTIONS, PAIRS)
def test_the_second_of_two_is_safe_beside_the_first_or_refused(
    rows: list[tuple[str, str, str, int, int]],
    tables: tuple[dict[str, int], dict[str, int]],
) -> None:
    frame = framed(drawn(rows))
    # Neither source knows what only the other one tells.
    first, second = (
        Tables(
            frame.group_by(*(c for s in sides for c in s.levels), UNIT).agg(
                pl.col(VALUE).sum()
            ),
            sides,
            (table,),
        )
        for table in tables
        for sides in [tuple(s for s in SIDES if s.name in table)]
    )
    alone, joint = joint_table([first]), joint_table([second, first])
    done, theirs = suppress(alone, RULE), joint.sources[1].members
    shown, hidden = np.zeros((2, joint.count), dtype=bool)
    names = [name for name in alone.cells.columns if name in joint.cells.columns]
    order = alone.cells.select(names).rows()
    for place in np.flatnonzero(theirs):
        secret = done.all[order.index(joint.cells.select(names).row(int(place)))]
        (hidden if secret else shown)[place] = True
    try:
        found = suppress(joint, RULE, Given(shown, hidden))
    except LrtzcError:
        return
    assert not (found.all & shown).any()
    assert attack(joint, found.all, RULE) == []
