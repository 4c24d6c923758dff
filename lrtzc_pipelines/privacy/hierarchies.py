"""Hierarchies: how the values of a quasi-identifier become coarser, level by level.

A hierarchy is coded: its leaves are numbered, and each level says which group a leaf
falls into. Search and measurement work on numbers only; labels come back at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.errors import LrtzcError

Codes = npt.NDArray[Any]
"""Numbers of leaves or groups, in the smallest type that holds them."""

ABSENT = "(absent)"
"""Label of a null: a value like any other, never a wildcard."""

EVERYTHING = "*"
"""Label of the only group of the coarsest level."""


@dataclass(frozen=True)
class Level:
    """One level of a hierarchy.

    Attributes:
        groups: For each leaf, the number of its group.
        labels: What each group is called.
    """

    groups: Codes
    labels: tuple[str, ...]

    @cached_property
    def leaves_per_group(self) -> npt.NDArray[np.int64]:
        """How many leaves fall into each group."""
        return np.bincount(self.groups, minlength=len(self.labels))


@dataclass(frozen=True)
class Hierarchy:
    """The levels of a quasi-identifier, from its own values to a single group.

    Attributes:
        column: Name of the quasi-identifier.
        levels: Level 0 has a group for each leaf; the last one has a single group.
        weight: How much what is lost of it matters beside other quasi-identifiers.
    """

    column: str
    levels: tuple[Level, ...]
    weight: float = 1.0

    @property
    def leaves(self) -> tuple[str, ...]:
        """What the leaves are called."""
        return self.levels[0].labels

    @property
    def height(self) -> int:
        """Number of the coarsest level."""
        return len(self.levels) - 1

    def loss(self, level: int) -> npt.NDArray[np.float64]:
        """Normalised certainty penalty of each leaf at a level.

        (leaves under its group - 1) / (leaves - 1): 0 for a value as it was, 1 for a
        value of which nothing is left.
        """
        if len(self.leaves) == 1:
            return np.zeros(1)
        found = self.levels[level]
        under = found.leaves_per_group[found.groups]
        return (under - 1) / (len(self.leaves) - 1)

    def encode(self, values: pl.Series) -> Codes:
        """The number of each value's leaf.

        Raises:
            LrtzcError: a value has no place in the hierarchy. The message does not say
                which: it may be a person's.
        """
        known = [leaf for leaf in self.leaves if leaf != ABSENT]
        coded = values.cast(pl.String).cast(pl.Enum(known), strict=False).to_physical()
        unknown = coded.null_count() - values.null_count()
        if unknown:
            msg = f"{self.column}: {unknown} values have no place in its hierarchy"
            raise LrtzcError(msg)
        if values.null_count():
            if ABSENT not in self.leaves:
                msg = f"{self.column}: {values.null_count()} values are absent"
                raise LrtzcError(msg)
            # `known` keeps the order of the leaves, and the absent one is the last.
            coded = coded.cast(pl.UInt32).fill_null(len(known))
        return coded.to_numpy()

    def decode(self, codes: Codes, level: int) -> pl.Series:
        """The labels, at a level, of leaves given by their numbers."""
        found = self.levels[level]
        labels = pl.Series(self.column, found.labels, dtype=pl.Enum(found.labels))
        per_leaf = labels.gather(found.groups.tolist())
        return per_leaf.gather(pl.Series(codes))


def from_rows(column: str, rows: Sequence[Sequence[str]], *, nulls: bool) -> Hierarchy:
    """A hierarchy from a table: a row per leaf, its labels from finest to coarsest.

    Args:
        column: Name of the quasi-identifier.
        rows: Rows of equal length; all end in one common label.
        nulls: Whether a leaf for absent values is added. It stays alone up to the
            coarsest level.

    Raises:
        LrtzcError: rows of different lengths, a leaf twice, groups that are torn apart
            on the way up, or several groups at the top.
    """
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        msg = f"{column}: a hierarchy needs rows of one length, not {sorted(lengths)}"
        raise LrtzcError(msg)
    table = [list(row) for row in rows]
    if nulls:
        table.append([ABSENT] * (lengths.pop() - 1) + [table[0][-1]])
    leaves = [row[0] for row in table]
    if len(set(leaves)) < len(leaves):
        msg = f"{column}: a leaf stands twice in its hierarchy"
        raise LrtzcError(msg)
    levels = [_level([row[n] for row in table]) for n in range(len(table[0]))]
    for finer, coarser in pairwise(levels):
        if not _is_nested(finer.groups, coarser.groups):
            msg = f"{column}: a group is torn apart at a coarser level"
            raise LrtzcError(msg)
    if len(levels[-1].labels) != 1:
        msg = f"{column}: the coarsest level has {len(levels[-1].labels)} groups, not 1"
        raise LrtzcError(msg)
    return Hierarchy(column, tuple(levels))


def of_values(
    column: str,
    values: pl.Series,
    steps: Sequence[Callable[[str], Hashable]],
) -> Hierarchy:
    """A hierarchy over the values that are there, by functions of their text.

    Args:
        column: Name of the quasi-identifier.
        values: The column; each distinct value is a leaf.
        steps: For each level above the values, the label of a value; a last level
            with one group is added.
    """
    distinct = values.unique().drop_nulls().cast(pl.String).sort().to_list()
    rows = [
        [value, *(str(step(value)) for step in steps), EVERYTHING] for value in distinct
    ]
    if not rows:
        rows = [[ABSENT, *(ABSENT for _ in steps), EVERYTHING]]
        return from_rows(column, rows, nulls=False)
    return from_rows(column, rows, nulls=values.null_count() > 0)


def prefixes(column: str, values: pl.Series, lengths: Sequence[int]) -> Hierarchy:
    """Codes that become shorter, such as NAF classes, groups and divisions."""
    return of_values(
        column,
        values,
        [partial(_head, length=length) for length in sorted(lengths, reverse=True)],
    )


def _head(text: str, *, length: int) -> str:
    return text[:length]


def _level(labels: Sequence[str]) -> Level:
    numbers = {label: n for n, label in enumerate(dict.fromkeys(labels))}
    kind = np.min_scalar_type(max(len(numbers) - 1, 0))
    groups = np.array([numbers[label] for label in labels], dtype=kind)
    return Level(groups, tuple(numbers))


def _is_nested(finer: Codes, coarser: Codes) -> bool:
    """Whether every group of one level lies in one group of the next."""
    parent = np.full(int(finer.max()) + 1, -1, dtype=np.int64)
    parent[finer] = coarser
    return bool((parent[finer] == coarser).all())
