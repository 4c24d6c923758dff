"""The quick way up: as safe as the optimum, and never better."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protected_rows import DWELLINGS, dwellings
from test_lattice import rows_of_people, table

from lrtzc_pipelines.privacy.classes import Node, class_sizes
from lrtzc_pipelines.privacy.criteria import Criteria
from lrtzc_pipelines.privacy.greedy import climb
from lrtzc_pipelines.privacy.lattice import Found, search
from lrtzc_pipelines.privacy.protecting import protect_source

Rows = list[tuple[int, int, int]]


def climbed(rows: Rows, k: int, limit: float) -> Found | None:
    found = table(rows)
    return climb(found, lambda node: Criteria(k).protected(found, node), limit)


def by_hand(rows: Rows, k: int, limit: float) -> tuple[Node, int] | None:
    """Step by step on the rows themselves, with their own labels."""
    hierarchies = table(rows).hierarchies
    node = [0, 0, 0]
    while True:
        labels = [
            tuple(
                int(h.levels[level].groups[code])
                for h, level, code in zip(hierarchies, node, row, strict=True)
            )
            for row in rows
        ]
        sizes = Counter(labels)
        poor = sum(n for n in sizes.values() if n < k)
        if poor <= limit * len(rows) and poor < len(rows):
            return tuple(node), poor
        widths = [
            len({label[n] for label in labels})
            if node[n] + 1 < len(hierarchies[n].levels)
            else 0
            for n in range(3)
        ]
        if not any(widths):
            return None
        node[widths.index(max(widths))] += 1


@settings(deadline=None, max_examples=100)
@given(rows_of_people, st.integers(1, 6), st.sampled_from([0.0, 0.1, 0.5]))
def test_it_goes_up_as_by_hand(rows: Rows, k: int, limit: float) -> None:
    best, expected = climbed(rows, k, limit), by_hand(rows, k, limit)
    assert (best and (best.node, best.suppressed)) == expected


@settings(deadline=None, max_examples=100)
@given(rows_of_people, st.integers(1, 6), st.sampled_from([0.0, 0.1, 0.5]))
def test_it_protects_as_well_and_loses_no_less(
    rows: Rows, k: int, limit: float
) -> None:
    found = table(rows)
    quick = climb(found, lambda n: Criteria(k).protected(found, n), limit)
    if quick is None:
        return
    sizes = class_sizes(found, quick.node)
    assert int(found.rows[sizes < k].sum()) == quick.suppressed
    best = search(found, lambda n: Criteria(k).protected(found, n), limit)
    assert best is not None
    assert quick.loss >= best.loss - 1e-12


def test_a_policy_may_ask_for_it() -> None:
    policy = DWELLINGS.protection
    assert policy is not None
    quick = DWELLINGS.model_copy(
        update={"protection": policy.model_copy(update={"search": "greedy"})}
    )
    rows = dwellings(np.random.default_rng(1))
    slow, fast = (protect_source(s, rows).report for s in (DWELLINGS, quick))
    assert fast["k"] >= 11
    assert fast["information_loss"] >= slow["information_loss"]


@pytest.mark.parametrize("k", [4, 9])
def test_too_few_people_for_anything_is_no_solution(k: int) -> None:
    assert climbed([(0, 0, 0)] * 3, k, 0.5) is None
