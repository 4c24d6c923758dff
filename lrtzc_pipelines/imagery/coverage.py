"""How much of each cell of a grid lies in each zone: worked out once, exactly.

A border cell counts in a zone by the share of it that lies there, so that areas add up
to those of the polygons. Weights depend on the grid and on the zones only: they are
kept, and each scene costs no geometry at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyproj
import shapely
from exactextract import exact_extract
from exactextract.feature import JSONFeatureSource
from exactextract.raster import NumPyRasterSource
from shapely.geometry import mapping, shape

from lrtzc_pipelines.imagery.rasters import Grid
from lrtzc_pipelines.storage import replacing

_WGS84 = "EPSG:4326"


@dataclass(frozen=True)
class Weights:
    """The cells of each zone.

    Attributes:
        grid: Whose cells.
        zones: Names of the zones.
        zone: For each part, the place of its zone in `zones`; ascending.
        cell: Number of its cell, by rows from the north-west.
        share: How much of the cell lies in the zone, above 0 and up to 1.
    """

    grid: Grid
    zones: tuple[str, ...]
    zone: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    share: npt.NDArray[np.float64]

    @cached_property
    def hectares(self) -> npt.NDArray[np.float64]:
        """Area of each zone inside of the grid (ha)."""
        return self.total(self.share) * self.grid.size**2 / 10_000

    def total(self, parts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sums of something of each part, by zone."""
        found = np.bincount(self.zone, parts, minlength=len(self.zones))
        return found.astype(np.float64, copy=False)

    def write(self, path: Path) -> None:
        """Writes them as Parquet: `zone`, `cell`, `share`."""
        names = pl.Series("zone", self.zones, dtype=pl.Categorical)
        frame = pl.DataFrame(
            {"zone": names.gather(self.zone), "cell": self.cell, "share": self.share}
        )
        with replacing(path) as temporary:
            frame.write_parquet(temporary, compression="zstd")

    @classmethod
    def read(cls, path: Path, grid: Grid) -> Weights:
        """Those that `write` wrote."""
        frame = pl.read_parquet(path)
        zones = frame["zone"].cast(pl.String).unique(maintain_order=True)
        places = dict(zip(zones, range(len(zones)), strict=True))
        return cls(
            grid,
            tuple(zones),
            frame["zone"]
            .cast(pl.String)
            .replace_strict(places, return_dtype=pl.Int64)
            .to_numpy(),
            frame["cell"].to_numpy(),
            frame["share"].to_numpy(),
        )


def coverage(zones: Mapping[str, Mapping[str, Any]], grid: Grid) -> Weights:
    """The weights of some zones on a grid.

    Args:
        zones: GeoJSON geometry of each zone (WGS84), by name.
        grid: The cells. What of a zone lies beyond counts nowhere.
    """
    project = pyproj.Transformer.from_crs(_WGS84, grid.crs, always_xy=True).transform
    names = sorted(zones)
    features = [
        {
            "type": "Feature",
            "properties": {"place": place},
            "geometry": mapping(
                shapely.transform(shape(dict(zones[name])), project, interleaved=False)
            ),
        }
        for place, name in enumerate(names)
    ]
    west, south, east, north = grid.bounds
    empty = np.zeros((grid.height, grid.width), dtype=np.uint8)
    raster = NumPyRasterSource(empty, west, south, east, north)
    found = exact_extract(
        raster,
        JSONFeatureSource(features),
        ["cell_id", "coverage"],
        include_cols=["place"],
    )
    places, cells, shares = [], [], []
    for each in found:
        told = each["properties"]
        cell = np.asarray(told["cell_id"], dtype=np.int64)
        places.append(np.full(len(cell), told["place"], dtype=np.int64))
        cells.append(cell)
        shares.append(np.asarray(told["coverage"], dtype=np.float64))
    return Weights(
        grid,
        tuple(names),
        np.concatenate(places),
        np.concatenate(cells),
        np.concatenate(shares),
    )


def digest_of(zones: Mapping[str, Mapping[str, Any]]) -> str:
    """What tells one version of some zones from every other: a short hash."""
    told = hashlib.sha256()
    for name in sorted(zones):
        told.update(name.encode())
        told.update(shapely.to_wkb(shape(dict(zones[name]))))
    return told.hexdigest()[:16]
