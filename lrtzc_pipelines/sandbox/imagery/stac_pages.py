"""The list as a STAC API, in the shape of the Copernicus Data Space."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shapely.geometry import shape

from lrtzc_pipelines.sandbox.imagery.archive import Archive, node_path
from lrtzc_pipelines.sandbox.imagery.overpasses import Overpass
from lrtzc_pipelines.sandbox.imagery.products import METRES, band_path

COLLECTION = "sentinel-2-l2a"
_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#query",
]
_PAGE = 100
_ALL_METADATA = ("manifest.safe", "MTD_MSIL2A.xml")


def landing(root: str) -> dict[str, Any]:
    """The front page of the API at an address."""
    links = [
        {"rel": "self", "type": "application/json", "href": f"{root}/stac"},
        {"rel": "root", "type": "application/json", "href": f"{root}/stac"},
        {"rel": "data", "type": "application/json", "href": f"{root}/stac/collections"},
        *(
            {
                "rel": "search",
                "type": "application/geo+json",
                "href": f"{root}/stac/search",
                "method": method,
            }
            for method in ("GET", "POST")
        ),
    ]
    return {
        "type": "Catalog",
        "id": "lrtzc-sandbox",
        "title": "Scènes inventées",
        "description": "Scènes inventées au-dessus du territoire",
        "stac_version": "1.1.0",
        "conformsTo": _CONFORMS,
        "links": links,
    }


def collection(root: str) -> dict[str, Any]:
    """The one collection there is."""
    href = f"{root}/stac/collections/{COLLECTION}"
    return {
        "type": "Collection",
        "id": COLLECTION,
        "stac_version": "1.1.0",
        "description": "Scènes inventées de niveau 2A",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-1.5, 45.9, -0.8, 46.4]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [
            {"rel": "self", "type": "application/json", "href": href},
            {"rel": "items", "type": "application/geo+json", "href": f"{href}/items"},
        ],
    }


def search(
    archive: Archive, asked: Mapping[str, Any], root: str, *, mislabelled: bool = False
) -> dict[str, Any]:
    """A page of scenes.

    Args:
        archive: What there is.
        asked: The question: `intersects`, `datetime`, `query`, `limit`, `token`.
        root: Address of the sandbox.
        mislabelled: Whether the checksums of metadata have a wrong label.
    """
    found = archive.find(**_asked(asked))
    start, limit = int(asked.get("token") or 0), int(asked.get("limit") or _PAGE)
    page = found[start : start + limit]
    links = []
    if start + limit < len(found):
        links.append(
            {
                "rel": "next",
                "type": "application/geo+json",
                "href": f"{root}/stac/search",
                "method": "POST",
                "body": dict(asked) | {"token": str(start + limit)},
            }
        )
    items = [item(archive, one, root, mislabelled=mislabelled) for one in page]
    # pgSTAC tells how many are on the page, and not how many there are.
    return {
        "type": "FeatureCollection",
        "features": items,
        "links": links,
        "numberReturned": len(items),
    }


def item(
    archive: Archive, one: Overpass, root: str, *, mislabelled: bool = False
) -> dict[str, Any]:
    """A scene as a STAC item."""
    href = f"{root}/stac/collections/{COLLECTION}"
    bounds = archive.footprint.bounds
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": one.id,
        "collection": COLLECTION,
        "geometry": archive.geometry,
        "bbox": list(bounds),
        "links": [
            {
                "rel": "self",
                "type": "application/geo+json",
                "href": f"{href}/items/{one.id}",
            },
            {"rel": "collection", "type": "application/json", "href": href},
        ],
        "properties": {
            "datetime": f"{one.sensed_at:%Y-%m-%dT%H:%M:%S}.024Z",
            "published": f"{one.published_at:%Y-%m-%dT%H:%M:%S}.000000Z",
            "updated": f"{one.published_at:%Y-%m-%dT%H:%M:%S}.000000Z",
            "platform": f"sentinel-{one.id[1:3].lower()}",
            "eo:cloud_cover": round(one.cloud_share * 100, 6),
            "grid:code": f"MGRS-{one.tile}",
            "processing:version": one.baseline,
            "product:type": "S2MSI2A",
        },
        "assets": _assets(archive, one, root, mislabelled=mislabelled),
    }


def _assets(
    archive: Archive, one: Overpass, root: str, *, mislabelled: bool
) -> dict[str, Any]:
    product = f"{root}/odata/v1/Products({one.uuid})"
    found: dict[str, Any] = {}
    for band, metres in METRES.items():
        path = band_path(one, band)
        size, sha3, _ = archive.products.sums(one, path)
        grid = archive.products.grid_of(band)
        told = {"raster:scale": 0.0001, "raster:offset": -0.1} if band != "SCL" else {}
        found[f"{band}_{metres}m"] = {
            "href": f"s3://eodata/Sentinel-2/MSI/L2A/{one.id}.SAFE/{path}",
            "alternate": {
                "https": {
                    "href": f"{product}/{node_path(one, path)}/$value",
                    "auth:refs": ["oidc"],
                }
            },
            "type": "image/jp2",
            "roles": ["data"] + (["reflectance"] if told else []),
            "gsd": metres,
            "file:size": size,
            "file:checksum": f"1620{sha3}",
            "proj:code": grid.crs,
            "proj:shape": [grid.height, grid.width],
            "proj:transform": [*grid.transform][:6],
            "nodata": 0,
            **told,
        }
    for path in _ALL_METADATA:
        size, sha3, md5 = archive.products.sums(one, path)
        found[path.removesuffix(".safe").removesuffix(".xml").lower()] = {
            "href": f"{product}/{node_path(one, path)}/$value",
            "type": "application/xml",
            "roles": ["metadata"],
            "file:size": size,
            # Real catalogues call some digests of SHA3-256 by the name of MD5.
            "file:checksum": f"d50120{sha3}" if mislabelled else f"d50110{md5}",
        }
    size, _, md5 = archive.products.sums(one, "")
    found["Product"] = {
        "href": f"{product}/$value",
        "type": "application/zip",
        "roles": ["data", "metadata", "archive"],
        "file:size": size,
        "file:checksum": f"d50110{md5}",
    }
    return found


def _asked(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a question comes to for the list."""
    found: dict[str, Any] = {}
    if asked.get("intersects"):
        found["area"] = shape(asked["intersects"])
    if told := asked.get("datetime"):
        for name, text in zip(("start", "end"), str(told).split("/"), strict=True):
            if text != "..":
                found[name] = datetime.fromisoformat(text)
    query = asked.get("query") or {}
    found["cloud"] = float(query.get("eo:cloud_cover", {}).get("lte", 100.0))
    if since := query.get("published", {}).get("gt"):
        found["published_after"] = datetime.fromisoformat(since)
    return found
