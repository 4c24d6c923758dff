"""WGS84 by its several names, which tell the order of its axes."""

from __future__ import annotations

from typing import Literal

_AXES: dict[str, Literal["lat,lon", "lon,lat"]] = {
    "urn:ogc:def:crs:EPSG::4326": "lat,lon",
    "http://www.opengis.net/def/crs/EPSG/0/4326": "lat,lon",
    "EPSG:4326": "lon,lat",
    "CRS:84": "lon,lat",
    "urn:ogc:def:crs:OGC::CRS84": "lon,lat",
    "urn:ogc:def:crs:OGC:1.3:CRS84": "lon,lat",
    "http://www.opengis.net/def/crs/OGC/1.3/CRS84": "lon,lat",
}

EASTMOST, NORTHMOST = 180.0, 90.0

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


def axes(srs: str) -> Literal["lat,lon", "lon,lat"] | None:
    """Order in which a spelling of WGS84 wants its axes; None for another system."""
    return _AXES.get(srs)


def is_box(box: Box) -> bool:
    """Whether four numbers are a box on Earth, in degrees and in their order."""
    west, south, east, north = box
    return -EASTMOST <= west <= east <= EASTMOST and (
        -NORTHMOST <= south <= north <= NORTHMOST
    )
