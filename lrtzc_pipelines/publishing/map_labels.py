"""Where the names of the communes go on a map: inside, apart, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from lrtzc_pipelines.publishing.map_plane import MARGIN, WIDTH, Box

SIZE = 12.0
CHARACTER_WIDTH = 0.55 * SIZE
AIR = 3.0
# A name may overhang its commune a little, and slide to avoid another.
OVERHANG = 1.4
NUDGES = (0.0, -8.0, 8.0, -16.0, 16.0, -24.0, 24.0)


@dataclass(frozen=True)
class Label:
    """A commune's name, where it fits."""

    x: float
    y: float
    text: str


def text_width(text: str) -> float:
    """About how wide the text is drawn, in drawing units."""
    return len(text) * CHARACTER_WIDTH


def place_labels(
    communes: Iterable[tuple[str, BaseGeometry]], height: float, frame: Box | None
) -> tuple[Label, ...]:
    """The names that fit, tried in order, without overlap and within the drawing.

    Args:
        communes: Names and drawn outlines, the most important first.
        height: Height of the drawing.
        frame: Part of the drawing left free because a closer view names it.
    """
    taken = shapely.Polygon()
    if frame:
        left, top, wide, high = frame
        taken = shapely.box(left, top, left + wide, top + high)
    allowed = shapely.box(MARGIN / 2, SIZE / 2, WIDTH - MARGIN / 2, height - SIZE / 2)
    labels: list[Label] = []
    for text, outline in communes:
        for label, room in _candidates(text, shapely.difference(outline, taken)):
            if allowed.contains(room) and not taken.intersects(room):
                taken = taken.union(room)
                labels.append(label)
                break
    return tuple(labels)


def _candidates(
    text: str, free: BaseGeometry
) -> Iterable[tuple[Label, shapely.Polygon]]:
    """Places for a name near the middle of its commune, with the room it takes."""
    width = text_width(text)
    west, _, east, _ = free.bounds
    if not text or free.is_empty or width > (east - west) * OVERHANG:
        return
    x, y = shapely.maximum_inscribed_circle(free, 1).coords[0]
    half = width / 2 + AIR
    for nudge in NUDGES:
        middle = x + nudge
        room = shapely.box(middle - half, y - SIZE / 2, middle + half, y + SIZE / 2)
        yield Label(middle, y, text), room
