"""Squares of the European grid (ETRS89-LAEA, EPSG:3035), called as INSEE calls them.

Points are projected once, before anything is taken of them: PROJ does not bear the
threads that Polars evaluates expressions in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from pyproj import Transformer

from lrtzc_pipelines.privacy.code_tables import OTHER
from lrtzc_pipelines.sources.sides import Point

WEST, SOUTH, EAST, NORTH = -35.58, 24.6, 44.83, 84.73
"""Where the grid is defined, in degrees: Europe without the far overseas."""

_MILLIMETRES = 1000
"""Coordinates are rounded to the millimetre: a point on a border is in the square east
or north of it, whatever the last digits of the projection."""

_X, _Y, _IS_ON_GRID = "east_mm", "north_mm", "is_on_grid"


def with_points(frame: pl.DataFrame, points: Sequence[Point]) -> pl.DataFrame:
    """The rows with each point as a structure, of which `square` may be taken.

    A point that lacks a coordinate is nowhere: its fields are null.

    Args:
        frame: Rows with the coordinates, in degrees (ETRS89, which WGS84 is within a
            metre of).
        points: Which columns are a place together.
    """
    return frame.with_columns(
        _projected(frame[point.longitude], frame[point.latitude]).alias(point.name)
        for point in points
    )


def square(point: pl.Expr, size: int) -> pl.Expr:
    """The square that a point is in, such as `CRS3035RES200mN2029800E4254200`.

    It is named by its south-west corner, in metres. Where there is no grid it is
    `(autre)`, and null where there is no point.

    Args:
        point: Structures that `with_points` made.
        size: Width of the squares (m).
    """
    corners = [
        point.struct.field(name) // (size * _MILLIMETRES) * size for name in (_Y, _X)
    ]
    label = pl.format(f"CRS3035RES{size}mN{{}}E{{}}", *corners)
    on_grid = point.struct.field(_IS_ON_GRID)
    return pl.when(on_grid).then(label).when(~on_grid).then(pl.lit(OTHER))


def _projected(longitude: pl.Series, latitude: pl.Series) -> pl.Series:
    known = (longitude.is_not_null() & latitude.is_not_null()).to_numpy()
    x, y = (
        coordinate.cast(pl.Float64).fill_null(np.nan).to_numpy()
        for coordinate in (longitude, latitude)
    )
    inside = (x >= WEST) & (x <= EAST) & (y >= SOUTH) & (y <= NORTH)
    east, north = Transformer.from_crs(
        "EPSG:4258", "EPSG:3035", always_xy=True
    ).transform(x[inside], y[inside])
    fields = {_X: _rounded(east, inside), _Y: _rounded(north, inside)}
    on_grid = pl.Series(inside).set(~pl.Series(known), None)
    return pl.DataFrame({**fields, _IS_ON_GRID: on_grid}).to_struct()


def _rounded(
    metres: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_]
) -> pl.Series:
    """Millimetres, null where a point is not on the grid."""
    whole = np.zeros(len(inside), dtype=np.int64)
    whole[inside] = np.floor(metres * _MILLIMETRES + 0.5)
    return pl.Series(whole).set(~pl.Series(inside), None)
