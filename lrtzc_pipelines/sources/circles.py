"""Whether tables that share dimensions close a circle.

Tables of A by B, of B by C and of C by A say more together than what adds up in them:
there has to be a table of A by B by C that has them all as margins, and it bounds
secrets more tightly than sums do. Where no circle is closed, any tables that agree on
what they share are margins of some such table, so sums are all there is to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable


def close_circle(tables: Iterable[frozenset[Hashable]]) -> bool:
    """Whether tables, each given by what it tells apart, close a circle.

    What one table tells only is taken away, and so are tables inside others, until
    nothing changes: only a circle is left over then.
    """
    left = set(tables)
    while True:
        counts = Counter(item for table in left for item in table)
        shared = {frozenset(i for i in table if counts[i] > 1) for table in left}
        reduced = {
            table for table in shared if not any(table < other for other in shared)
        }
        if reduced == left:
            return len(left) > 1
        left = reduced
