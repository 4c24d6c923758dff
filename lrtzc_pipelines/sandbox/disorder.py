"""The disorder of an unsorted paginated service, made on purpose and repeatable.

Pages overlap, repeat rows inside themselves and now and then jump back in time, as the
recorded history of the car parks does. Nothing here knows what the rows say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrtzc_pipelines.sandbox.draws import chances

Integers = npt.NDArray[np.int64]

PAGE_ROWS = 5000
_FIRST_PAGE_REPEATS = 306
_OVERLAPPING_SHARE = 0.5
_REPEATING_SHARE = 0.35
_PAGES_OUT_OF_ORDER = 3


@dataclass(frozen=True)
class Pages:
    """How each page is made; every array is in the order of serving.

    Attributes:
        again: Rows of the page before that come once more.
        repeated: Rows given twice inside the page.
        fresh: Rows not given before.
        rank: Place of the page in time.
    """

    again: Integers
    repeated: Integers
    fresh: Integers
    rank: Integers

    @property
    def sizes_in_time(self) -> Integers:
        """Number of fresh rows of each page, oldest page first."""
        return self.fresh[np.argsort(self.rank)]

    @property
    def first_rows(self) -> Integers:
        """Index, counted in time, of each page's first fresh row."""
        sizes = self.sizes_in_time
        starts: Integers = np.cumsum(sizes) - sizes
        return starts[self.rank]


def draw_pages(rng: np.random.Generator, count: int, last_page_rows: int) -> Pages:
    """A plan of `count` full pages but the last."""
    rows = np.full(count, PAGE_ROWS)
    rows[-1] = last_page_rows
    again = rng.integers(6, 240, count) * chances(rng, _OVERLAPPING_SHARE, count)
    again[0] = 0
    repeated = rng.integers(30, 310, count) * chances(rng, _REPEATING_SHARE, count)
    # The recorded first page repeats itself: a client must meet that at once.
    repeated[0] = _FIRST_PAGE_REPEATS
    # One overlap is promised too, whatever the seed.
    again[1] = max(int(again[1]), 60)
    rank = np.arange(count)
    half = count // 2
    early = rng.choice(np.arange(2, half), _PAGES_OUT_OF_ORDER, replace=False)
    late = rng.choice(np.arange(half, count), _PAGES_OUT_OF_ORDER, replace=False)
    rank[early], rank[late] = rank[late], rank[early]
    return Pages(again, repeated, rows - again - repeated, rank)


def served_rows(rng: np.random.Generator, pages: Pages) -> Integers:
    """Indexes, counted in time, of the rows in the order they are served."""
    served: list[Integers] = []
    before: Integers = np.empty(0, dtype=np.int64)
    plan = zip(pages.first_rows, pages.fresh, pages.again, pages.repeated, strict=True)
    for first, fresh, again, repeated in plan:
        rows = np.arange(first, first + fresh)
        start = int(rng.integers(0, fresh - repeated))
        kept = before[len(before) - again :]
        before = np.concatenate([kept, rows[: start + repeated], rows[start:]])
        served.append(before)
    return np.concatenate(served)
