"""Weights and what they are good for, against exactextract itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyproj
import pytest
import shapely
from exactextract import exact_extract
from exactextract.feature import JSONFeatureSource
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping, shape

from lrtzc_pipelines.imagery.coverage import Weights, coverage, digest_of
from lrtzc_pipelines.imagery.rasters import Grid
from lrtzc_pipelines.imagery.zonal import zonal

GRID = Grid("EPSG:32630", 650_000.0, 5_115_000.0, 10.0, 120, 90)
_TO_DEGREES = pyproj.Transformer.from_crs("EPSG:32630", "EPSG:4326", always_xy=True)
_TO_METRES = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)


def zone(*corners: tuple[float, float]) -> dict[str, Any]:
    """A polygon by metres east of the western edge and south of the northern one."""
    flat = shapely.Polygon([(GRID.west + x, GRID.north - y) for x, y in corners])
    return dict(
        mapping(shapely.transform(flat, _TO_DEGREES.transform, interleaved=False))
    )


ZONES = {
    "field": zone((12, 15), (333, 18), (290, 410), (40, 333)),
    "strip": zone((500, 100), (506, 100), (900, 700), (894, 702)),
    "inside a cell": zone((1003, 803), (1007, 803), (1007, 807), (1003, 807)),
}


def oracle(values: np.ndarray, names: tuple[str, ...], what: list[str]) -> list[Any]:
    features = [
        {
            "type": "Feature",
            "properties": {"zone": name},
            "geometry": mapping(
                shapely.transform(
                    shape(ZONES[name]), _TO_METRES.transform, interleaved=False
                )
            ),
        }
        for name in names
    ]
    source = NumPyRasterSource(values, *GRID.bounds, nodata=np.nan)
    found = exact_extract(
        source, JSONFeatureSource(features), what, include_cols=["zone"]
    )
    return [each["properties"] for each in found]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return coverage(ZONES, GRID)


def test_areas_are_those_of_the_polygons(weights: Weights) -> None:
    for name, found in zip(weights.zones, weights.hectares, strict=True):
        flat = shapely.transform(
            shape(ZONES[name]), _TO_METRES.transform, interleaved=False
        )
        assert found == pytest.approx(flat.area / 10_000, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), hidden=st.floats(0, 0.9))
def test_means_and_spreads_are_those_of_exactextract(seed: int, hidden: float) -> None:
    weights = coverage(ZONES, GRID)
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, (GRID.height, GRID.width)).astype(np.float32)
    values[rng.random(values.shape) < 0.05] = np.nan
    seen = rng.random(values.shape) >= hidden
    found = zonal(values, seen, weights)
    masked = np.where(seen, values, np.nan).astype(np.float64)
    told = oracle(masked, weights.zones, ["mean", "stdev", "count"])
    for row, each in zip(found.iter_rows(named=True), told, strict=True):
        assert row["zone"] == each["zone"]
        assert row["clear_ha"] == pytest.approx(each["count"] / 100, abs=1e-9)
        if each["count"]:
            assert row["mean"] == pytest.approx(each["mean"], abs=1e-9)
            assert row["std"] == pytest.approx(each["stdev"], abs=1e-9)
            assert row["q10"] <= row["q50"] <= row["q90"]
        else:
            assert row["mean"] is row["std"] is row["q50"] is None


def test_quantiles_are_of_areas(weights: Weights) -> None:
    values = np.tile(np.linspace(-1, 1, GRID.width, dtype=np.float32), (GRID.height, 1))
    found = zonal(values, np.full(values.shape, fill_value=True), weights)
    field = found.row(by_predicate=pl.col("zone") == "field", named=True)
    parts = weights.zone == weights.zones.index("field")
    order = np.argsort(values.ravel()[weights.cell[parts]])
    reached = np.cumsum(weights.share[parts][order])
    half = values.ravel()[weights.cell[parts]][order][
        np.searchsorted(reached, reached[-1] / 2)
    ]
    assert field["q50"] == pytest.approx(float(half), abs=1e-4)


def test_a_zone_that_was_not_seen_has_no_figures(weights: Weights) -> None:
    values = np.zeros((GRID.height, GRID.width), dtype=np.float32)
    found = zonal(values, np.zeros(values.shape, dtype=bool), weights)
    assert found["mean"].null_count() == found.height == 3
    assert found["clear_share"].to_list() == [0.0, 0.0, 0.0]


def test_weights_are_kept_as_they_are(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "weights.parquet"
    weights.write(path)
    again = Weights.read(path, GRID)
    assert again.zones == weights.zones
    for one, other in (
        (again.zone, weights.zone),
        (again.cell, weights.cell),
        (again.share, weights.share),
    ):
        assert (one == other).all()


def test_another_border_is_another_version() -> None:
    other = ZONES | {"field": zone((12, 15), (333, 18), (290, 411), (40, 333))}
    assert digest_of(ZONES) == digest_of(dict(reversed(ZONES.items())))
    assert digest_of(ZONES) != digest_of(other)
