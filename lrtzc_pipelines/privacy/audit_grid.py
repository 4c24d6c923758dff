"""The European grid once more, in SQL, for the audit: its projection written out.

The formulas are those of EPSG method 9820 (Lambert azimuthal equal-area) on the
ellipsoid GRS80; nothing of PROJ is used. Where the grid is defined, and that
coordinates are rounded to the millimetre, is said in `grid`.
"""

from __future__ import annotations

from math import asin, cos, log, radians, sin, sqrt

from lrtzc_pipelines.privacy.code_tables import OTHER

_AXIS, _FLATTENING = 6378137.0, 1 / 298.257222101
_ECCENTRICITY = sqrt(2 * _FLATTENING - _FLATTENING**2)
_CENTRE_LONGITUDE, _CENTRE_LATITUDE = 10.0, 52.0
_FALSE_EAST, _FALSE_NORTH = 4321000.0, 3210000.0
_BOUNDS = (-35.58, 44.83, 24.6, 84.73)
"""West, east, south and north of where the grid is defined."""


def _authalic(sine: float) -> float:
    """The area from the equator to a latitude, given its sine (q of the method)."""
    e = _ECCENTRICITY
    part = log((1 - e * sine) / (1 + e * sine)) / (2 * e)
    return (1 - e**2) * (sine / (1 - (e * sine) ** 2) - part)


_POLE = _authalic(1.0)
_BETA = asin(_authalic(sin(radians(_CENTRE_LATITUDE))) / _POLE)
_RADIUS = _AXIS * sqrt(_POLE / 2)
_SCALE = (
    _AXIS
    * cos(radians(_CENTRE_LATITUDE))
    / sqrt(1 - (_ECCENTRICITY * sin(radians(_CENTRE_LATITUDE))) ** 2)
    / (_RADIUS * cos(_BETA))
)


def square(longitude: str, latitude: str, size: int) -> str:
    """The square that a point is in, as SQL.

    Args:
        longitude: Expression of its longitude (degrees).
        latitude: Expression of its latitude (degrees).
        size: Width of the squares (m).
    """
    west, east, south, north = _BOUNDS
    inside = (
        f"{longitude} between {west} and {east} "
        f"and {latitude} between {south} and {north}"
    )
    x, y = _projected(longitude, latitude)
    return (
        f"case when {longitude} is null or {latitude} is null then null "
        f"when not ({inside}) then '{OTHER}' "
        f"else concat('CRS3035RES{size}mN', {_corner(y, size)}, "
        f"'E', {_corner(x, size)}) end"
    )


def _corner(metres: str, size: int) -> str:
    return f"(floor(floor({metres} * 1000 + 0.5) / {size * 1000}) * {size})::bigint"


def _projected(longitude: str, latitude: str) -> tuple[str, str]:
    """East and north (m) of a point, as SQL."""
    e = repr(_ECCENTRICITY)
    sine = f"sin(radians({latitude}))"
    part = f"ln((1 - {e} * {sine}) / (1 + {e} * {sine})) / (2 * {e})"
    area = f"(1 - {e} * {e}) * ({sine} / (1 - {e} * {e} * {sine} * {sine}) - ({part}))"
    beta = f"asin(greatest(-1, least(1, ({area}) / {_POLE!r})))"
    turned = f"radians({longitude} - {_CENTRE_LONGITUDE})"
    toward = f"cos({beta}) * cos({turned})"
    stretch = (
        f"{_RADIUS!r} * sqrt(2 / (1 + {sin(_BETA)!r} * sin({beta}) "
        f"+ {cos(_BETA)!r} * {toward}))"
    )
    x = f"({_FALSE_EAST} + {stretch} * {_SCALE!r} * cos({beta}) * sin({turned}))"
    y = (
        f"({_FALSE_NORTH} + {stretch} / {_SCALE!r} * ({cos(_BETA)!r} * sin({beta}) "
        f"- {sin(_BETA)!r} * {toward}))"
    )
    return x, y
