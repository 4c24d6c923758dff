"""What an invented satellite sees: sea, mudflats, marshes, towns, fields, in season.

The coast is that of the schematic outlines; nothing else is where it really is. Numbers
are those of Level-2A: reflectance times 10,000, moved up by 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt, gaussian_filter, zoom

from lrtzc_pipelines.imagery.rasters import Grid, grid_over
from lrtzc_pipelines.sandbox.draws import generator
from lrtzc_pipelines.sandbox.territory import COMMUNES, outlines, sea

Numbers = npt.NDArray[np.generic]

CRS = "EPSG:32630"
COARSE = 20.0
_OFFSET, _SCALE = 1000, 10_000
_BANDS = ("B03", "B04", "B08", "B11")


class Cover(IntEnum):
    """What is on the ground."""

    SEA = 0
    MUDFLAT = 1
    SEAGRASS = 2
    MARSH = 3
    TOWN = 4
    FIELD = 5
    FOREST = 6


# Reflectances (green, red, near and short-wave infrared) in winter and in summer.
_WINTER = np.array(
    [
        [0.045, 0.025, 0.010, 0.006],
        [0.110, 0.115, 0.130, 0.060],
        [0.085, 0.080, 0.130, 0.060],
        [0.070, 0.075, 0.190, 0.160],
        [0.130, 0.140, 0.190, 0.200],
        [0.080, 0.060, 0.290, 0.180],
        [0.045, 0.035, 0.190, 0.120],
    ]
)
_SUMMER = np.array(
    [
        [0.050, 0.028, 0.012, 0.006],
        [0.110, 0.115, 0.135, 0.060],
        [0.070, 0.055, 0.230, 0.080],
        [0.060, 0.045, 0.270, 0.140],
        [0.130, 0.140, 0.195, 0.200],
        [0.110, 0.120, 0.230, 0.300],
        [0.050, 0.028, 0.340, 0.150],
    ]
)
_CLOUD = np.array([0.62, 0.60, 0.63, 0.45])
_SHADOW = 0.35
_CLASSES = np.array([6, 5, 4, 4, 5, 4, 4], dtype=np.uint8)
"""What the scene classification calls each cover in summer."""

_WOODED, _GROWN = 1.1, 0.6
"""Heights of random hills above which there is forest, and seagrass."""

_BARE = 0.25
"""Greenness of fields below which they are called bare."""


def territory_grid(size: float = 10.0) -> Grid:
    """The cells of the tile that lie over the territory."""
    project = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform
    land = shapely.union_all(list(outlines().values()))
    bounds = shapely.transform(land, project, interleaved=False).bounds
    return grid_over(bounds, CRS, size, snap=COARSE)


@dataclass(frozen=True)
class Landscape:
    """The ground, and what it looks like at a time.

    Attributes:
        seed: Equal seeds give equal ground and equal clouds.
        grid: Cells of 10 m.
    """

    seed: int
    grid: Grid

    @cached_property
    def cover(self) -> npt.NDArray[np.uint8]:
        """What is on the ground, in cells of 20 m."""
        coarse = self.grid.coarser(2)
        land = self._land(coarse)
        rng = generator(self.seed, "landscape")
        rough = _smooth(rng, coarse, 12.0)
        to_sea = distance_transform_edt(land) * COARSE
        to_land = distance_transform_edt(~land) * COARSE
        found = np.full(land.shape, Cover.FIELD, dtype=np.uint8)
        found[_smooth(rng, coarse, 25.0) > _WOODED] = Cover.FOREST
        found[land & (to_sea < 900 + 500 * rough)] = Cover.MARSH
        found[self._towns(coarse)] = Cover.TOWN
        found[~land] = Cover.SEA
        flat = ~land & (to_land < 700 + 300 * rough)
        found[flat] = Cover.MUDFLAT
        found[flat & (_smooth(rng, coarse, 10.0) > _GROWN)] = Cover.SEAGRASS
        return found

    def bands(self, moment: datetime, cloud_share: float) -> dict[str, Numbers]:
        """The bands of a scene by name, `SCL` among them.

        Args:
            moment: When it is seen; the season decides how green it is.
            cloud_share: How much of it is under clouds, 0 to 1.
        """
        summer = _summer(moment)
        look = _WINTER + (_SUMMER - _WINTER) * summer
        rng = generator(self.seed, f"scene {moment:%Y%m%d}")
        coarse = self.grid.coarser(2)
        clouds = _smooth(rng, coarse, 30.0)
        is_cloud = clouds > np.quantile(clouds, 1 - cloud_share)
        shadow = np.roll(is_cloud, (18, 12), axis=(0, 1)) & ~is_cloud
        grain = 1 + 0.06 * _smooth(rng, coarse, 1.5)
        found: dict[str, Numbers] = {"SCL": self._classes(summer, is_cloud, shadow)}
        for place, band in enumerate(_BANDS):
            seen = look[self.cover, place] * grain
            seen = np.where(shadow, seen * _SHADOW, seen)
            seen = np.where(is_cloud, _CLOUD[place] * grain, seen)
            numbers = np.clip(seen * _SCALE + _OFFSET, 1, 65_535).astype(np.uint16)
            if band != "B11":
                numbers = np.repeat(np.repeat(numbers, 2, axis=0), 2, axis=1)
            found[band] = numbers
        return found

    def _classes(
        self,
        summer: float,
        is_cloud: npt.NDArray[np.bool_],
        shadow: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.uint8]:
        classes = _CLASSES[self.cover]
        if summer > 1 - _BARE:
            classes = np.where(self.cover == Cover.FIELD, 5, classes)
        classes = np.where(shadow, 3, classes)
        return np.where(is_cloud, 9, classes).astype(np.uint8)

    def _land(self, grid: Grid) -> npt.NDArray[np.bool_]:
        project = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
        water = shapely.transform(sea(), project.transform, interleaved=False)
        found = rasterize(
            [water],
            out_shape=(grid.height, grid.width),
            transform=grid.transform,
            default_value=1,
            dtype=np.uint8,
        )
        return np.asarray(found == 0)

    def _towns(self, grid: Grid) -> npt.NDArray[np.bool_]:
        project = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
        east = grid.west + (np.arange(grid.width) + 0.5) * grid.size
        north = grid.north - (np.arange(grid.height) + 0.5) * grid.size
        found = np.zeros((grid.height, grid.width), dtype=bool)
        for commune in COMMUNES:
            x, y = project.transform(commune.longitude, commune.latitude)
            # A town of 1,000 people is 340 m across, one of 80,000 is 3 km.
            radius = 5.4 * commune.population_municipal**0.5 + 170
            found |= (east[None, :] - x) ** 2 + (north[:, None] - y) ** 2 < radius**2
        return found


def _smooth(
    rng: np.random.Generator, grid: Grid, cells: float
) -> npt.NDArray[np.float64]:
    """Random hills and valleys, some cells across, with a spread of about one."""
    step = max(int(cells / 3), 1)
    shape = (grid.height // step + 2, grid.width // step + 2)
    hills = gaussian_filter(rng.standard_normal(shape), cells / step, mode="reflect")
    hills /= hills.std() or 1.0
    large = zoom(hills, step, order=1) if step > 1 else hills
    return np.asarray(large[: grid.height, : grid.width])


def _summer(moment: datetime) -> float:
    """How much of summer there is in a day: 0 in mid-January, 1 in mid-July."""
    day = moment.timetuple().tm_yday
    return float(0.5 - 0.5 * np.cos(2 * np.pi * (day - 15) / 365))
