"""Where invented values come from: seeded generators and one fixed moment.

Nothing in the sandbox reads a clock or the system's randomness, so the same seed
always gives the same bytes and a second collection finds nothing changed.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

AS_OF = datetime(2026, 11, 15, 20, 55, tzinfo=UTC)
"""The moment at which the sandbox's world stands still."""

TODAY = AS_OF.date()
"""The day of the sandbox's world."""


def generator(seed: int, topic: str) -> np.random.Generator:
    """A generator of one topic's own, so that changing one source moves no other."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode())])


def chances(
    rng: np.random.Generator, share: float, count: int
) -> npt.NDArray[np.bool_]:
    """`count` draws, each true with the probability `share`."""
    drawn: npt.NDArray[np.bool_] = rng.random(count) < share
    return drawn


def chance(rng: np.random.Generator, share: float) -> bool:
    """One draw, true with the probability `share`."""
    return bool(chances(rng, share, 1)[0])
