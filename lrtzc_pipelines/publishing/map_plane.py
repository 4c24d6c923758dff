"""From longitudes and latitudes to drawing units, and lighter outlines.

The plane is tangent to the territory: over its 30 km it departs from Lambert-93 by
less than the width of a line, and needs no projection library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

METRES_PER_DEGREE = 111_320.0
WIDTH = 400.0
MARGIN = 8.0
# Visvalingam's tolerance, in drawing units: below a pixel on a desktop.
SIMPLIFIED_TO = 0.7
LEAST_POINTS_FOR_CLOSER = 8
LARGEST_CLOSER_SHARE = 0.65

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Plane:
    """The tangent plane at a point, scaled so that `box` fills the drawing.

    Attributes:
        longitude: Of the point where the plane touches, in degrees.
        latitude: Of the same point.
        box: West, south, east and north of what is drawn, in metres from the point.
    """

    longitude: float
    latitude: float
    box: Box = (0.0, 0.0, 1.0, 1.0)

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> Plane:
        """The plane at the middle of the points (degrees), framing them all."""
        longitudes, latitudes = zip(*points, strict=True)
        middle = cls(
            (min(longitudes) + max(longitudes)) / 2,
            (min(latitudes) + max(latitudes)) / 2,
        )
        west, south = middle.metres(min(longitudes), min(latitudes))
        east, north = middle.metres(max(longitudes), max(latitudes))
        # A single station must not make a frame without extent.
        return middle.framing(widened((west, south, east, north), least=1000))

    def framing(self, box: Box) -> Plane:
        """The same plane with another frame."""
        return replace(self, box=box)

    def metres(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Metres east and north of the plane's point."""
        shrink = math.cos(math.radians(self.latitude))
        return (
            (longitude - self.longitude) * METRES_PER_DEGREE * shrink,
            (latitude - self.latitude) * METRES_PER_DEGREE,
        )

    @property
    def scale(self) -> float:
        """Drawing units per metre."""
        return (WIDTH - 2 * MARGIN) / (self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Height of the drawing."""
        return (self.box[3] - self.box[1]) * self.scale + 2 * MARGIN

    def draw(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Drawing coordinates of a place; north is up."""
        east, north = self.metres(longitude, latitude)
        return (
            MARGIN + (east - self.box[0]) * self.scale,
            MARGIN + (self.box[3] - north) * self.scale,
        )

    def draw_box(self, box: Box) -> Box:
        """Left, top, width and height of a box of metres, in drawing units."""
        west, south, east, north = box
        return (
            MARGIN + (west - self.box[0]) * self.scale,
            MARGIN + (self.box[3] - north) * self.scale,
            (east - west) * self.scale,
            (north - south) * self.scale,
        )

    def frames(self, longitude: float, latitude: float) -> bool:
        """Whether the place is within the frame."""
        east, north = self.metres(longitude, latitude)
        west, south, right, top = self.box
        return west <= east <= right and south <= north <= top


def widened(box: Box, *, least: float, padding: float = 0.0) -> Box:
    """The box with a margin on each side, `least` metres wide and high or more."""
    west, south, east, north = box
    half_width = max((east - west) * (0.5 + padding), least / 2)
    half_height = max((north - south) * (0.5 + padding), least / 2)
    x, y = (west + east) / 2, (south + north) / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def closer_frame(plane: Plane, points: Sequence[tuple[float, float]]) -> Box | None:
    """The frame that holds nine points in ten, if it is worth a closer view.

    It has the proportions of the whole map, so that both stand side by side.
    """
    if len(points) < LEAST_POINTS_FOR_CLOSER:
        return None
    places = [plane.metres(*point) for point in points]
    easts, norths = (sorted(axis) for axis in zip(*places, strict=True))
    aside = len(places) // 20
    ends = (easts[aside], norths[aside], easts[-1 - aside], norths[-1 - aside])
    west, south, east, north = widened(ends, least=1500, padding=0.1)
    whole_width = plane.box[2] - plane.box[0]
    ratio = (plane.box[3] - plane.box[1]) / whole_width
    half = max(east - west, (north - south) / ratio) / 2
    if half * 2 > LARGEST_CLOSER_SHARE * whole_width:
        return None
    x, y = (west + east) / 2, (south + north) / 2
    return x - half, y - half * ratio, x + half, y + half * ratio


def drawn_outlines(
    shapes: Mapping[str, BaseGeometry], plane: Plane
) -> dict[str, BaseGeometry]:
    """The outlines in drawing units, simplified together so that borders still meet.

    What lies outside the frame is cut off; an outline wholly outside is left out.
    """
    if not shapes:
        return {}

    def project(points: Any) -> list[tuple[float, float]]:
        return [plane.draw(x, y) for x, y in points]

    codes = list(shapes)
    flat = [shapely.transform(shapes[code], project) for code in codes]
    light = shapely.coverage_simplify(flat, SIMPLIFIED_TO)
    frame = shapely.box(0, 0, WIDTH, plane.height)
    cut = {
        code: shapely.intersection(shapely.make_valid(shape), frame)
        for code, shape in zip(codes, light, strict=True)
    }
    return {code: shape for code, shape in cut.items() if polygons(shape)}


def polygons(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """The polygons of a geometry of any kind."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [
        part for part in parts if isinstance(part, shapely.Polygon) and part.area > 0
    ]
