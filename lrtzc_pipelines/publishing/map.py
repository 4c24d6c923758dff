"""The page's maps as geometry: communes, their names, and the bike stations.

Outlines and stations come in with longitudes and latitudes; the templates draw what
goes out. A station is a ring sized by its capacity around a disc whose area is the
share of bikes, so that the map can be read without its colours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.publishing.charts import coordinate
from lrtzc_pipelines.publishing.map_labels import Label, place_labels, text_width
from lrtzc_pipelines.publishing.map_plane import (
    WIDTH,
    Box,
    Plane,
    closer_frame,
    drawn_outlines,
    polygons,
)
from lrtzc_pipelines.publishing.site_text import counted, percent

LEGEND_HEIGHT = 36.0
LARGEST_RING = 6.0
LARGEST_RING_CLOSE = 11.0
LEAST_RING = 2.5
USUAL_CAPACITY = 20
METRES_PER_KM = 1000


@dataclass(frozen=True)
class Outline:
    """A commune and its GeoJSON geometry, in degrees."""

    code: str
    name: str
    geojson: str


@dataclass(frozen=True)
class Station:
    """What the map says of a bike station; bikes and capacity may be unknown."""

    name: str
    longitude: float
    latitude: float
    capacity: int | None
    bikes: int | None
    in_service: bool

    @property
    def share(self) -> float | None:
        """Bikes available per place; None if it is unknown."""
        if self.bikes is None or not self.capacity:
            return None
        return min(max(self.bikes / self.capacity, 0.0), 1.0)

    @property
    def sentence(self) -> str:
        """The station in words."""
        if not self.in_service:
            return f"{self.name} : hors service"
        if self.share is None or self.bikes is None or self.capacity is None:
            return f"{self.name} : disponibilité inconnue"
        bikes, places = counted(self.bikes, "vélo"), counted(self.capacity, "place")
        return f"{self.name} : {bikes} pour {places} ({percent(self.share)})"


@dataclass(frozen=True)
class Shape:
    """A drawn commune."""

    path: str
    name: str


@dataclass(frozen=True)
class Disc:
    """A drawn station; `inner` is None if its bikes are unknown."""

    x: float
    y: float
    ring: float
    inner: float | None
    in_service: bool
    title: str


@dataclass(frozen=True)
class Size:
    """A ring of the legend; `x` counts from the right edge, hence below zero."""

    x: float
    ring: float
    label: str


@dataclass(frozen=True)
class Map:
    """A drawn map with its own legend of sizes, in the same units."""

    height: float
    shapes: tuple[Shape, ...]
    labels: tuple[Label, ...]
    discs: tuple[Disc, ...]
    sizes: tuple[Size, ...]
    bar_length: float
    bar_label: str
    detail: Box | None = None
    width: float = WIDTH

    @property
    def full_height(self) -> float:
        """Height with the legend."""
        return self.height + LEGEND_HEIGHT


@dataclass(frozen=True)
class _Territory:
    shapes: Mapping[str, BaseGeometry]
    names: Mapping[str, str]
    ranked: Sequence[str]


def draw_maps(
    outlines: Sequence[Outline],
    stations: Sequence[Station],
    populations: Mapping[str, int],
) -> list[Map]:
    """The territory with its stations, then a closer view if they are dense.

    Args:
        outlines: Communes; without them the map is framed by the stations.
        stations: Stations; those out of the frame are not drawn.
        populations: Inhabitants by commune code: the largest are named first.

    Returns:
        No map, one, or two.

    Raises:
        ReleaseError: An outline is not a GeoJSON geometry.
    """
    shapes = _areas(outlines)
    corners = [(station.longitude, station.latitude) for station in stations]
    if shapes:
        west, south, east, north = shapely.total_bounds(list(shapes.values()))
        corners = [(west, south), (east, north)]
    if not corners:
        return []
    plane = Plane.around(corners)
    shown = [s for s in stations if plane.frames(s.longitude, s.latitude)]
    territory = _Territory(
        shapes,
        {item.code: item.name for item in outlines},
        sorted(shapes, key=lambda code: (-populations.get(code, 0), code)),
    )
    box = closer_frame(plane, [(s.longitude, s.latitude) for s in shown])
    maps = [_map(territory, shown, plane, LARGEST_RING, box)]
    if box:
        maps.append(
            _map(territory, shown, plane.framing(box), LARGEST_RING_CLOSE, None)
        )
    return maps


def _areas(outlines: Sequence[Outline]) -> dict[str, BaseGeometry]:
    """The outlines that enclose something, by commune code."""
    found = {}
    for item in outlines:
        try:
            geometry = shapely.from_geojson(item.geojson)
        except shapely.errors.GEOSException as error:
            msg = f"ref_commune_outline: {item.code}: the geometry is not GeoJSON"
            raise ReleaseError(msg) from error
        parts = polygons(shapely.make_valid(geometry))
        if parts:
            found[item.code] = shapely.MultiPolygon(parts)
    return found


def _map(
    territory: _Territory,
    stations: Sequence[Station],
    plane: Plane,
    largest_ring: float,
    detail: Box | None,
) -> Map:
    drawn = drawn_outlines(territory.shapes, plane)
    capacity = max((s.capacity or 0 for s in stations), default=0) or USUAL_CAPACITY
    unit = largest_ring / math.sqrt(capacity)
    bar = _bar_metres(plane)
    frame = plane.draw_box(detail) if detail else None
    named = [(territory.names[c], drawn[c]) for c in territory.ranked if c in drawn]
    return Map(
        height=plane.height,
        shapes=tuple(Shape(_path(g), territory.names[c]) for c, g in drawn.items()),
        labels=place_labels(named, plane.height, frame),
        discs=tuple(
            # The largest first, so that none hides another.
            sorted(
                (
                    _disc(station, plane, unit)
                    for station in stations
                    if plane.frames(station.longitude, station.latitude)
                ),
                key=lambda disc: -disc.ring,
            )
        ),
        sizes=_sizes(unit, capacity) if stations else (),
        bar_length=bar * plane.scale,
        bar_label=f"{bar // 1000} km" if bar >= METRES_PER_KM else f"{bar} m",
        detail=frame,
    )


def _path(geometry: BaseGeometry) -> str:
    rings = [
        ring
        for polygon in polygons(geometry)
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    return "".join(
        "M"
        + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in ring.coords[:-1])
        + "Z"
        for ring in rings
    )


def _disc(station: Station, plane: Plane, unit: float) -> Disc:
    x, y = plane.draw(station.longitude, station.latitude)
    ring = max(LEAST_RING, unit * math.sqrt(station.capacity or 0))
    share = station.share if station.in_service else None
    return Disc(
        x=x,
        y=y,
        ring=ring,
        inner=None if share is None else ring * math.sqrt(share),
        in_service=station.in_service,
        title=station.sentence,
    )


def _sizes(unit: float, capacity: int) -> tuple[Size, ...]:
    """Rings of the legend, laid out from the right edge."""
    sizes: list[Size] = []
    right = 0.0
    for places in (40, 20, 10):
        if places > max(capacity, 10):
            continue
        ring = max(LEAST_RING, unit * math.sqrt(places))
        label = str(places) if sizes else f"{places} places"
        x = right - text_width(label) - 4 - ring
        sizes.append(Size(x, ring, label))
        right = x - ring - 10
    return tuple(sizes)


def _bar_metres(plane: Plane) -> int:
    """A round length that takes at most a quarter of the width."""
    most = WIDTH / 4 / plane.scale
    lengths = (10_000, 5000, 2000, 1000, 500, 200)
    return next((metres for metres in lengths if metres <= most), lengths[-1])
