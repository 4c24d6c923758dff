"""What figures of scenes cost, against what else could be done, in one run.

    python benchmarks/imagery/scenes.py [--runs 5]

A tile of 10,980 by 10,980 cells as COG, the territory in it, its 28 communes. Prints
JSON: medians of interleaved runs, after one that does not count.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyproj
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.feature import JSONFeatureSource
from exactextract.raster import NumPyRasterSource
from shapely.geometry import mapping

from lrtzc_pipelines.imagery.checksums import Status
from lrtzc_pipelines.imagery.cogs import write_cog
from lrtzc_pipelines.imagery.coverage import Weights, coverage
from lrtzc_pipelines.imagery.downloading import Fetched
from lrtzc_pipelines.imagery.figures import View, figures
from lrtzc_pipelines.imagery.indices import NDVI, NDWI
from lrtzc_pipelines.imagery.rasters import Grid, read_window
from lrtzc_pipelines.imagery.scenes import Scene, SceneAsset
from lrtzc_pipelines.imagery.zonal import zonal
from lrtzc_pipelines.sandbox.imagery.landscape import Landscape, territory_grid
from lrtzc_pipelines.sandbox.territory import outlines

TILE = Grid("EPSG:32630", 600_000.0, 5_200_020.0, 10.0, 10_980, 10_980)
MOMENT = datetime(2026, 7, 4, 11, 6, 19, tzinfo=UTC)


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds on the clock and of the processors."""
    started, before = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - before,
    }


def medians(works: dict[str, Callable[[], object]], runs: int) -> dict[str, Any]:
    """Medians of works that take turns."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in works}
    for number in range(runs + 1):
        for name, work in works.items():
            told = timed(work)
            if number:
                found[name].append(told)
    return {
        name: {
            key: round(statistics.median(run[key] for run in each), 4)
            for key in ("seconds", "cpu_seconds")
        }
        for name, each in found.items()
    }


def made(folder: Path, grid: Grid) -> View:
    """A scene whose bands are whole tiles."""
    bands = Landscape(2040, grid).bands(MOMENT, 0.1)
    files, assets = {}, {}
    for band in ("B03", "B04", "B08", "SCL"):
        metres = 20 if band == "SCL" else 10
        times = metres // 10
        own, tile = grid.coarser(times), TILE.coarser(times)
        rng = np.random.default_rng(len(files))
        numbers = rng.integers(1200, 4000, (tile.height // 20 + 1,) * 2)
        numbers = np.kron(numbers, np.ones((20, 20), dtype=int))
        numbers = numbers[: tile.height, : tile.width].astype(bands[band].dtype)
        row = round((tile.north - own.north) / own.size)
        column = round((own.west - tile.west) / own.size)
        numbers[row : row + own.height, column : column + own.width] = bands[band]
        path = folder / f"{band}.tif"
        write_cog(path, numbers, tile)
        files[band] = Fetched(path, path.stat().st_size, Status.VERIFIED)
        scale = (1.0, 0.0) if band == "SCL" else (1e-4, -0.1)
        assets[band] = SceneAsset(band, "https://x.example/", metres, *scale)
    scene = Scene("bench", "30TXS", MOMENT, MOMENT, 10.0, "05.11", "none", {}, assets)
    return View(scene, files, grid)


def scene_to_duckdb(view: View, weights: Weights, path: Path) -> None:
    """Four bands, two indices, 28 communes, to rows of DuckDB."""
    # A copy remembers nothing of the run before.
    rows = figures(replace(view), weights, (NDVI, NDWI)).to_arrow()
    with duckdb.connect(str(path)) as connection:
        connection.register("rows", rows)
        connection.execute("create or replace table figures as select * from rows")


def by_zones(view: View, weights: Weights, runs: int) -> dict[str, Any]:
    """Means by zone: ours, a plain labelled bincount, and exactextract."""
    values, seen = view.index(NDVI), view.seen
    labels = np.zeros(values.size, dtype=np.int64)
    full = weights.share == 1
    labels[weights.cell[full]] = weights.zone[full] + 1
    project = pyproj.Transformer.from_crs("EPSG:4326", view.grid.crs, always_xy=True)
    features = [
        {
            "type": "Feature",
            "properties": {"zone": name},
            "geometry": mapping(
                shapely.transform(
                    outlines()[name], project.transform, interleaved=False
                )
            ),
        }
        for name in weights.zones
    ]
    masked = np.where(seen, values, np.nan).astype(np.float64)

    def exact() -> list[Any]:
        source = NumPyRasterSource(masked, *view.grid.bounds, nodata=np.nan)
        return list(
            exact_extract(source, JSONFeatureSource(features), ["mean", "stdev"])
        )

    def bincount() -> None:
        is_seen = (seen & ~np.isnan(values)).ravel()
        own = np.where(is_seen, values.ravel(), 0).astype(np.float64)
        count = np.bincount(labels, is_seen)
        mean = np.bincount(labels, own) / count
        np.bincount(labels, own * own) / count - mean**2

    found = medians(
        {
            "weights": lambda: zonal(values, seen, weights, ()),
            "weights_and_quantiles": lambda: zonal(values, seen, weights),
            "labelled_bincount": bincount,
            "exactextract": exact,
        },
        runs,
    )
    means = zonal(values, seen, weights, ())["mean"].to_list()
    apart = max(
        abs(mean - each["properties"]["mean"])
        for mean, each in zip(means, exact(), strict=True)
    )
    base = found["labelled_bincount"]["seconds"]
    return {
        **found,
        "times_a_labelled_bincount": round(found["weights"]["seconds"] / base, 2),
        "largest_difference_of_means": apart,
    }


def whole(path: Path) -> None:
    """Reads all of a band."""
    with rasterio.open(path) as source:
        source.read(1)


def main() -> None:
    """Prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    grid = territory_grid()
    zones = {code: dict(mapping(shape)) for code, shape in outlines().items()}
    weights = coverage(zones, grid)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        view = made(folder, grid)
        band = view.files["B04"].path
        told = {
            "cells": f"{grid.width} x {grid.height} of {TILE.width} x {TILE.height}",
            "zones": by_zones(view, weights, runs),
            "reading": medians(
                {
                    "window": lambda: read_window(band, grid),
                    "whole_tile": lambda: whole(band),
                },
                runs,
            ),
            "scene": medians(
                {
                    "bands_to_duckdb": lambda: scene_to_duckdb(
                        view, weights, folder / "figures.duckdb"
                    )
                },
                runs,
            ),
        }
    reading = told["reading"]
    told["times_less_cpu_than_the_tile"] = round(
        reading["whole_tile"]["cpu_seconds"] / reading["window"]["cpu_seconds"], 1
    )
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
