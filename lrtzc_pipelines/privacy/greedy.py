"""A quick generalisation for lattices too large to search: coarsen what tells most.

At each step the quasi-identifier that still has the most distinct values goes up one
level, until what is not protected is little enough to leave out. It looks at as many
nodes as there are levels, not at their product; what it finds protects as well as the
optimum does, and loses more.
"""

from __future__ import annotations

import numpy as np

from lrtzc_pipelines.privacy.classes import Combinations, Node
from lrtzc_pipelines.privacy.lattice import Found, LossTable, Protected


def climb(
    found: Combinations, protected: Protected, suppression_limit: float
) -> Found | None:
    """The first node on the way up that suppresses few enough rows.

    Of quasi-identifiers with as many values, the first one goes up. None if even the
    top suppresses too many.

    Args:
        found: The combinations that occur.
        protected: Tells which of them are in a protected class at a node.
        suppression_limit: Largest share of rows that may be suppressed.
    """
    node: Node = tuple(0 for _ in found.hierarchies)
    most = suppression_limit * found.total
    visited = 0
    while True:
        visited += 1
        kept = protected(node)
        suppressed = found.total - int(found.rows[kept].sum())
        # Nothing left is no release at all.
        if suppressed <= most and kept.any():
            loss = LossTable(found).of(node, kept)
            return Found(node, suppressed, loss, visited)
        place = _widest(found, node)
        if place is None:
            return None
        node = tuple(level + (n == place) for n, level in enumerate(node))


def _widest(found: Combinations, node: Node) -> int | None:
    """The quasi-identifier with the most values left, of those that can go up."""
    widths = [
        len(np.unique(hierarchy.levels[level].groups[codes])) if higher else -1
        for hierarchy, level, codes, higher in zip(
            found.hierarchies, node, found.codes, _can_go_up(found, node), strict=True
        )
    ]
    widest = int(np.argmax(widths))
    return widest if widths[widest] > 0 else None


def _can_go_up(found: Combinations, node: Node) -> list[bool]:
    return [
        level + 1 < len(hierarchy.levels)
        for hierarchy, level in zip(found.hierarchies, node, strict=True)
    ]
