"""The true facts of the territory, and schematic outlines of its communes.

Codes, names, positions and populations are real (INSEE, DGCL 2025); outlines are not:
they are Voronoi cells cut by a coarse frame, and say so in each feature. Anything
invented belongs to the module of its source.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import polars as pl
import shapely
from shapely.geometry import LineString, MultiPoint, Point, Polygon, box, mapping
from shapely.ops import split

EPCI_SIREN = "241700434"
EPCI_NAME = "CA de La Rochelle"
CENTRAL_COMMUNE = "17300"
OUTLINE_LABEL = "schématique"


class Commune(NamedTuple):
    """A commune of the agglomeration.

    Attributes:
        code: INSEE code.
        name: Official name.
        city_name: Spelling of the city's own list, which is in the order below.
        siren: SIREN of the commune.
        longitude: Approximate centre, WGS84.
        latitude: Approximate centre, WGS84.
        population_municipal: Legal municipal population 2025.
        population_total: Legal total population 2025.
    """

    code: str
    name: str
    city_name: str
    siren: str
    longitude: float
    latitude: float
    population_municipal: int
    population_total: int


COMMUNES = (
    Commune(
        "17010", "Angoulins", "Angoulins", "211700109", -1.106, 46.107, 4_147, 4_249
    ),
    Commune("17028", "Aytré", "Aytré", "211700281", -1.114, 46.134, 9_759, 9_898),
    Commune(
        "17094",
        "Châtelaillon-Plage",
        "Chatelaillon-Plage",
        "211700943",
        -1.083,
        46.073,
        6_440,
        6_538,
    ),
    Commune(
        "17142",
        "Dompierre-sur-Mer",
        "Dompierre-Sur-Mer",
        "211701420",
        -1.068,
        46.184,
        6_084,
        6_240,
    ),
    Commune("17153", "Esnandes", "Esnandes", "211701537", -1.114, 46.248, 2_132, 2_166),
    Commune("17193", "La Jarne", "La Jarne", "211701933", -1.071, 46.122, 2_591, 2_648),
    Commune(
        "17300",
        "La Rochelle",
        "La Rochelle",
        "211703004",
        -1.175,
        46.162,
        79_961,
        81_986,
    ),
    Commune("17200", "Lagord", "Lagord", "211702006", -1.152, 46.186, 7_594, 7_741),
    Commune(
        "17190", "L'Houmeau", "L'Houmeau", "211701909", -1.186, 46.194, 2_953, 3_000
    ),
    Commune("17222", "Marsilly", "Marsilly", "211702220", -1.134, 46.228, 3_185, 3_266),
    Commune(
        "17264",
        "Nieul-sur-Mer",
        "Nieul-Sur-Mer",
        "211702642",
        -1.166,
        46.209,
        5_805,
        5_879,
    ),
    Commune("17274", "Périgny", "Périgny", "211702741", -1.089, 46.158, 8_802, 8_980),
    Commune(
        "17291", "Puilboreau", "Puilboreau", "211702915", -1.114, 46.185, 6_668, 6_791
    ),
    Commune(
        "17391",
        "Saint-Rogatien",
        "Saint-Rogatien",
        "211703913",
        -1.062,
        46.146,
        2_394,
        2_445,
    ),
    Commune(
        "17413",
        "Saint-Vivien",
        "Saint-Vivien",
        "211704135",
        -1.049,
        46.076,
        1_411,
        1_435,
    ),
    Commune(
        "17414",
        "Saint-Xandre",
        "Saint-Xandre",
        "211704143",
        -1.092,
        46.213,
        5_531,
        5_659,
    ),
    Commune(
        "17407",
        "Sainte-Soulle",
        "Sainte-Soulle",
        "211704077",
        -1.016,
        46.193,
        5_016,
        5_117,
    ),
    Commune(
        "17420",
        "Salles-sur-Mer",
        "Salles-Sur-Mer",
        "211704200",
        -1.052,
        46.102,
        2_427,
        2_492,
    ),
    Commune(
        "17194", "La Jarrie", "La Jarrie", "211701941", -1.012, 46.124, 3_447, 3_523
    ),
    Commune(
        "17136",
        "Croix-Chapeau",
        "Croix-Chapeau",
        "211701362",
        -0.999,
        46.103,
        1_377,
        1_393,
    ),
    Commune("17109", "Clavette", "Clavette", "211701099", -1.037, 46.142, 1_423, 1_442),
    Commune("17483", "Yves", "Yves", "211704838", -1.034, 46.039, 1_508, 1_533),
    Commune(
        "17315",
        "Saint-Christophe",
        "Saint-Christophe",
        "211703152",
        -0.948,
        46.14,
        1_405,
        1_428,
    ),
    Commune(
        "17373",
        "Saint-Médard-d'Aunis",
        "Saint-Medard-D'Aunis",
        "211703731",
        -0.967,
        46.159,
        2_367,
        2_411,
    ),
    Commune("17466", "Vérines", "Verines", "211704663", -0.973, 46.197, 2_375, 2_410),
    Commune(
        "17059", "Bourgneuf", "Bourgneuf", "211700596", -1.022, 46.168, 1_441, 1_470
    ),
    Commune("17245", "Montroy", "Montroy", "211702451", -1.017, 46.155, 940, 953),
    Commune("17443", "Thairé", "Thairé", "211704432", -1.004, 46.077, 1_874, 1_922),
)

# West of this line is sea. Points far apart, of two or three decimals: a coast that
# nobody can take for a survey.
_COAST = LineString(
    [
        (-1.040, 46.258),
        (-1.130, 46.264),
        (-1.160, 46.238),
        (-1.196, 46.216),
        (-1.206, 46.192),
        (-1.236, 46.162),
        (-1.214, 46.146),
        (-1.172, 46.138),
        (-1.132, 46.124),
        (-1.134, 46.104),
        (-1.102, 46.088),
        (-1.094, 46.058),
        (-1.060, 46.044),
        (-1.056, 45.960),
    ]
)
_INLAND_MARGIN_DEGREES = 0.03
_FAR_DEGREES = 0.3
_DECIMALS = 4


def outlines() -> dict[str, Polygon]:
    """Schematic outline of each commune by INSEE code, in WGS84 degrees."""
    centres = MultiPoint([(c.longitude, c.latitude) for c in COMMUNES])
    frame = _land(centres)
    cells = shapely.voronoi_polygons(centres, extend_to=frame)
    found = {}
    for commune in COMMUNES:
        centre = Point(commune.longitude, commune.latitude)
        cell = next(cell for cell in cells.geoms if cell.contains(centre))
        found[commune.code] = _rounded(_part_with(centre, cell.intersection(frame)))
    return found


def sea() -> Polygon:
    """What lies beyond the schematic coast, in WGS84 degrees."""
    centres = MultiPoint([(c.longitude, c.latitude) for c in COMMUNES])
    around = box(*_COAST.union(centres).buffer(_FAR_DEGREES).bounds)
    north, *_, south = _COAST.coords
    # The coast, and from its ends straight out of the frame.
    line = LineString(
        [
            (north[0], north[1] + 2 * _FAR_DEGREES),
            *_COAST.coords,
            (south[0], south[1] - 2 * _FAR_DEGREES),
        ]
    )
    parts = split(around, line).geoms
    return Polygon(min(parts, key=lambda part: part.intersects(centres)).exterior)


def city_list() -> pl.DataFrame:
    """The city's list of the communes, in its own spelling and order."""
    return pl.DataFrame(
        {
            "code_insee": [commune.code for commune in COMMUNES],
            "nom_commune": [commune.city_name for commune in COMMUNES],
            "id": list(range(1, len(COMMUNES) + 1)),
        }
    )


def contours_geojson() -> bytes:
    """The outlines as a FeatureCollection with `code`, `nom` and a word of caution."""
    shapes = outlines()
    features = [
        {
            "type": "Feature",
            "properties": {
                "code": commune.code,
                "nom": commune.name,
                "trace": OUTLINE_LABEL,
            },
            "geometry": mapping(shapes[commune.code]),
        }
        for commune in sorted(COMMUNES)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _land(centres: MultiPoint) -> Polygon:
    hull = shapely.concave_hull(centres, ratio=0.6).buffer(
        _INLAND_MARGIN_DEGREES, quad_segs=2
    )
    largest = max(split(hull, _COAST).geoms, key=lambda part: part.area)
    return Polygon(largest.exterior)


def _part_with(centre: Point, shape: shapely.Geometry) -> Polygon:
    """The polygon around `centre`, should the coast have cut a cell in pieces."""
    parts = getattr(shape, "geoms", [shape])
    return next(part for part in parts if part.contains(centre))


def _rounded(shape: Polygon) -> Polygon:
    ring = [
        (round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in shape.exterior.coords
    ]
    return Polygon(ring)
