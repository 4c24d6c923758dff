"""Noise of differential privacy: drawn by OpenDP alone, proven before it is drawn.

The discrete Laplace distribution over whole numbers, from the randomness of the
operating system. OpenDP is an optional part of the installation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from lrtzc_pipelines.errors import PrivacyError, SettingsError

_TRIES = 16
"""Last digits that a scale may be rounded up by."""


@dataclass(frozen=True)
class Mechanism:
    """What adds noise to the counts of a period.

    Attributes:
        scale: Of the discrete Laplace distribution (persons).
    """

    scale: float
    _measurement: Any

    def __call__(self, counts: Sequence[int]) -> list[int]:
        """The counts with noise, not below nought: that tells no more of anybody."""
        return [max(0, count) for count in self._measurement(list(counts))]


def mechanism(*, max_cells: int, epsilon: float) -> Mechanism:
    """Noise for counts in which one person stands in so many cells, once in each.

    Args:
        max_cells: Cells that one person counts in, at most.
        epsilon: What the counts may tell of a person, at most.

    Raises:
        SettingsError: OpenDP is not installed.
        PrivacyError: OpenDP does not prove that the noise is enough.
    """
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    scale = max_cells / epsilon
    for _ in range(_TRIES):
        made = dp.m.make_laplace(*space, scale=scale)
        if made.map(max_cells) <= epsilon:
            return Mechanism(scale, made)
        # A third, say, is rounded down by the float that stands for it.
        scale = math.nextafter(scale, math.inf)
    msg = f"no noise of scale {scale:g} keeps {max_cells} cells to epsilon {epsilon:g}"
    raise PrivacyError(msg)


@cache
def opendp() -> Any:
    """The library, loaded only where noise is needed.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        found: Any = import_module("opendp.prelude")
    except ModuleNotFoundError as error:
        msg = (
            "counts with noise need OpenDP, which is not installed: "
            "pip install 'lrtzc-pipelines[dp]'"
        )
        raise SettingsError(msg) from error
    # OpenDP's name for what its maintainers have not all signed off; Laplace has a
    # published proof.
    found.enable_features("contrib")
    return found
