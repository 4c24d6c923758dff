"""Rows about persons made coarser until nobody stands out, with proof of what it cost.

The search is exact: among all combinations of levels, the one of least loss whose
suppressed rows stay within the limit. What cannot be protected is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.classes import (
    Combinations,
    Integers,
    Keys,
    Node,
    combinations,
    leaf_keys,
)
from lrtzc_pipelines.privacy.criteria import Criteria, Pairs, pairs
from lrtzc_pipelines.privacy.greedy import climb
from lrtzc_pipelines.privacy.hierarchies import Hierarchy
from lrtzc_pipelines.privacy.lattice import Found, at, search

_LARGEST_LOOKUP = 1 << 26


@dataclass(frozen=True)
class Requirements:
    """What released rows must satisfy.

    Attributes:
        k: Fewest persons that look alike.
        l: Fewest distinct values of each sensitive attribute among them.
        t: Largest distance of their distribution from that of all rows.
        suppression_limit: Largest share of rows that may be left out.
        subject: Column that says whose row it is; each row is a person's if None.
        sensitive: Columns whose values must not be inferred; numbers are ordered.
        search: `optimal`, or `greedy` where there are too many levels to search.
    """

    k: int
    l: int = 1  # noqa: E741 - the term of the field
    t: float = 1.0
    suppression_limit: float = 0.05
    subject: str | None = None
    sensitive: tuple[str, ...] = ()
    search: Literal["optimal", "greedy"] = "optimal"


@dataclass(frozen=True)
class Outcome:
    """Protected rows and what protecting them took.

    Attributes:
        rows: The rows that may go on: quasi-identifiers as labels of their level, other
            columns as they were; without the subject.
        levels: The level of each quasi-identifier, 0 being its own values.
        row_count: Rows that came in.
        suppressed: Rows that were left out.
        loss: Mean normalised certainty penalty, 0 (as it was) to 1 (nothing left).
        visited: Nodes of the lattice that were looked at.
    """

    rows: pl.DataFrame
    levels: dict[str, int]
    row_count: int
    suppressed: int
    loss: float
    visited: int


def protect(
    frame: pl.DataFrame,
    hierarchies: Sequence[Hierarchy],
    required: Requirements,
    node: Sequence[int] | None = None,
) -> Outcome:
    """The rows of a frame, generalised and suppressed as little as possible.

    Args:
        frame: Rows with the quasi-identifiers, the sensitive columns and the subject;
            any other column goes through as it is, and must tell nothing of a person.
        hierarchies: One per quasi-identifier.
        required: What must hold.
        node: The level of each quasi-identifier, where it is settled.

    Raises:
        LrtzcError: a value has no place in its hierarchy, or nothing within the limit
            protects the rows.
    """
    columns = [hierarchy.encode(frame[hierarchy.column]) for hierarchy in hierarchies]
    keys = leaf_keys(hierarchies, columns)
    found = combinations(hierarchies, keys)
    criteria = _criteria(frame, found, keys, required)
    best = _best(found, criteria, required, node)
    if best is None:
        share = f"{required.suppression_limit:.0%}"
        msg = f"no generalisation protects the rows within {share} of suppression"
        raise LrtzcError(msg)
    kept = _per_row(found, keys, criteria.protected(found, best.node))
    released = frame.drop([h.column for h in hierarchies], strict=True)
    if required.subject:
        released = released.drop(required.subject)
    labelled = [
        hierarchy.decode(codes, level).alias(hierarchy.column)
        for hierarchy, codes, level in zip(hierarchies, columns, best.node, strict=True)
    ]
    rows = pl.DataFrame([*labelled, *released]).filter(pl.Series(kept))
    return Outcome(
        rows=rows,
        levels={h.column: n for h, n in zip(hierarchies, best.node, strict=True)},
        row_count=frame.height,
        suppressed=best.suppressed,
        loss=best.loss,
        visited=best.visited,
    )


def _best(
    found: Combinations,
    criteria: Criteria,
    required: Requirements,
    node: Sequence[int] | None,
) -> Found | None:
    """The node of the release: the settled one, or what the search finds."""

    def protected(tried: Node) -> npt.NDArray[np.bool_]:
        return criteria.protected(found, tried)

    limit = required.suppression_limit
    if node is not None:
        return at(found, protected, limit, tuple(node))
    search_for = climb if required.search == "greedy" else search
    return search_for(found, protected, limit)


def _criteria(
    frame: pl.DataFrame,
    found: Combinations,
    keys: Keys,
    required: Requirements,
) -> Criteria:
    needs_values = required.sensitive and (required.l > 1 or required.t < 1)
    if not (required.subject or needs_values):
        return Criteria(required.k)
    place = _per_row(found, keys, np.arange(found.count))
    persons = None
    if required.subject and frame[required.subject].n_unique() < frame.height:
        persons = _pairs(place, frame[required.subject])
    values: Mapping[str, Pairs] = {
        name: _pairs(place, frame[name])
        for name in (required.sensitive if needs_values else ())
    }
    return Criteria(required.k, persons, dict(values), required.l, required.t)


def _pairs(place: Integers, values: pl.Series) -> Pairs:
    """Pairs of combination and value; a null is a value like any other."""
    codes = values.rank("dense").cast(pl.Int64) - 1
    size = int(codes.max() or 0) + 1  # type: ignore[arg-type]
    codes = codes.fill_null(size)
    size += values.null_count() > 0
    ordered = values.dtype.is_numeric()
    return pairs(place, codes.to_numpy(), size, ordered=ordered)


def _per_row(
    found: Combinations, keys: Keys, values: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """What belongs to each combination, for each of its rows."""
    space = prod(len(hierarchy.leaves) for hierarchy in found.hierarchies)
    if space > _LARGEST_LOOKUP:
        return values[np.searchsorted(found.keys, keys)]
    lookup = np.zeros(space, dtype=values.dtype)
    lookup[found.keys.astype(np.int64)] = values
    return lookup[keys]
