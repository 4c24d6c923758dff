"""The least generalisation that protects: an exact search of the lattice of levels.

A node of the lattice is a level for each quasi-identifier. Going up merges classes, so
what fails at a node fails at every node below it. The loss of a node is at least the
loss of its generalisation alone, which is known without looking at any class; nodes are
visited in that order, and the search ends where the bound passes the best loss found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from lrtzc_pipelines.privacy.classes import Combinations, Node

Floats = npt.NDArray[np.float64]
Protected = Callable[[Node], npt.NDArray[np.bool_]]
"""Which combinations are in a class that is well protected at a node."""


_ROUNDING = 1e-12
"""Bound and loss of a node are summed in different orders."""


@dataclass(frozen=True)
class Found:
    """What the search found.

    Attributes:
        node: The level of each quasi-identifier.
        suppressed: Rows whose class is not protected, and which must not be released.
        loss: Mean normalised certainty penalty over rows and quasi-identifiers, by the
            weights of these, a suppressed row losing all.
        visited: Nodes that were looked at.
    """

    node: Node
    suppressed: int
    loss: float
    visited: int


def search(
    found: Combinations,
    protected: Protected,
    suppression_limit: float,
) -> Found | None:
    """The node of least loss among those that suppress few enough rows.

    Of nodes of equal loss, the first in the order of levels. None if even the
    coarsest one suppresses too many.

    Args:
        found: The combinations that occur.
        protected: Tells which of them are in a protected class; it must be monotone:
            what is protected at a node stays so above it.
        suppression_limit: Largest share of rows that may be suppressed.
    """
    losses = LossTable(found)
    most = suppression_limit * found.total
    best: Found | None = None
    too_fine: list[Node] = []
    visited = 0
    for bound, node in losses.nodes():
        if best is not None and bound > best.loss + _ROUNDING:
            break
        if any(_is_below(node, failed) for failed in too_fine):
            continue
        visited += 1
        kept = protected(node)
        suppressed = found.total - int(found.rows[kept].sum())
        if suppressed > most:
            too_fine = [n for n in too_fine if not _is_below(n, node)] + [node]
            continue
        loss = losses.of(node, kept)
        if best is None or (loss, node) < (best.loss, best.node):
            best = Found(node, suppressed, loss, visited)
    return best and Found(best.node, best.suppressed, best.loss, visited)


def at(
    found: Combinations, protected: Protected, suppression_limit: float, node: Node
) -> Found | None:
    """What a node that is settled suppresses and loses; None if that is too much.

    Args:
        found: The combinations that occur.
        protected: Tells which of them are in a protected class.
        suppression_limit: Largest share of rows that may be suppressed.
        node: The level of each quasi-identifier.
    """
    kept = protected(node)
    suppressed = found.total - int(found.rows[kept].sum())
    if suppressed > suppression_limit * found.total:
        return None
    return Found(node, suppressed, LossTable(found).of(node, kept), visited=1)


def _is_below(node: Node, other: Node) -> bool:
    """Whether a node is nowhere coarser than another."""
    return all(a <= b for a, b in zip(node, other, strict=True))


class LossTable:
    """Losses of nodes: of the generalisation alone, and with what is suppressed."""

    def __init__(self, found: Combinations) -> None:
        self._found = found
        self._by_leaf = [
            [hierarchy.loss(level) for level in range(len(hierarchy.levels))]
            for hierarchy in found.hierarchies
        ]
        self._weights = [hierarchy.weight for hierarchy in found.hierarchies]
        shares = found.rows / found.total
        self._mean = [
            [weight * float(shares @ loss[codes]) for loss in losses]
            for losses, codes, weight in zip(
                self._by_leaf, found.codes, self._weights, strict=True
            )
        ]

    def nodes(self) -> Iterator[tuple[float, Node]]:
        """Every node with the least loss it can have, in the order of that loss."""
        levels = [range(len(means)) for means in self._mean]
        bounded = [
            (sum(m[n] for m, n in zip(self._mean, node, strict=True)), node)
            for node in product(*levels)
        ]
        width = sum(self._weights)
        yield from ((bound / width, node) for bound, node in sorted(bounded))

    def of(self, node: Node, kept: npt.NDArray[np.bool_]) -> float:
        """The loss of a node that keeps some of the combinations."""
        found = self._found
        rows = np.where(kept, found.rows, 0)
        width = sum(self._weights)
        lost = width * (found.total - int(rows.sum()))
        for losses, level, codes, weight in zip(
            self._by_leaf, node, found.codes, self._weights, strict=True
        ):
            lost += weight * float(rows @ losses[level][codes])
        return lost / (found.total * width)
