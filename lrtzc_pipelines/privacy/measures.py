"""What a table of persons gives away: k, l, t and the risks of being found again.

Measured on the table as it stands, whatever made it. Persons are counted, not rows, and
a null is a value: it makes a class of its own and never matches everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

_ROWS, _PERSONS, _SHARE, _OVERALL = "_rows", "_persons", "_share", "_overall"


@dataclass(frozen=True)
class Disclosure:
    """What is known of one sensitive attribute in the class that tells most of it.

    Attributes:
        distinct: Fewest distinct values in a class (distinct l-diversity).
        entropy: Exponential of the least entropy in a class (entropy l-diversity).
        distance: Largest distance to the distribution of all rows (t-closeness): half
            the sum of differences, or of ordered steps for numbers.
    """

    distinct: int
    entropy: float
    distance: float


@dataclass(frozen=True)
class Risk:
    """What a table gives away.

    Attributes:
        k: Fewest persons in a class; 0 for a table without rows.
        classes: Number of classes.
        persons: Number of persons.
        unique: Persons who are alone in their class.
        prosecutor: Largest probability of finding a person known to be in the table.
        marketer: Mean of that probability over all persons.
        sensitive: What each sensitive attribute gives away.
    """

    k: int
    classes: int
    persons: int
    unique: int
    prosecutor: float
    marketer: float
    sensitive: dict[str, Disclosure]


def measure(
    frame: pl.DataFrame,
    quasi: Sequence[str],
    *,
    subject: str | None = None,
    sensitive: Sequence[str] = (),
) -> Risk:
    """What a table gives away.

    Args:
        frame: The table.
        quasi: Columns that somebody might know of a person.
        subject: Column that says whose row it is; each row is a person's if None.
        sensitive: Columns whose values must not be inferred.
    """
    counted = pl.col(subject).n_unique() if subject else pl.len()
    classes = frame.group_by(quasi).agg(counted.alias(_PERSONS))[_PERSONS]
    persons = int(classes.sum())
    k = int(_number(classes.min()))
    return Risk(
        k=k,
        classes=len(classes),
        persons=persons,
        unique=int((classes == 1).sum()),
        prosecutor=1 / k if k else 0.0,
        marketer=len(classes) / persons if persons else 0.0,
        sensitive={name: _disclosure(frame, quasi, name) for name in sensitive},
    )


def journalist(
    frame: pl.DataFrame,
    population: pl.DataFrame,
    quasi: Sequence[str],
    *,
    units: str | None = None,
) -> float:
    """Largest probability of finding somebody of the table in a population.

    Args:
        frame: The table.
        population: The quasi-identifiers of everybody, at the table's levels; a class
            of the table that it lacks counts as one of its own. Where it says fewer
            than the table has rows of, it is believed: several may be of one person.
        quasi: Columns that somebody might know of a person.
        units: Column of the population: how many persons a row is; one each if None.
    """
    size = pl.col(units).sum() if units else pl.len()
    sizes = population.group_by(quasi).agg(size.alias(_ROWS))
    found = frame.group_by(quasi).len(_PERSONS)
    joined = found.join(sizes, on=list(quasi), how="left", nulls_equal=True)
    least = joined.select(pl.col(_ROWS).fill_null(pl.col(_PERSONS)).min()).item()
    return 1 / least if least else 0.0


def _disclosure(frame: pl.DataFrame, quasi: Sequence[str], name: str) -> Disclosure:
    pairs = frame.group_by([*quasi, name]).len(_ROWS)
    share = pl.col(_ROWS) / pl.col(_ROWS).sum().over(quasi)
    pairs = pairs.with_columns(share.alias(_SHARE))
    classes = pairs.group_by(quasi).agg(
        pl.len().alias("distinct"),
        (-(pl.col(_SHARE) * pl.col(_SHARE).log()).sum()).exp().alias("entropy"),
    )
    overall = frame.group_by(name).len(_OVERALL)
    overall = overall.with_columns(pl.col(_OVERALL) / frame.height)
    joined = pairs.join(overall, on=name, how="left", nulls_equal=True)
    if frame.schema[name].is_numeric():
        distance = _ordered(frame, pairs, quasi, name)
    else:
        # Values that a class lacks add what all rows have of them.
        there = (pl.col(_SHARE) - pl.col(_OVERALL)).abs() - pl.col(_OVERALL)
        per_class = joined.group_by(quasi).agg((there.sum() + 1) / 2)
        distance = _number(per_class[_SHARE].max())
    return Disclosure(
        distinct=int(_number(classes["distinct"].min())),
        entropy=_number(classes["entropy"].min()),
        distance=distance,
    )


def _ordered(
    frame: pl.DataFrame, pairs: pl.DataFrame, quasi: Sequence[str], name: str
) -> float:
    """Largest mean difference of the cumulated distributions of a number."""
    values = frame.group_by(name).len(_OVERALL).sort(name, nulls_last=True)
    if values.height < 2:  # noqa: PLR2004 - no step between values
        return 0.0
    values = values.select(
        name, (pl.col(_OVERALL).cum_sum() / frame.height).alias(_OVERALL)
    )
    classes = pairs.select(quasi).unique()
    grid = classes.join(values, how="cross").join(
        pairs.select(*quasi, name, _SHARE),
        on=[*quasi, name],
        how="left",
        nulls_equal=True,
    )
    cumulated = (
        pl.col(_SHARE)
        .fill_null(0)
        .cum_sum()
        .over(quasi, order_by=pl.col(name).rank("dense").fill_null(values.height + 1))
    )
    difference = (cumulated - pl.col(_OVERALL)).abs()
    steps = values.height - 1
    found = (
        grid.with_columns(difference.alias(_ROWS))
        .group_by(quasi)
        .agg(
            # The last step ends at one in both.
            pl.col(_ROWS).sum() / steps
        )
    )
    return _number(found[_ROWS].max())


def _number(value: Any) -> float:
    """An aggregate as a number; 0 where there was nothing to aggregate."""
    return float(value or 0)
