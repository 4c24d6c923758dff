"""Geometry of the maps."""

from __future__ import annotations

import json
import math

import pytest

from lrtzc_pipelines.errors import ReleaseError
from lrtzc_pipelines.publishing.map import Map, Outline, Station, draw_maps
from lrtzc_pipelines.publishing.map_plane import WIDTH, Plane

WEST, SOUTH = -1.25, 46.0


def square(code: str, column: int, row: int, name: str = "") -> Outline:
    west, south = WEST + column * 0.1, SOUTH + row * 0.1
    ring = [
        [west, south],
        [west + 0.1, south],
        [west + 0.1, south + 0.1],
        [west, south + 0.1],
        [west, south],
    ]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return Outline(code, name or f"Commune {code}", json.dumps(geometry))


def station(  # noqa: PLR0913 - one argument per fact a test may change
    longitude: float = -1.15,
    latitude: float = 46.15,
    *,
    name: str = "Gare",
    capacity: int | None = 20,
    bikes: int | None = 5,
    in_service: bool = True,
) -> Station:
    return Station(name, longitude, latitude, capacity, bikes, in_service)


GRID = [square(f"{c}{r}", c, r) for c in range(4) for r in range(3)]


def only(*stations: Station) -> Map:
    (drawn,) = draw_maps(GRID, stations, {})
    return drawn


def test_nothing_makes_no_map() -> None:
    assert draw_maps([], [], {}) == []


def test_communes_without_stations_make_one_map() -> None:
    drawn = only()
    assert len(drawn.shapes) == len(GRID)
    assert drawn.sizes == ()


def test_stations_without_communes_are_framed_alone() -> None:
    (drawn,) = draw_maps([], [station(), station(-1.1, 46.2)], {})
    assert drawn.shapes == ()
    assert all(0 <= disc.x <= WIDTH for disc in drawn.discs)


def test_a_single_station_still_has_a_frame() -> None:
    (drawn,) = draw_maps([], [station()], {})
    assert drawn.discs[0].x == pytest.approx(WIDTH / 2)


def test_north_is_up_and_east_is_right() -> None:
    low, high = only(station(-1.2, 46.05), station(-0.9, 46.25)).discs
    assert high.x > low.x
    assert high.y < low.y


def test_a_degree_of_longitude_is_shorter_than_one_of_latitude() -> None:
    plane = Plane(-1.1, 46.0)
    east, north = plane.metres(-0.1, 47.0)
    assert east / north == pytest.approx(math.cos(math.radians(46)))


def test_station_out_of_the_frame_is_not_drawn() -> None:
    assert only(station(2.35, 48.85)).discs == ()


def test_ring_area_follows_capacity() -> None:
    large, small = only(station(capacity=40), station(capacity=20)).discs
    assert (large.ring / small.ring) ** 2 == pytest.approx(2)


@pytest.mark.parametrize(("bikes", "share"), [(0, 0), (5, 0.25), (20, 1), (25, 1)])
def test_disc_area_follows_the_share_of_bikes(bikes: int, share: float) -> None:
    (disc,) = only(station(bikes=bikes)).discs
    assert disc.inner is not None
    assert (disc.inner / disc.ring) ** 2 == pytest.approx(share)


@pytest.mark.parametrize(("capacity", "bikes"), [(None, 5), (0, 0), (20, None)])
def test_unknown_share_is_not_drawn_as_zero(
    capacity: int | None, bikes: int | None
) -> None:
    (disc,) = only(station(capacity=capacity, bikes=bikes)).discs
    assert disc.inner is None
    assert disc.title == "Gare : disponibilité inconnue"


def test_station_out_of_service_shows_no_bikes() -> None:
    (disc,) = only(station(in_service=False)).discs
    assert disc.inner is None
    assert disc.title == "Gare : hors service"


def test_larger_stations_are_drawn_first() -> None:
    rings = [d.ring for d in only(*(station(capacity=c) for c in (8, 40, 20))).discs]
    assert rings == sorted(rings, reverse=True)


def test_dense_stations_get_a_closer_view() -> None:
    near = [station(-1.15 + i / 1000, 46.15) for i in range(20)]
    whole, closer = draw_maps(GRID, near, {})
    assert whole.detail is not None
    assert len(closer.discs) >= 18
    assert closer.height == pytest.approx(whole.height)
    assert closer.bar_length / closer.width <= 0.25


def test_spread_stations_get_no_closer_view() -> None:
    spread = [station(-1.25 + i / 50, 46.0 + i / 70) for i in range(20)]
    assert len(draw_maps(GRID, spread, {})) == 1


def test_names_of_the_closer_view_are_left_out_of_the_whole() -> None:
    near = [station(-1.2 + i / 5000, 46.05) for i in range(20)]
    whole, closer = draw_maps(GRID, near, {})
    assert whole.detail is not None
    left, top, width, height = whole.detail
    assert closer.labels
    assert not any(
        left <= label.x <= left + width and top <= label.y <= top + height
        for label in whole.labels
    )


def test_names_do_not_overlap() -> None:
    labels = only().labels
    boxes = [(label.x - len(label.text) * 3, label.y) for label in labels]
    assert all(
        abs(x1 - x2) > 60 or abs(y1 - y2) >= 12
        for i, (x1, y1) in enumerate(boxes)
        for x2, y2 in boxes[i + 1 :]
    )


def test_larger_communes_are_named_first() -> None:
    cells = [square("a", 0, 0, "Petite"), square("b", 0, 0, "Grande")]
    (drawn,) = draw_maps(cells, [], {"b": 80000, "a": 10})
    assert drawn.labels[0].text == "Grande"


def test_name_too_long_for_its_commune_is_left_out() -> None:
    (drawn,) = draw_maps([square("a", 0, 0, "n" * 200)], [], {})
    assert drawn.labels == ()


def test_shared_border_stays_shared_after_simplification() -> None:
    drawn = only()
    corners = [set(shape.path[1:-1].split("L")) for shape in drawn.shapes]
    assert all(any(a & b for b in corners if b is not a) for a in corners)


def test_fine_outline_is_made_lighter() -> None:
    ring = [
        [-1.1 + 0.1 * math.cos(a / 1000), 46.1 + 0.1 * math.sin(a / 1000)]
        for a in range(6283)
    ]
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    (drawn,) = draw_maps([Outline("a", "Ronde", json.dumps(geometry))], [], {})
    assert 20 < drawn.shapes[0].path.count("L") < 400


def test_island_and_hole_are_kept() -> None:
    def box(west: float, south: float, size: float) -> list[list[float]]:
        east, north = west + size, south + size
        return [
            [west, south],
            [east, south],
            [east, north],
            [west, north],
            [west, south],
        ]

    geometry = {
        "type": "MultiPolygon",
        "coordinates": [
            [box(-1.2, 46.0, 0.2), box(-1.15, 46.05, 0.1)],
            [box(-0.9, 46.0, 0.1)],
        ],
    }
    (drawn,) = draw_maps([Outline("a", "Ré", json.dumps(geometry))], [], {})
    assert drawn.shapes[0].path.count("M") == 3


def test_outline_that_crosses_itself_is_drawn() -> None:
    ring = [[-1.2, 46.0], [-1.0, 46.2], [-1.0, 46.0], [-1.2, 46.2], [-1.2, 46.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    (drawn,) = draw_maps([Outline("a", "Nœud", json.dumps(geometry))], [], {})
    assert drawn.shapes[0].path


@pytest.mark.parametrize(
    "geojson",
    [
        '{"type": "Point", "coordinates": [-1.1, 46.1]}',
        '{"type": "Polygon", "coordinates": []}',
        '{"type": "GeometryCollection", "geometries": []}',
    ],
)
def test_outline_without_area_is_left_out(geojson: str) -> None:
    (drawn,) = draw_maps([Outline("x", "X", geojson), *GRID], [], {})
    assert len(drawn.shapes) == len(GRID)


@pytest.mark.parametrize("geojson", ["", "{", '{"type": "Nothing"}', "null"])
def test_broken_outline_is_named(geojson: str) -> None:
    with pytest.raises(ReleaseError, match=r"ref_commune_outline: 17300"):
        draw_maps([Outline("17300", "X", geojson)], [], {})
