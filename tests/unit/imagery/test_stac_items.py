from __future__ import annotations

from datetime import UTC, datetime

import pytest
from items import cdse, earth_search, name

from lrtzc_pipelines.imagery.scenes import CatalogError
from lrtzc_pipelines.imagery.stac_items import scene_of


def test_an_item_of_the_data_space_is_a_scene() -> None:
    scene = scene_of(cdse(), "cdse")
    assert scene.id == name()
    assert scene.tile == "30TXS"
    assert scene.sensed_at == datetime(2026, 4, 1, 11, 6, 19, tzinfo=UTC)
    assert scene.published_at == datetime(2026, 4, 1, 16, tzinfo=UTC)
    assert scene.processing_version == "05.11"
    assert set(scene.assets) == {"B04", "B08", "SCL", "product"}
    red = scene.assets["B04"]
    assert (red.resolution, red.scale, red.offset) == (10, 1e-4, -0.1)
    assert red.href.startswith("https://zipper.example/")
    assert (scene.assets["SCL"].scale, scene.assets["SCL"].offset) == (1.0, 0.0)


def test_the_finest_of_a_band_is_taken_in_any_order() -> None:
    item = cdse()
    item["assets"] = dict(reversed(item["assets"].items()))
    assert scene_of(item, "cdse").assets["B04"].resolution == 10


def test_both_catalogues_tell_of_the_same_scene() -> None:
    one, other = scene_of(cdse(), "cdse"), scene_of(earth_search(), "earth_search")
    assert (one.id, one.overpass) == (other.id, other.overpass)
    assert other.assets["B8A"].resolution == 20
    assert other.assets["B04"].href.endswith("B04.tif")


@pytest.mark.parametrize(
    ("applied", "offset"),
    # Once the numbers were moved, the offset that is told is of the original.
    [(None, -0.1), (False, -0.1), (True, 0.0)],
)
def test_the_offset_is_that_of_the_numbers(
    *, applied: bool | None, offset: float
) -> None:
    scene = scene_of(earth_search(applied=applied), "earth_search")
    assert scene.assets["B04"].offset == offset


@pytest.mark.parametrize(
    ("baseline", "offset"), [("0214", 0.0), ("0301", 0.0), ("0400", -0.1)]
)
def test_where_no_offset_is_told_the_version_says_it(
    baseline: str, offset: float
) -> None:
    scene = scene_of(earth_search(baseline=baseline), "earth_search")
    assert scene.assets["B8A"].offset == offset


@pytest.mark.parametrize(
    "name",
    ["S2B_MSIL1C_20260401T110619_N0511_R137_T30TXS_20260401T150000", "../../etc", ""],
)
def test_what_is_no_product_of_level_2a_is_refused(name: str) -> None:
    with pytest.raises(CatalogError, match="no name of a Sentinel-2"):
        scene_of(cdse() | {"id": name}, "cdse")


def test_what_a_scene_cannot_do_without_is_named() -> None:
    item = cdse()
    del item["geometry"]
    with pytest.raises(CatalogError, match=f"cdse: scene {name()}: KeyError"):
        scene_of(item, "cdse")


def test_a_band_that_is_only_in_a_store_is_an_error() -> None:
    item = cdse()
    del item["assets"]["B08_10m"]["alternate"]
    with pytest.raises(CatalogError, match="alternate"):
        scene_of(item, "cdse")
