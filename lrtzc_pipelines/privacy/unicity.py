"""Unicity: how many persons a few things known of them are enough to single out.

The measure of de Montjoye et al. (2013), for rows that have a key of their person:
without names, four places and hours single out most people.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

POINTS = (1, 2, 4)
"""How many things somebody is supposed to know."""

_MOST_PERSONS = 1_000
_POINT = "_point"


def unicity(
    frame: pl.DataFrame,
    person: str,
    known: Sequence[str],
    *,
    points: Sequence[int] = POINTS,
    seed: int = 0,
) -> dict[int, float]:
    """The share of persons that are alone in having some of their own points.

    Args:
        frame: Rows with the person and what may be known of each row.
        person: Column that says whose a row is.
        known: Columns that make up a point; a null is a value.
        points: How many points are known.
        seed: Of the draw of persons (a thousand at most) and of their points.

    Returns:
        For each number of points, the share among the persons who have that many; no
        entry where nobody has.
    """
    numbered = frame.select(
        pl.col(person),
        pl.struct(known).rank("dense").alias(_POINT),
    ).unique()
    owners = {
        point: set(persons)
        for point, persons in numbered.group_by(_POINT)
        .agg(pl.col(person))
        .sort(_POINT)
        .iter_rows()
    }
    of_each = numbered.group_by(person).agg(pl.col(_POINT).sort()).sort(person)
    rng = np.random.default_rng(seed)
    found = {}
    for count in points:
        those = of_each.filter(pl.col(_POINT).list.len() >= count)
        if those.is_empty():
            continue
        drawn = those.sample(min(_MOST_PERSONS, those.height), seed=seed)
        alone = 0
        for _, own in drawn.iter_rows():
            chosen = rng.choice(own, size=count, replace=False)
            alone += len(set.intersection(*(owners[point] for point in chosen))) == 1
        found[count] = round(alone / drawn.height, 4)
    return found
