"""Equivalence classes: which rows look alike once quasi-identifiers are generalised.

Everything here works on the distinct combinations of values that occur, with how often
each does: a table that is small beside the data it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.privacy.hierarchies import Codes, Hierarchy

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[Any]
"""Combinations as numbers in mixed radix, 32 bits wide where those suffice."""

Node = tuple[int, ...]
"""A level for each quasi-identifier."""

_LARGEST_DENSE = 1 << 25
"""Keys below this many are counted in an array instead of being hashed."""

_SPARSE = 64
"""Most places of an array per combination before sorting them costs less."""


@dataclass(frozen=True)
class Combinations:
    """The distinct combinations of quasi-identifier values, with their numbers.

    Attributes:
        hierarchies: One per quasi-identifier.
        codes: For each quasi-identifier, the leaf of each combination.
        rows: How many rows each combination has.
        keys: One number per combination, in mixed radix of the leaves.
    """

    hierarchies: tuple[Hierarchy, ...]
    codes: tuple[Codes, ...]
    rows: Integers
    keys: Keys

    @property
    def count(self) -> int:
        """How many combinations there are."""
        return len(self.rows)

    @cached_property
    def total(self) -> int:
        """How many rows they stand for."""
        return int(self.rows.sum())


def leaf_keys(hierarchies: Sequence[Hierarchy], columns: Sequence[Codes]) -> Keys:
    """One number per row, in mixed radix of its leaves."""
    sizes = [len(hierarchy.leaves) for hierarchy in hierarchies]
    return mixed_radix(columns, sizes)


def mixed_radix(columns: Sequence[npt.NDArray[Any]], sizes: Sequence[int]) -> Keys:
    """One number for each row of some columns of numbers.

    Raises:
        OverflowError: there are more possible rows than 64 bits can number.
    """
    if prod(sizes) >= 1 << 63:
        msg = f"{prod(sizes)} possible combinations: fewer or coarser quasi-identifiers"
        raise OverflowError(msg)
    # 32 bits where they suffice: half of what has to be read and written.
    kind = np.uint32 if prod(sizes) < 1 << 32 else np.uint64
    key: Keys = columns[0].astype(kind)
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        key *= kind(size)
        key += column.astype(kind, copy=False)
    return key


def combinations(hierarchies: Sequence[Hierarchy], keys: Keys) -> Combinations:
    """The distinct combinations among rows, by the rows' keys."""
    sizes = [len(hierarchy.leaves) for hierarchy in hierarchies]
    if prod(sizes) <= _LARGEST_DENSE:
        counts = np.bincount(keys, minlength=prod(sizes))
        distinct = np.flatnonzero(counts).astype(keys.dtype)
        rows = counts[distinct]
    else:
        table = pl.DataFrame({"key": keys}).group_by("key").len().sort("key")
        distinct = table["key"].to_numpy()
        rows = table["len"].cast(pl.Int64).to_numpy()
    return Combinations(tuple(hierarchies), _digits(distinct, sizes), rows, distinct)


def _digits(keys: Keys, sizes: Sequence[int]) -> tuple[Codes, ...]:
    """The leaves that keys were made of."""
    rest, found = keys, []
    for size in reversed(sizes):
        rest, digit = np.divmod(rest, rest.dtype.type(size))
        found.append(digit.astype(np.min_scalar_type(size - 1)))
    return tuple(reversed(found))


def class_numbers(found: Combinations, node: Node) -> tuple[Integers, int]:
    """The class of each combination at a node, and how many numbers there may be.

    Numbers are dense enough to index an array: classes that do not occur may have one.
    """
    levels = [h.levels[n] for h, n in zip(found.hierarchies, node, strict=True)]
    sizes = [len(level.labels) for level in levels]
    groups = [level.groups[c] for level, c in zip(levels, found.codes, strict=True)]
    keys = mixed_radix(groups, sizes)
    if prod(sizes) <= _SPARSE * found.count:
        return keys.astype(np.int64), prod(sizes)
    _, numbers = np.unique(keys, return_inverse=True)
    return numbers, int(numbers.max(initial=-1)) + 1


def class_sizes(found: Combinations, node: Node) -> Integers:
    """The size of the class that each combination is in at a node, in rows."""
    numbers, count = class_numbers(found, node)
    sizes = np.bincount(numbers, weights=found.rows, minlength=count)
    return sizes[numbers].astype(np.int64)
