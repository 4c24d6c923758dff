"""What makes a class well protected: enough persons, and sensitive values that differ.

Each criterion is monotone: merging protected classes gives a protected class. That is
what lets the lattice be searched. Persons are counted, not rows: twenty trips of one
person are one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lrtzc_pipelines.privacy.classes import Combinations, Integers, Node, class_numbers

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Which combinations occur with which persons, or which sensitive values.

    Attributes:
        combination: Place of the combination.
        code: Number of the person or value.
        count: How many rows have both.
        size: How many persons or values there are.
        ordered: Whether the numbers are in an order that means something.
    """

    combination: Integers
    code: Integers
    count: Integers
    size: int
    ordered: bool = False


def pairs(
    place: Integers, codes: Integers, size: int, *, ordered: bool = False
) -> Pairs:
    """The distinct pairs in two columns, with how often each occurs.

    Args:
        place: For each row, the place of its combination.
        codes: For each row, the number of its person or value, below `size`.
        size: How many there are.
        ordered: Whether the numbers are in an order that means something.
    """
    keys, count = np.unique(place * size + codes, return_counts=True)
    combination, code = np.divmod(keys, size)
    return Pairs(combination, code, count, size, ordered)


@dataclass(frozen=True)
class Criteria:
    """What every class must satisfy.

    Attributes:
        k: Fewest persons.
        persons: Who is behind the rows; None if every row is a person of its own.
        sensitive: The sensitive attributes, by name.
        l: Fewest distinct values of each sensitive attribute; 1 asks nothing.
        t: Largest distance between the distribution of a sensitive attribute in a
            class and in all rows; 1 asks nothing.
    """

    k: int
    persons: Pairs | None = None
    sensitive: dict[str, Pairs] = field(default_factory=dict)
    l: int = 1  # noqa: E741 - the term of the field
    t: float = 1.0

    def protected(self, found: Combinations, node: Node) -> Flags:
        """Which combinations are in a class that satisfies everything at a node."""
        numbers, count = class_numbers(found, node)
        fine = persons_per_class(found, self.persons, numbers, count) >= self.k
        for values in self.sensitive.values():
            if self.l > 1:
                fine &= distinct_values(values, numbers, count) >= self.l
            if self.t < 1:
                fine &= distances(values, numbers, count) <= self.t
        return fine[numbers]


def persons_per_class(
    found: Combinations, persons: Pairs | None, numbers: Integers, count: int
) -> Integers:
    """Distinct persons in each class; rows where each row is a person."""
    if persons is None:
        sizes = np.bincount(numbers, weights=found.rows, minlength=count)
        return sizes.astype(np.int64)
    return distinct_values(persons, numbers, count)


def distinct_values(values: Pairs, numbers: Integers, count: int) -> Integers:
    """Distinct persons or values in each class."""
    keys = np.unique(numbers[values.combination] * values.size + values.code)
    return np.bincount(keys // values.size, minlength=count)


def distances(values: Pairs, numbers: Integers, count: int) -> npt.NDArray[np.float64]:
    """Earth mover's distance of each class's distribution from that of all rows.

    Between values without order every move costs the same (half the sum of the
    differences); between ordered ones it costs the steps between them.
    """
    keys = numbers[values.combination] * values.size + values.code
    distinct, place = np.unique(keys, return_inverse=True)
    rows = np.bincount(place, weights=values.count)
    owner, code = np.divmod(distinct, values.size)
    total = np.bincount(owner, weights=rows, minlength=count)
    counts = np.bincount(values.code, weights=values.count, minlength=values.size)
    overall = counts / counts.sum()
    share = rows / total[owner]
    if values.ordered:
        return _ordered_distances(owner, code, share, overall, count)
    # Values that a class lacks add what all rows have of them.
    there = np.bincount(
        owner, weights=np.abs(share - overall[code]) - overall[code], minlength=count
    )
    found = np.where(total > 0, (there + 1.0) / 2, 0.0)
    return np.clip(found, 0.0, 1.0)


def _ordered_distances(
    owner: Integers,
    code: Integers,
    share: npt.NDArray[np.float64],
    overall: npt.NDArray[np.float64],
    count: int,
) -> npt.NDArray[np.float64]:
    """The mean absolute difference of the cumulated distributions."""
    steps = len(overall) - 1
    found = np.zeros(count)
    if steps == 0:
        return found
    cumulated = np.cumsum(overall)
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ends = np.r_[starts[1:], len(owner)]
    for start, end in zip(starts, ends, strict=True):
        own = np.zeros(len(overall))
        own[code[start:end]] = share[start:end]
        difference = np.abs(np.cumsum(own) - cumulated)[:-1]
        found[owner[start]] = difference.sum() / steps
    return found
