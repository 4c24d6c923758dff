"""From stored numbers to reflectance, to what is clear, and to indices.

Reflectance is `number x scale + offset`, both as the scene tells them. A cell is clear
where the scene's own classification finds neither clouds, nor their shadows, nor snow,
nor nothing; what borders on clouds is left out with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation

from lrtzc_pipelines.imagery.rasters import Flags, Floats
from lrtzc_pipelines.imagery.scenes import SceneAsset

CLOUDS = (3, 8, 9, 10)
"""Classes of cloud shadows, clouds of medium and of high probability, and cirrus."""

UNUSABLE = (0, 1, 2, 11)
"""Classes of no data, saturated cells, dark areas and snow."""

WATER = 6
"""Class of water."""

_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Index:
    """A normalized difference of two bands: `(first - second) / (first + second)`.

    Attributes:
        name: What tables call it.
        first: The band that is high where there is much of it.
        second: The band that is low there.
        source: Who defined it.
    """

    name: str
    first: str
    second: str
    source: str

    @property
    def bands(self) -> tuple[str, str]:
        """Both bands."""
        return self.first, self.second


NDVI = Index("ndvi", "B08", "B04", "Rouse et al. 1974")
NDWI = Index("ndwi", "B03", "B08", "McFeeters 1996")
MNDWI = Index("mndwi", "B03", "B11", "Xu 2006")
INDICES = (NDVI, NDWI, MNDWI)


def reflectance(numbers: npt.NDArray[np.generic], asset: SceneAsset) -> Floats:
    """Reflectance, from 0 to somewhat above 1 over clouds; NaN where there is none.

    Over dark water and in shadow, correcting for the air leaves some cells below zero:
    that is noise around nothing, and counts as nothing.

    Args:
        numbers: What is stored, 0 where there is nothing.
        asset: Whose scale and offset they have.
    """
    found = numbers.astype(np.float32) * np.float32(asset.scale)
    found = np.maximum(found + np.float32(asset.offset), np.float32(0))
    return np.where(numbers == 0, np.float32(np.nan), found)


def clear(classes: npt.NDArray[np.generic], *, margin: int = 1) -> Flags:
    """Which cells show the ground.

    Args:
        classes: The scene classification.
        margin: Cells around clouds and shadows that are left out as well.
    """
    clouded = np.isin(classes, CLOUDS)
    if margin:
        clouded = binary_dilation(clouded, _EIGHT, iterations=margin)
    found: Flags = ~(clouded | np.isin(classes, UNUSABLE))
    return found


def difference(first: Floats, second: Floats) -> Floats:
    """The normalized difference of two bands, -1 to 1; NaN where both are dark."""
    total = first + second
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (first - second) / total, np.float32(np.nan))
