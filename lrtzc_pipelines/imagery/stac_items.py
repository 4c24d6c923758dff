"""A scene as a STAC item tells it: Copernicus Data Space, Earth Search.

Items differ in how they name bands, and in whether the offset of the newer processing
is in the numbers already: both are read per item, never per provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lrtzc_pipelines.imagery.scenes import CatalogError, Scene, SceneAsset, SceneName

PRODUCT = "product"

_KEY = re.compile(r"^(?P<band>B\d[0-9A]|SCL)_(?P<metres>\d+)m$")
_COMMON = {
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "nir": "B08",
    "nir08": "B8A",
    "swir16": "B11",
    "swir22": "B12",
    "scl": "SCL",
}
_METRES = {"B02": 10, "B03": 10, "B04": 10, "B08": 10}
_COARSER = 20
_CLASSES = "SCL"
_OFFSET_SINCE = "04.00"
"""Processing version since which stored numbers are 1,000 too high."""

_SCALE, _OFFSET = 1e-4, -0.1


def scene_of(item: Mapping[str, Any], catalog: str) -> Scene:
    """The scene that a STAC item is about.

    Args:
        item: The item as JSON.
        catalog: Name of the catalogue it comes from.

    Raises:
        CatalogError: something is missing that a scene cannot do without.
    """
    told = item.get("properties") or {}
    # Earth Search names items its own way, and tells the product's name beside.
    own = str(told.get("s2:product_uri") or item.get("id") or "?")
    try:
        name = SceneName.parse(own)
        published = told.get("published") or told.get("created") or told["datetime"]
        return Scene(
            id=name.id,
            tile=name.tile,
            sensed_at=name.sensed_at,
            published_at=_moment(published),
            cloud_cover=_number(told.get("eo:cloud_cover")),
            processing_version=name.baseline,
            catalog=catalog,
            geometry=item["geometry"],
            assets=dict(_assets(item, name.baseline)),
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{catalog}: scene {own[:80]}: {type(error).__name__}: {error}"
        raise CatalogError(msg) from error


def _assets(item: Mapping[str, Any], version: str) -> list[tuple[str, SceneAsset]]:
    """The bands of an item, each at its finest, and its archive."""
    applied = bool(item["properties"].get("earthsearch:boa_offset_applied"))
    found: dict[str, SceneAsset] = {}
    for key, told in item["assets"].items():
        if key == "Product":
            found[PRODUCT] = SceneAsset(
                PRODUCT,
                _href(told),
                size=told.get("file:size"),
                checksum=told.get("file:checksum"),
            )
            continue
        band, metres = _band(key, told)
        known = found.get(band)
        if band and (known is None or metres < (known.resolution or metres)):
            scale, offset = _reflectance(told, band, version, applied=applied)
            found[band] = SceneAsset(
                band,
                _href(told),
                metres,
                scale,
                offset,
                told.get("file:size"),
                told.get("file:checksum"),
            )
    return list(found.items())


def _band(key: str, told: Mapping[str, Any]) -> tuple[str, int]:
    """Which band an asset is, and its metres; empty if it is none."""
    if match := _KEY.match(key):
        return match["band"], int(match["metres"])
    if not {"data", "reflectance"} & set(told.get("roles") or ["data"]):
        return "", 0
    # Earth Search has the same band once more as JPEG 2000, under `red-jp2`.
    band = _COMMON.get(key, "")
    return band, _METRES.get(band, _COARSER)


def _href(told: Mapping[str, Any]) -> str:
    """The address over HTTPS: the alternate, where the first one is in a store."""
    href = str(told["href"])
    if href.startswith("http"):
        return href
    return str(told["alternate"]["https"]["href"])


def _reflectance(
    told: Mapping[str, Any], band: str, version: str, *, applied: bool
) -> tuple[float, float]:
    """Scale and offset of a band's numbers."""
    if band == _CLASSES:
        return 1.0, 0.0
    raster = (told.get("raster:bands") or [{}])[0]
    scale = told.get("raster:scale", raster.get("scale"))
    offset = told.get("raster:offset", raster.get("offset"))
    if scale is None:
        scale = _SCALE
    if applied:
        # Told of the original numbers, which these are not any more.
        offset = 0.0
    elif offset is None:
        offset = _OFFSET if version >= _OFFSET_SINCE else 0.0
    return float(scale), float(offset)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
