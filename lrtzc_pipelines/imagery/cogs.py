"""Rasters as cloud-optimized GeoTIFF: what is kept of a scene after its figures.

The window over the territory, in blocks that can be read one by one, with overviews.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from lrtzc_pipelines.imagery.rasters import Grid
from lrtzc_pipelines.storage import replacing

_BLOCK = 512


def write_cog(
    path: Path, numbers: npt.NDArray[np.generic], grid: Grid, *, nodata: float = 0
) -> None:
    """Writes cells as a cloud-optimized GeoTIFF.

    Args:
        path: File that is made or replaced.
        numbers: Cells by rows from the north-west.
        grid: Where they are.
        nodata: Number that stands for nothing.
    """
    with MemoryFile() as memory:
        with memory.open(**grid.profile(numbers), nodata=nodata) as out:
            out.write(numbers, 1)
        with rasterio.open(memory.name) as source, replacing(path) as temporary:
            copy(
                source,
                temporary,
                driver="COG",
                COMPRESS="ZSTD",
                PREDICTOR="YES",
                BLOCKSIZE=_BLOCK,
                OVERVIEWS="AUTO",
                NUM_THREADS="ALL_CPUS",
            )
