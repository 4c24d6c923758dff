"""The list as OData v4 shows it: what the Copernicus Data Space keeps beside STAC."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import shapely

from lrtzc_pipelines.sandbox.imagery.archive import Archive
from lrtzc_pipelines.sandbox.imagery.overpasses import Overpass

_AREA = re.compile(r"SRID=4326;([^']+)'")
_AFTER = re.compile(r"ContentDate/Start g[te] (\S+?)(?=\s|\)|$)")
_BEFORE = re.compile(r"ContentDate/Start l[te] (\S+?)(?=\s|\)|$)")
_PAGE = 20


def products(
    archive: Archive, question: str, skip: int, top: int | None, address: str
) -> dict[str, Any]:
    """A page of scenes.

    Args:
        archive: What there is.
        question: `$filter`: area and dates of it are understood.
        skip: How many scenes are passed over.
        top: How many are shown at most.
        address: Address of this list, for the next page.
    """
    asked: dict[str, Any] = {}
    if match := _AREA.search(question):
        asked["area"] = shapely.from_wkt(match[1])
    if match := _AFTER.search(question):
        asked["start"] = datetime.fromisoformat(match[1])
    if match := _BEFORE.search(question):
        asked["end"] = datetime.fromisoformat(match[1])
    found = archive.find(**asked)
    count = top or _PAGE
    page = {"value": [_product(archive, one) for one in found[skip : skip + count]]}
    if skip + count < len(found):
        return page | {"@odata.nextLink": f"{address}?$skip={skip + count}"}
    return page


def deleted(archive: Archive) -> dict[str, Any]:
    """The scenes that were withdrawn."""
    return {
        "value": [
            {
                "Id": one.uuid,
                "Name": f"{one.id}.SAFE",
                "DeletionDate": _text(one.published_at),
                "DeletionCause": "Corrupted product",
            }
            for one in archive.scenes
            if one.is_withdrawn
        ]
    }


def _product(archive: Archive, one: Overpass) -> dict[str, Any]:
    size, _, md5 = archive.products.sums(one, "")
    sensed = _text(one.sensed_at)
    return {
        "Id": one.uuid,
        "Name": f"{one.id}.SAFE",
        "ContentType": "application/octet-stream",
        "ContentLength": size,
        "PublicationDate": _text(one.published_at),
        "Online": True,
        "S3Path": f"/eodata/Sentinel-2/MSI/L2A/{one.id}.SAFE",
        "Checksum": [{"Algorithm": "MD5", "Value": md5}],
        "ContentDate": {"Start": sensed, "End": sensed},
        "GeoFootprint": archive.geometry,
        "Attributes": [
            {"Name": "cloudCover", "Value": round(one.cloud_share * 100, 6)},
            {"Name": "productType", "Value": "S2MSI2A"},
            {"Name": "processorVersion", "Value": one.baseline},
        ],
    }


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
