"""Windows of rasters: only what lies over the territory is read.

A tile is 7.5 times as wide as the agglomeration on each side; reading all of it costs
twenty times the work. Grids are those of the tile, so that windows of one tile always
have the same cells, and a weight that was worked out once holds for every scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.windows import Window

from lrtzc_pipelines.errors import LrtzcError

Numbers = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Square cells, north up.

    Attributes:
        crs: Code of the projection, such as `EPSG:32630`; its unit is the metre.
        west: Western edge (m).
        north: Northern edge (m).
        size: Side of a cell (m).
        width: Cells from west to east.
        height: Cells from north to south.
    """

    crs: str
    west: float
    north: float
    size: float
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        """From cell numbers to metres."""
        return Affine(self.size, 0.0, self.west, 0.0, -self.size, self.north)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north (m)."""
        east = self.west + self.size * self.width
        return self.west, self.north - self.size * self.height, east, self.north

    @property
    def id(self) -> str:
        """What tells it from every other grid."""
        code = self.crs.rpartition(":")[2]
        return (
            f"{code}_{self.west:.0f}_{self.north:.0f}_{self.size:g}_"
            f"{self.width}x{self.height}"
        )

    def profile(self, numbers: npt.NDArray[np.generic]) -> dict[str, Any]:
        """What GDAL has to know to write one band of numbers of these cells."""
        return {
            "driver": "GTiff",
            "width": self.width,
            "height": self.height,
            "count": 1,
            "dtype": numbers.dtype,
            "crs": self.crs,
            "transform": self.transform,
        }

    def coarser(self, times: int) -> Grid:
        """The same place in cells that are so many times as wide.

        Raises:
            ValueError: the cells do not fit.
        """
        if self.width % times or self.height % times:
            msg = f"{self.width}x{self.height} cells are no multiple of {times}"
            raise ValueError(msg)
        return Grid(
            self.crs,
            self.west,
            self.north,
            self.size * times,
            self.width // times,
            self.height // times,
        )


def grid_over(
    bounds: tuple[float, float, float, float], crs: str, size: float, *, snap: float
) -> Grid:
    """The grid of a tile over some bounds.

    Args:
        bounds: West, south, east, north (m).
        crs: Code of the projection.
        size: Side of a cell (m).
        snap: Edges are multiples of this (m): the coarsest band's cells.
    """
    west, south = (np.floor(edge / snap) * snap for edge in bounds[:2])
    east, north = (np.ceil(edge / snap) * snap for edge in bounds[2:])
    width, height = round((east - west) / size), round((north - south) / size)
    return Grid(crs, float(west), float(north), size, width, height)


def read_window(path: str | Path, grid: Grid) -> npt.NDArray[np.generic]:
    """The numbers of a raster's first band over a grid; 0 where it has none.

    Args:
        path: File, or anything else that GDAL opens.
        grid: Where; its cells are cells of the raster.

    Raises:
        LrtzcError: the raster cannot be read, is of another projection, or its cells
            are others.
    """
    try:
        with rasterio.open(path) as source:
            return _read(source, *_place(source, grid), grid)
    except rasterio.errors.RasterioError as error:
        msg = f"{Path(str(path)).name}: {error}"
        raise LrtzcError(msg) from error


def repeated(values: npt.NDArray[np.generic], times: int) -> npt.NDArray[np.generic]:
    """Each cell as so many by so many of the same value."""
    return np.repeat(np.repeat(values, times, axis=0), times, axis=1)


def _place(source: rasterio.DatasetReader, grid: Grid) -> tuple[int, int]:
    """Row and column of the raster at which a grid begins; they may lie outside."""
    name = Path(source.name).name
    if source.crs is None or source.crs.to_string() != grid.crs:
        msg = f"{name}: its projection is {source.crs}, not {grid.crs}"
        raise LrtzcError(msg)
    own = source.transform
    if (own.a, own.e) != (grid.size, -grid.size):
        msg = f"{name}: its cells are {own.a:g} m wide, not {grid.size:g}"
        raise LrtzcError(msg)
    row, column = (own.f - grid.north) / grid.size, (grid.west - own.c) / grid.size
    if row != round(row) or column != round(column):
        msg = f"{name}: its cells lie between those of the grid"
        raise LrtzcError(msg)
    return round(row), round(column)


def _read(
    source: rasterio.DatasetReader, row: int, column: int, grid: Grid
) -> npt.NDArray[np.generic]:
    """The cells of a raster that a grid has, 0 around them."""
    top, left = max(row, 0), max(column, 0)
    bottom = min(row + grid.height, source.height)
    right = min(column + grid.width, source.width)
    found = np.zeros((grid.height, grid.width), dtype=source.dtypes[0])
    if bottom > top and right > left:
        window = Window.from_slices((top, bottom), (left, right))
        inside = slice(top - row, bottom - row), slice(left - column, right - column)
        found[inside] = source.read(1, window=window)
    return found
