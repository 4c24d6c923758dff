"""From the files of a scene to its figures in each zone.

Only the window over the territory is read. The figures say how much of a zone was seen,
and whether the files behind them were proven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from lrtzc_pipelines.imagery.checksums import Status
from lrtzc_pipelines.imagery.coverage import Weights
from lrtzc_pipelines.imagery.downloading import Fetched
from lrtzc_pipelines.imagery.indices import (
    INDICES,
    Index,
    clear,
    difference,
    reflectance,
)
from lrtzc_pipelines.imagery.rasters import (
    Flags,
    Floats,
    Grid,
    read_window,
    repeated,
)
from lrtzc_pipelines.imagery.scenes import Scene
from lrtzc_pipelines.imagery.zonal import zonal

CLASSES = "SCL"
BANDS = ("B03", "B04", "B08", "B11", CLASSES)
"""Files of a scene that its figures are made of."""


@dataclass(frozen=True)
class View:
    """What a scene shows of a place.

    Attributes:
        scene: The scene.
        files: Its files by band.
        grid: The place, in cells of its finest bands.
    """

    scene: Scene
    files: Mapping[str, Fetched]
    grid: Grid

    def numbers(self, band: str) -> npt.NDArray[np.generic]:
        """What is stored of a band, in its own cells."""
        return read_window(self.files[band].path, self._cells_of(band))

    def index(self, index: Index) -> Floats:
        """An index in each cell of the grid; NaN where there is none."""
        first, second = (self._reflectance(band) for band in index.bands)
        return difference(first, second)

    @cached_property
    def seen(self) -> Flags:
        """Which cells of the grid show the ground."""
        shown = clear(self.numbers(CLASSES))
        return np.asarray(repeated(shown, self._times(CLASSES)), dtype=bool)

    @property
    def status(self) -> Status:
        """Proven only if every file is."""
        proven = all(file.status is Status.VERIFIED for file in self.files.values())
        return Status.VERIFIED if proven else Status.UNVERIFIED

    def _reflectance(self, band: str) -> Floats:
        found = reflectance(self.numbers(band), self.scene.assets[band])
        return np.asarray(repeated(found, self._times(band)), dtype=np.float32)

    def _cells_of(self, band: str) -> Grid:
        return self.grid.coarser(self._times(band))

    def _times(self, band: str) -> int:
        """How many times as wide as those of the grid a band's cells are."""
        metres = self.scene.assets[band].resolution or self.grid.size
        return round(metres / self.grid.size)


def figures(
    view: View, weights: Weights, indices: Sequence[Index] = INDICES
) -> pl.DataFrame:
    """The figures of a scene.

    Args:
        view: What it shows.
        weights: The cells of each zone, on the grid of the view.
        indices: Which indices.

    Returns:
        A row per zone and index: `scene_id`, `tile`, `sensed_at`, `zone`, `indicator`,
        what `zonal` tells, `processing_version`, `catalog`, `checksum_status`.
    """
    scene = view.scene
    parts = [
        zonal(view.index(index), view.seen, weights).with_columns(
            pl.lit(index.name).alias("indicator")
        )
        for index in indices
    ]
    measured = [name for name in parts[0].columns if name not in {"zone", "indicator"}]
    return pl.concat(parts).select(
        pl.lit(scene.id).alias("scene_id"),
        pl.lit(scene.tile).alias("tile"),
        pl.lit(scene.sensed_at).dt.convert_time_zone("UTC").alias("sensed_at"),
        "zone",
        "indicator",
        *measured,
        pl.lit(scene.processing_version).alias("processing_version"),
        pl.lit(scene.catalog).alias("catalog"),
        pl.lit(str(view.status)).alias("checksum_status"),
    )
