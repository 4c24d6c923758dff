"""The list as a hub with DHuS shows it: OpenSearch, and OData v1."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import shapely

from lrtzc_pipelines.sandbox.imagery.archive import Archive
from lrtzc_pipelines.sandbox.imagery.overpasses import Overpass

_VALUE = r'"?([^"\s\]]+)"?'
_RANGE = re.compile(rf"beginPosition:\[{_VALUE} TO {_VALUE}\]", re.IGNORECASE)
_CLOUDS = re.compile(rf"cloudcoverpercentage:\[{_VALUE} TO {_VALUE}\]")
_AREA = re.compile(r'footprint:"Intersects\((.+)\)"')


def opensearch(archive: Archive, q: str, start: int, rows: int) -> dict[str, Any]:
    """A page of scenes as OpenSearch has it.

    Lists of one entry are not lists there, and an empty one is left out.

    Args:
        archive: What there is.
        q: The question, in the language of Solr.
        start: How many scenes are passed over.
        rows: How many are shown at most.
    """
    asked: dict[str, Any] = {}
    if match := _RANGE.search(q):
        asked |= {"start": _moment(match[1]), "end": _moment(match[2])}
    if match := _CLOUDS.search(q):
        asked["cloud"] = float(match[2])
    if match := _AREA.search(q):
        asked["area"] = shapely.from_wkt(match[1])
    found = archive.find(**asked)
    feed: dict[str, Any] = {
        "opensearch:totalResults": str(len(found)),
        "opensearch:startIndex": str(start),
        "opensearch:itemsPerPage": str(rows),
    }
    entries = [_entry(archive, one) for one in found[start : start + rows]]
    if entries:
        feed["entry"] = entries if len(entries) > 1 else entries[0]
    return {"feed": feed}


def product(archive: Archive, one: Overpass, root: str) -> dict[str, Any]:
    """A scene as OData v1 has it."""
    size, sha3, _ = archive.products.sums(one, "")
    address = f"{root}/dhus/odata/v1/Products('{one.uuid}')"
    return {
        "d": {
            "__metadata": {
                "id": address,
                "uri": address,
                "content_type": "application/octet-stream",
                "media_src": f"{address}/$value",
            },
            "Id": one.uuid,
            "Name": one.id,
            "ContentType": "application/octet-stream",
            "ContentLength": str(size),
            "CreationDate": _ticks(one.published_at),
            "IngestionDate": _ticks(one.published_at),
            "Online": True,
            "ContentDate": {
                "Start": _ticks(one.sensed_at),
                "End": _ticks(one.sensed_at),
            },
            "Checksum": {"Algorithm": "SHA3-256", "Value": sha3.upper()},
            "ContentGeometry": _gml(archive.footprint),
            "Attributes": {"__deferred": {"uri": f"{address}/Attributes"}},
        }
    }


def _entry(archive: Archive, one: Overpass) -> dict[str, Any]:
    sensed = f"{one.sensed_at:%Y-%m-%dT%H:%M:%S}.024Z"
    texts = {
        "filename": f"{one.id}.SAFE",
        "identifier": one.id,
        "platformname": "Sentinel-2",
        "producttype": "S2MSI2A",
        "processingbaseline": one.baseline,
        "tileid": one.tile,
        "uuid": one.uuid,
        "size": "12.3 MB",
        "footprint": archive.footprint.wkt,
        "gmlfootprint": _gml(archive.footprint),
    }
    return {
        "title": one.id,
        "id": one.uuid,
        "link": [{"href": f"Products('{one.uuid}')/$value"}],
        "summary": f"Date: {sensed}, Instrument: MSI",
        "date": [
            {"name": "beginposition", "content": sensed},
            {"name": "endposition", "content": sensed},
            {
                "name": "ingestiondate",
                "content": f"{one.published_at:%Y-%m-%dT%H:%M:%S}.000Z",
            },
        ],
        "int": {"name": "relativeorbitnumber", "content": "137"},
        "double": {
            "name": "cloudcoverpercentage",
            "content": str(round(one.cloud_share * 100, 6)),
        },
        "str": [{"name": name, "content": text} for name, text in texts.items()],
    }


def _gml(shape: shapely.Geometry) -> str:
    """An outline as GML 2, latitude first."""
    ring = " ".join(f"{y},{x}" for x, y in shape.exterior.coords)
    return (
        '<gml:Polygon srsName="http://www.opengis.net/gml/srs/epsg.xml#4326" '
        'xmlns:gml="http://www.opengis.net/gml"><gml:outerBoundaryIs><gml:LinearRing>'
        f"<gml:coordinates>{ring}</gml:coordinates></gml:LinearRing>"
        "</gml:outerBoundaryIs></gml:Polygon>"
    )


def _ticks(moment: datetime) -> str:
    return f"/Date({int(moment.timestamp() * 1000)})/"


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
