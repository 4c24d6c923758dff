"""Figures of an invented scene, from its files, against what is on its ground."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyproj
import pytest
import rasterio
import shapely
from rio_cogeo import cog_validate
from shapely.geometry import box, mapping

from lrtzc_pipelines.imagery.checksums import Status
from lrtzc_pipelines.imagery.cogs import write_cog
from lrtzc_pipelines.imagery.coverage import Weights, coverage
from lrtzc_pipelines.imagery.downloading import Fetched
from lrtzc_pipelines.imagery.figures import BANDS, View, figures
from lrtzc_pipelines.imagery.rasters import Grid, read_window
from lrtzc_pipelines.imagery.stac_items import scene_of
from lrtzc_pipelines.sandbox.imagery.archive import Archive
from lrtzc_pipelines.sandbox.imagery.landscape import Landscape
from lrtzc_pipelines.sandbox.imagery.overpasses import TILE, Overpass
from lrtzc_pipelines.sandbox.imagery.products import Products, band_path
from lrtzc_pipelines.sandbox.imagery.stac_pages import item

COAST = Grid("EPSG:32630", 643_500.0, 5_109_500.0, 10.0, 120, 100)
_TO_DEGREES = pyproj.Transformer.from_crs("EPSG:32630", "EPSG:4326", always_xy=True)


def overpass(month: int, cloud: float) -> Overpass:
    sensed = datetime(2026, month, 4, 11, 6, 19, tzinfo=UTC)
    name = (
        f"S2B_MSIL2A_{sensed:%Y%m%dT%H%M%S}_N0511_R137_T{TILE}_{sensed:%Y%m%dT160619}"
    )
    return Overpass(name, f"uuid-{month}", TILE, sensed, sensed, "05.11", cloud)


@pytest.fixture(scope="module")
def archive() -> Archive:
    return Archive((), Products(Landscape(2040, COAST)))


@pytest.fixture(scope="module")
def weights() -> Weights:
    west, south, east, north = COAST.bounds
    middle = (west + east) / 2 + 3
    halves = {
        "west": box(west, south, middle, north),
        "east": box(middle, south, east, north),
    }
    return coverage(
        {
            name: dict(
                mapping(
                    shapely.transform(half, _TO_DEGREES.transform, interleaved=False)
                )
            )
            for name, half in halves.items()
        },
        COAST,
    )


def view(
    archive: Archive,
    one: Overpass,
    folder: Path,
    status: Status = Status.VERIFIED,
) -> View:
    files = {}
    for band in BANDS:
        path = folder / f"{band}.jp2"
        path.write_bytes(archive.products.files(one)[band_path(one, band)])
        files[band] = Fetched(path, path.stat().st_size, status)
    scene = scene_of(item(archive, one, "https://x.example"), "cdse_stac")
    return View(scene, files, COAST)


def test_a_scene_has_a_row_for_each_zone_and_index(
    archive: Archive, weights: Weights, tmp_path: Path
) -> None:
    found = figures(view(archive, overpass(7, 0.0), tmp_path), weights)
    assert found.height == 6
    assert set(found["indicator"]) == {"ndvi", "ndwi", "mndwi"}
    assert found["clear_share"].min() == 1.0
    assert found["checksum_status"].unique().to_list() == ["verified"]
    assert found["sensed_at"].dtype == pl.Datetime("us", "UTC")
    assert (
        found.select("mean", "q10", "q50", "q90").null_count().sum_horizontal().item()
        == 0
    )


def test_means_are_those_of_the_ground(
    archive: Archive, weights: Weights, tmp_path: Path
) -> None:
    one = overpass(7, 0.0)
    found = figures(view(archive, one, tmp_path), weights)
    bands = archive.products.landscape.bands(one.sensed_at, 0.0)
    red, nir = (np.maximum(bands[b].astype(float) - 1000, 0) for b in ("B04", "B08"))
    ndvi = (nir - red) / (nir + red)
    parts = weights.zone == weights.zones.index("west")
    share, own = weights.share[parts], ndvi.ravel()[weights.cell[parts]]
    expected = (share * own).sum() / share.sum()
    west = found.filter(pl.col("zone") == "west", pl.col("indicator") == "ndvi")
    assert west["mean"].item() == pytest.approx(expected, abs=1e-6)


def test_green_comes_and_goes_and_clouds_hide_it(
    archive: Archive, weights: Weights, tmp_path: Path
) -> None:
    told = {}
    for month, cloud in ((1, 0.0), (7, 0.0), (8, 0.6)):
        folder = tmp_path / str(month)
        folder.mkdir()
        found = figures(view(archive, overpass(month, cloud), folder), weights)
        told[month] = found.filter(pl.col("indicator") == "ndvi")
    assert (told[7]["mean"] > told[1]["mean"]).all()
    hidden = told[8].select(pl.col("clear_ha").sum()).item()
    assert 0 < hidden < 0.42 * weights.hectares.sum()


def test_what_is_not_proven_says_so(
    archive: Archive, weights: Weights, tmp_path: Path
) -> None:
    shown = view(archive, overpass(7, 0.0), tmp_path, Status.UNVERIFIED)
    found = figures(shown, weights)
    assert found["checksum_status"].unique().to_list() == ["unverified"]


def test_what_is_kept_is_a_valid_cog_with_the_same_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    grid = Grid("EPSG:32630", 640_000.0, 5_120_000.0, 10.0, 1300, 900)
    numbers = rng.integers(0, 9000, (900, 1300)).astype(np.uint16)
    path = tmp_path / "B04.tif"
    write_cog(path, numbers, grid)
    is_valid, errors, warnings = cog_validate(path, quiet=True)
    assert (is_valid, errors, warnings) == (True, [], [])
    assert (read_window(path, grid) == numbers).all()
    with rasterio.open(path) as source:
        assert source.overviews(1) == [2, 4]
        assert source.compression.value == "ZSTD"
        assert source.block_shapes == [(512, 512)]
        assert source.nodata == 0
