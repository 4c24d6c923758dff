"""Squares of the European grid (ETRS89-LAEA, EPSG:3035), called as INSEE calls them."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
from pyproj import Transformer

from lrtzc_pipelines.privacy.code_tables import OTHER

WEST, SOUTH, EAST, NORTH = -35.58, 24.6, 44.83, 84.73
"""Where the grid is defined, in degrees: Europe without the far overseas."""

_MILLIMETRES = 1000
"""Coordinates are rounded to the millimetre: a point on a border is in the square east
or north of it, whatever the last digits of the projection."""

_Floats = npt.NDArray[np.float64]


def squares(points: pl.Series, size: int) -> pl.Series:
    """The square that each point is in, such as `CRS3035RES200mN2029800E4254200`.

    It is named by its south-west corner, in metres. A point that lacks a coordinate is
    in none; one where there is no grid is in `(autre)`.

    Args:
        points: Structures of a longitude and a latitude, in degrees (ETRS89, which
            WGS84 is within a metre of).
        size: Width of the squares (m).
    """
    longitude, latitude = (
        points.struct.field(name).cast(pl.Float64) for name in points.struct.fields
    )
    known = (longitude.is_not_null() & latitude.is_not_null()).to_numpy()
    east, north = (
        coordinate.fill_null(np.nan).to_numpy() for coordinate in (longitude, latitude)
    )
    inside = (east >= WEST) & (east <= EAST) & (north >= SOUTH) & (north <= NORTH)
    x, y = _projection().transform(east[inside], north[inside])
    labels = np.full(len(points), None, dtype=object)
    labels[known] = OTHER
    labels[inside] = [
        f"CRS3035RES{size}mN{row}E{column}"
        for column, row in zip(_corner(x, size), _corner(y, size), strict=True)
    ]
    return pl.Series(points.name, labels, dtype=pl.String)


def _corner(metres: _Floats, size: int) -> list[int]:
    rounded = np.floor(metres * _MILLIMETRES + 0.5)
    corners = np.floor(rounded / (size * _MILLIMETRES)) * size
    return corners.astype(np.int64).tolist()  # type: ignore[no-any-return]


@cache
def _projection() -> Transformer:
    return Transformer.from_crs("EPSG:4258", "EPSG:3035", always_xy=True)
