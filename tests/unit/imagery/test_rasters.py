from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.imagery.rasters import Grid, grid_over, read_window, repeated

TILE = Grid("EPSG:32630", 600_000.0, 5_200_020.0, 20.0, 30, 20)


@pytest.fixture
def band(tmp_path: Path) -> Path:
    path = tmp_path / "B11_20m.tif"
    numbers = np.arange(1, 601, dtype=np.uint16).reshape(20, 30)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=30,
        height=20,
        count=1,
        dtype="uint16",
        crs=TILE.crs,
        transform=TILE.transform,
    ) as out:
        out.write(numbers, 1)
    return path


def test_a_window_has_the_cells_of_its_place(band: Path) -> None:
    window = Grid(TILE.crs, TILE.west + 60, TILE.north - 40, 20.0, 4, 3)
    found = read_window(band, window)
    assert found.tolist() == [[n + 30 * row for n in range(64, 68)] for row in range(3)]


def test_beyond_the_tile_there_is_nothing(band: Path) -> None:
    window = Grid(TILE.crs, TILE.west - 40, TILE.north + 20, 20.0, 4, 3)
    assert read_window(band, window).tolist() == [
        [0, 0, 0, 0],
        [0, 0, 1, 2],
        [0, 0, 31, 32],
    ]


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (Grid("EPSG:32631", TILE.west, TILE.north, 20.0, 2, 2), "projection"),
        (Grid(TILE.crs, TILE.west, TILE.north, 10.0, 2, 2), "20 m wide, not 10"),
        (Grid(TILE.crs, TILE.west + 5, TILE.north, 20.0, 2, 2), "lie between"),
    ],
)
def test_another_grid_is_refused(band: Path, grid: Grid, reason: str) -> None:
    with pytest.raises(LrtzcError, match=f"B11_20m.tif: .*{reason}"):
        read_window(band, grid)


def test_what_is_no_raster_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "B11_20m.tif"
    path.write_bytes(b"<html>")
    with pytest.raises(LrtzcError, match=r"B11_20m\.tif"):
        read_window(path, TILE)


def test_a_grid_over_bounds_has_edges_of_the_coarsest_band() -> None:
    grid = grid_over(
        (635_723.0, 5_096_301.0, 635_800.0, 5_096_399.0), "EPSG:32630", 10.0, snap=20.0
    )
    assert grid.bounds == (635_720.0, 5_096_300.0, 635_800.0, 5_096_400.0)
    assert (grid.width, grid.height) == (8, 10)
    assert grid.coarser(2).bounds == grid.bounds
    with pytest.raises(ValueError, match="no multiple of 3"):
        grid.coarser(3)


def test_cells_are_repeated_in_place() -> None:
    found = repeated(np.array([[1, 2], [3, 4]]), 2)
    assert found.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
