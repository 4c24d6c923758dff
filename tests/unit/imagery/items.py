"""STAC items in the shapes of real catalogues, about invented scenes."""

from __future__ import annotations

import hashlib
from typing import Any

AREA = {
    "type": "Polygon",
    "coordinates": [
        [[-1.3, 46.0], [-0.9, 46.0], [-0.9, 46.3], [-1.3, 46.3], [-1.3, 46.0]]
    ],
}


def name(day: str = "20260401", baseline: str = "0511", made: str = "150000") -> str:
    return f"S2B_MSIL2A_{day}T110619_N{baseline}_R137_T30TXS_{day}T{made}"


def sha3(content: bytes) -> str:
    return "1620" + hashlib.sha3_256(content).hexdigest()


def cdse(  # noqa: PLR0913 - one per thing that differs
    day: str = "20260401",
    *,
    baseline: str = "0511",
    made: str = "150000",
    cloud: float = 12.0,
    published: str = "2026-04-01T16:00:00.000000Z",
    root: str = "https://zipper.example/odata/v1",
    tile: str = "30TXS",
) -> dict[str, Any]:
    """An item as the Copernicus Data Space has it."""
    scene = name(day, baseline, made).replace("30TXS", tile)

    def band(key: str, metres: int, **more: Any) -> dict[str, Any]:
        node = f"{root}/Products(uuid)/Nodes({scene}.SAFE)/Nodes({key}.jp2)/$value"
        return {
            "href": f"s3://eodata/Sentinel-2/{scene}.SAFE/{key}.jp2",
            "alternate": {"https": {"href": node, "auth:refs": ["oidc"]}},
            "roles": ["data", "reflectance"],
            "gsd": metres,
            "file:size": 4,
            "file:checksum": sha3(key.encode()),
            **more,
        }

    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": scene,
        "collection": "sentinel-2-l2a",
        "geometry": AREA,
        "bbox": [-1.3, 46.0, -0.9, 46.3],
        "links": [],
        "properties": {
            "datetime": f"{day[:4]}-{day[4:6]}-{day[6:]}T11:06:19.024Z",
            "published": published,
            "eo:cloud_cover": cloud,
            "grid:code": f"MGRS-{tile}",
            "processing:version": f"{baseline[:2]}.{baseline[2:]}",
        },
        "assets": {
            "B04_10m": band(
                "B04_10m", 10, **{"raster:scale": 1e-4, "raster:offset": -0.1}
            ),
            "B04_60m": band(
                "B04_60m", 60, **{"raster:scale": 1e-4, "raster:offset": -0.1}
            ),
            "B08_10m": band(
                "B08_10m", 10, **{"raster:scale": 1e-4, "raster:offset": -0.1}
            ),
            "SCL_20m": band("SCL_20m", 20, roles=["data"]),
            "thumbnail": {"href": "https://x.example/t.jpg", "roles": ["thumbnail"]},
            "Product": {
                "href": f"{root}/Products(uuid)/$value",
                "file:size": 900,
                "file:checksum": "d50110" + hashlib.md5(b"zip").hexdigest(),
                "roles": ["data", "metadata", "archive"],
            },
        },
    }


def earth_search(
    *, baseline: str = "0511", applied: bool | None = None
) -> dict[str, Any]:
    """An item as Earth Search has it."""
    told: dict[str, Any] = {
        "datetime": "2026-04-01T11:14:35.918Z",
        "created": "2026-04-01T18:00:00Z",
        "eo:cloud_cover": 12.0,
        "s2:processing_baseline": f"{baseline[:2]}.{baseline[2:]}",
        "s2:product_uri": f"{name(baseline=baseline)}.SAFE",
    }
    if applied is not None:
        told["earthsearch:boa_offset_applied"] = applied
    raster = [{"nodata": 0, "scale": 0.0001, "offset": -0.1}]
    cogs = "https://cogs.example/30/T/XS/2026/4"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2B_30TXS_20260401_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": AREA,
        "bbox": [-1.3, 46.0, -0.9, 46.3],
        "links": [],
        "properties": told,
        "assets": {
            "red": {
                "href": f"{cogs}/B04.tif",
                "roles": ["data", "reflectance"],
                "raster:bands": raster,
            },
            "red-jp2": {
                "href": "s3://sentinel-s2-l2a/B04.jp2",
                "roles": ["data", "reflectance"],
            },
            "nir08": {"href": f"{cogs}/B8A.tif", "roles": ["data", "reflectance"]},
            "scl": {"href": f"{cogs}/SCL.tif", "roles": ["data", "reflectance"]},
            "thumbnail": {"href": f"{cogs}/preview.jpg", "roles": ["thumbnail"]},
        },
    }
