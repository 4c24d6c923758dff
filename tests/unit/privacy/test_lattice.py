"""The search finds what trying every node would find, and visits fewer of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.privacy.classes import (
    Combinations,
    Node,
    combinations,
    leaf_keys,
)
from lrtzc_pipelines.privacy.criteria import Criteria, pairs
from lrtzc_pipelines.privacy.hierarchies import Hierarchy, from_rows
from lrtzc_pipelines.privacy.lattice import search

ADULT = Path(__file__).parents[4] / "shared" / "real" / "adult"
AREAS = [[f"{n}", f"{n // 2}", f"{n // 4}", "*"] for n in range(8)]
AGES = [[f"{n}", f"{n // 3}", "*"] for n in range(9)]
SEXES = [["f", "*"], ["m", "*"]]


Weights = tuple[float, float, float]


def hierarchies(weights: Weights = (1, 1, 1)) -> list[Hierarchy]:
    named = (("area", AREAS), ("age", AGES), ("sex", SEXES))
    return [
        replace(from_rows(name, rows, nulls=False), weight=weight)
        for (name, rows), weight in zip(named, weights, strict=True)
    ]


def table(
    rows: list[tuple[int, int, int]], weights: Weights = (1, 1, 1)
) -> Combinations:
    every = hierarchies(weights)
    columns = [np.array(column, dtype=np.uint8) for column in zip(*rows, strict=True)]
    return combinations(every, leaf_keys(every, columns))


def exhaustive(
    found: Combinations, criteria: Criteria, limit: float
) -> tuple[float, Node, int] | None:
    """The best of all nodes, by definition and not by our table of losses."""
    best = None
    for node in product(*(range(len(h.levels)) for h in found.hierarchies)):
        kept = criteria.protected(found, node)
        suppressed = int(found.rows[~kept].sum())
        if suppressed > limit * found.total:
            continue
        lost = 0.0
        for n, codes in enumerate(zip(*found.codes, strict=True)):
            for hierarchy, level, code in zip(
                found.hierarchies, node, codes, strict=True
            ):
                groups = hierarchy.levels[level].groups
                under = int((groups == groups[code]).sum())
                penalty = (under - 1) / (len(groups) - 1)
                penalty = penalty if kept[n] else 1.0
                lost += found.rows[n] * hierarchy.weight * penalty
        loss = lost / found.total / sum(h.weight for h in found.hierarchies)
        if best is None or (round(loss, 12), node) < best[:2]:
            best = (round(loss, 12), node, suppressed)
    return best


rows_of_people = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 8), st.integers(0, 1)),
    min_size=1,
    max_size=40,
)


weights_of_three = st.tuples(*[st.sampled_from([0.1, 0.3, 1.0, 2.0, 7.0])] * 3)


@settings(deadline=None, max_examples=80)
@given(
    rows_of_people,
    st.integers(1, 6),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.just((1.0, 1.0, 1.0)) | weights_of_three,
)
def test_the_search_finds_the_best_of_all_nodes(
    rows: list[tuple[int, int, int]], k: int, limit: float, weights: Weights
) -> None:
    found = table(rows, weights)
    criteria = Criteria(k)
    best = search(found, lambda node: criteria.protected(found, node), limit)
    expected = exhaustive(found, criteria, limit)
    if expected is None:
        assert best is None
        return
    assert best is not None
    assert best.loss == pytest.approx(expected[0], abs=1e-9)
    assert best.suppressed <= limit * found.total


@settings(deadline=None, max_examples=40)
@given(
    rows_of_people,
    st.lists(st.integers(0, 3), min_size=40, max_size=40),
    st.integers(1, 3),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_so_it_does_with_sensitive_values(
    rows: list[tuple[int, int, int]],
    values: list[int],
    fewest: int,
    t: float,
) -> None:
    found = table(rows)
    every = hierarchies()
    columns = [np.array(column, dtype=np.uint8) for column in zip(*rows, strict=True)]
    place = np.searchsorted(found.keys, leaf_keys(every, columns))
    sensitive = pairs(place, np.array(values[: len(rows)]), 4)
    criteria = Criteria(2, sensitive={"v": sensitive}, l=fewest, t=t)
    best = search(found, lambda node: criteria.protected(found, node), 0.5)
    expected = exhaustive(found, criteria, 0.5)
    assert (best is None) == (expected is None)
    if best and expected:
        assert best.loss == pytest.approx(expected[0], abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(rows_of_people, st.integers(2, 5))
def test_what_is_protected_stays_so_at_coarser_levels(
    rows: list[tuple[int, int, int]], k: int
) -> None:
    found = table(rows)
    criteria = Criteria(k)
    nodes = list(product(range(4), range(3), range(2)))
    kept = {node: criteria.protected(found, node) for node in nodes}
    for node in nodes:
        for place in range(3):
            above = tuple(n + (i == place) for i, n in enumerate(node))
            if above in kept:
                assert (kept[above] | ~kept[node]).all()


def test_a_table_that_needs_nothing_keeps_its_values() -> None:
    found = table([(0, 0, 0)] * 5 + [(1, 1, 1)] * 5)
    best = search(found, lambda n: Criteria(5).protected(found, n), 0.0)
    assert best is not None
    assert (best.node, best.suppressed, best.loss) == ((0, 0, 0), 0, 0.0)


def test_what_matters_more_is_kept_where_either_could_be() -> None:
    # Areas and ages tell everybody apart; either, let go, leaves two that look alike.
    rows = [(area, age, 0) for area in (0, 4) for age in (0, 3)]

    def node(weights: Weights) -> Node:
        found = table(rows, weights)
        best = search(found, lambda n: Criteria(2).protected(found, n), 0.0)
        assert best is not None
        return best.node

    area_matters, age_matters = node((5, 1, 1)), node((1, 5, 1))
    assert (area_matters[0], age_matters[1]) == (0, 0)
    assert area_matters[1] > 0
    assert age_matters[0] > 0


def test_too_few_people_for_anything_is_no_solution() -> None:
    found = table([(0, 0, 0)] * 3)
    assert search(found, lambda n: Criteria(4).protected(found, n), 0.5) is None


@pytest.mark.real_data
@pytest.mark.skipif(not ADULT.is_dir(), reason="the real files are not here")
@pytest.mark.parametrize(
    ("limit", "suppressed", "loss"), [(0.05, 1380, 0.257), (0.5, 3680, 0.223)]
)
def test_the_reference_set_has_its_published_optimum(
    limit: float, suppressed: int, loss: float
) -> None:
    names = {
        "age": "age",
        "education": "education",
        "marital-status": "marital",
        "occupation": "occupation",
        "sex": "sex",
        "native-country": "country",
    }
    frame = pl.read_csv(ADULT / "adult.csv", infer_schema=False)
    frame.columns = [name.strip() for name in frame.columns]
    frame = frame.with_columns(pl.all().str.strip_chars()).drop_nulls("age")
    every = []
    for column, file in names.items():
        with (ADULT / "hierarchies" / f"{file}.csv").open(newline="") as lines:
            rows = [[cell.strip() for cell in row] for row in csv.reader(lines) if row]
        every.append(from_rows(column, rows, nulls=False))
    columns = [hierarchy.encode(frame[hierarchy.column]) for hierarchy in every]
    found = combinations(every, leaf_keys(every, columns))
    best = search(found, lambda node: Criteria(10).protected(found, node), limit)
    assert best is not None
    assert (best.suppressed, round(best.loss, 3)) == (suppressed, loss)
    assert found.total == 32_561
