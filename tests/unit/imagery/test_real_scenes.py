"""Scenes that others published: what is read of them, and the figures they give."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio

from lrtzc_pipelines.imagery.checksums import parse_multihash
from lrtzc_pipelines.imagery.indices import difference, reflectance
from lrtzc_pipelines.imagery.rasters import Grid, read_window, repeated
from lrtzc_pipelines.imagery.scenes import CatalogError, SceneAsset
from lrtzc_pipelines.imagery.stac_items import scene_of

REAL = Path(__file__).parents[4] / "shared" / "real" / "sentinel2"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]
SHOWN = (4, 5, 6, 7)


@pytest.fixture(scope="module")
def item() -> dict[str, object]:
    (path,) = (REAL / "stac").glob("S2C_*_cdse_*.json")
    return dict(json.loads(path.read_text()))


def test_the_bands_of_a_real_item_are_read(item: dict[str, object]) -> None:
    scene = scene_of(item, "cdse")
    assert scene.tile == "33UWP"
    assert scene.processing_version == "05.11"
    assert len(scene.assets) == 14
    for band, metres in (
        ("B02", 10),
        ("B03", 10),
        ("B04", 10),
        ("B08", 10),
        ("B11", 20),
    ):
        asset = scene.assets[band]
        assert (asset.resolution, asset.scale, asset.offset) == (metres, 1e-4, -0.1)
        assert asset.href.startswith("https://zipper.dataspace.copernicus.eu/odata/v1/")
        assert asset.href.endswith("/$value")
    assert scene.assets["SCL"].offset == 0.0
    product = scene.assets["product"]
    assert product.href.startswith("https://download.dataspace.copernicus.eu/")
    assert product.size == 950_880_356


def test_three_forms_of_checksums_are_told_apart(item: dict[str, dict]) -> None:
    found = Counter(
        (parsed.algorithms, parsed.is_mislabelled)
        for asset in item["assets"].values()
        if "file:checksum" in asset
        for parsed in [parse_multihash(asset["file:checksum"])]
    )
    assert found == {
        (("sha3_256",), False): 36,
        (("md5",), False): 3,
        (("sha256", "sha3_256"), True): 4,
    }


def test_a_real_product_of_another_level_is_refused() -> None:
    told = json.loads((REAL / "stac" / "eodag_earth_search_search.json").read_text())
    for feature in told["features"]:
        with pytest.raises(CatalogError, match=r"MSIL1C.* is no name of"):
            scene_of(feature, "earth_search")


@pytest.fixture(scope="module")
def safe() -> dict[str, np.ndarray]:
    bands = {}
    for path in REAL.glob("safe/*.SAFE/GRANULE/*/IMG_DATA/R60m/*.jp2"):
        with rasterio.open(path) as source:
            corner = source.transform
            grid = Grid(
                source.crs.to_string(), corner.c, corner.f, 60.0, *source.shape[::-1]
            )
        bands[path.stem.split("_")[-2]] = read_window(path, grid)
    return bands


@pytest.mark.parametrize(
    ("offset", "vegetation", "bare"), [(-0.1, 0.844, 0.563), (0.0, 0.574, 0.215)]
)
def test_vegetation_is_green_only_with_the_offset(
    safe: dict[str, np.ndarray], offset: float, vegetation: float, bare: float
) -> None:
    told = SceneAsset("any", "https://x.example/", 60, 1e-4, offset)
    red, nir = (reflectance(safe[name], told) for name in ("B04", "B8A"))
    ndvi = difference(nir, red)
    assert np.nanmedian(ndvi[safe["SCL"] == 4]) == pytest.approx(vegetation, abs=5e-4)
    assert np.nanmedian(ndvi[safe["SCL"] == 5]) == pytest.approx(bare, abs=5e-4)


def test_water_is_wet(safe: dict[str, np.ndarray]) -> None:
    told = SceneAsset("any", "https://x.example/", 60, 1e-4, -0.1)
    green, nir, swir = (reflectance(safe[n], told) for n in ("B03", "B8A", "B11"))
    is_water = safe["SCL"] == 6
    assert np.nanmedian(difference(green, nir)[is_water]) == pytest.approx(
        0.316, abs=1e-3
    )
    assert np.nanmedian(difference(green, swir)[is_water]) == pytest.approx(
        0.497, abs=1e-3
    )


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_seventy_two_dates_of_a_field() -> None:
    told = SceneAsset("any", "https://x.example/", 10, 1e-4, 0.0)
    (fine,) = REAL.glob("chips/S2_L2A_10m_*.nc")
    (coarse,) = REAL.glob("chips/S2_L2A_20m_*.nc")
    cubes = {}
    for path, name in ((fine, "B03"), (fine, "B04"), (fine, "B08"), (coarse, "SCL")):
        with rasterio.open(f"netcdf:{path}:{name}") as source:
            cubes[name] = source.read()
            tags = source.tags()
    seconds = re.findall(r"\d+", tags["NETCDF_DIM_timestamp_VALUES"])
    first = datetime(2018, 8, 4, 10, 50, 22)  # noqa: DTZ001 - only its day is used
    days = [f"{first + timedelta(seconds=int(s)):%Y-%m-%d}" for s in seconds]
    assert len(days) == 72
    means = {}
    for place, day in enumerate(days):
        seen = repeated(np.isin(cubes["SCL"][place], SHOWN), 2)
        green, red, nir = (
            reflectance(cubes[name][place], told) for name in ("B03", "B04", "B08")
        )
        if seen.mean() > 0.9:
            means[day] = (
                float(np.nanmean(difference(nir, red)[seen])),
                float(np.nanmean(difference(green, nir)[seen])),
            )
    assert len(means) == 29
    assert means["2018-08-04"] == pytest.approx((0.4702, -0.5536), abs=1e-3)
    assert means["2019-04-11"][0] == pytest.approx(0.8048, abs=1e-3)
    assert means["2019-07-25"][0] == pytest.approx(0.4537, abs=1e-3)
    assert means["2019-11-22"] == pytest.approx((0.7120, -0.6467), abs=1e-3)
    assert max(means, key=lambda day: means[day][0]) == "2019-04-11"
    assert min(means, key=lambda day: means[day][0]) == "2019-07-25"
