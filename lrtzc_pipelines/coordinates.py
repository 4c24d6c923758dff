"""Coordinates in degrees, out of texts that hold two in one order or the other."""

from __future__ import annotations

import polars as pl

from lrtzc_pipelines.sources.columns import Column, Point
from lrtzc_pipelines.sources.spec import SourceSpec

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_PAIR = rf"^[^\d+-]*({_NUMBER})[^\d+.-]+({_NUMBER})"
_LATITUDES = (41.0, 51.5)
_LONGITUDES = (-5.5, 9.7)
"""Mainland France: no point of it is still in it with its axes swapped."""

_COARSE_DECIMALS = 3
"""A coordinate with no more decimals than this is off by up to 80 m."""


def coordinate(text: pl.Expr, point: Point) -> pl.Expr:
    """The latitude or longitude in a text, in degrees; null where there is no pair."""
    first, second = _pair(text)
    latitude, longitude = (
        (first, second) if point.order == "lat,lon" else (second, first)
    )
    wanted, other = (
        (latitude, longitude) if point.part == "latitude" else (longitude, latitude)
    )
    swapped = _is_swapped(latitude, longitude) if point.swap else pl.lit(value=False)
    value = pl.when(swapped).then(other).otherwise(wanted)
    limit = 90.0 if point.part == "latitude" else 180.0
    return pl.when(value.abs() <= limit).then(value)


def _pair(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    found = text.str.extract_groups(_PAIR)
    return (
        found.struct[0].cast(pl.Float64, strict=False),
        found.struct[1].cast(pl.Float64, strict=False),
    )


def _is_swapped(latitude: pl.Expr, longitude: pl.Expr) -> pl.Expr:
    return longitude.is_between(*_LATITUDES) & latitude.is_between(*_LONGITUDES)


def coordinate_notes(spec: SourceSpec, frame: pl.DataFrame) -> dict[str, int]:
    """Pairs whose axes were swapped, and pairs too rounded to be a place.

    Args:
        spec: Source.
        frame: Its rows as text, in the producer's names.
    """
    columns = {c.source: c for c in spec.columns if c.point and c.source}
    notes = {"swapped_coordinates": 0, "rounded_coordinates": 0}
    for source, column in columns.items():
        swapped, rounded = frame.select(
            _noted(pl.col(str(source)), column).sum().alias("swapped"),
            _is_rounded(pl.col(str(source))).sum().alias("rounded"),
        ).row(0)
        notes["swapped_coordinates"] += int(swapped or 0)
        notes["rounded_coordinates"] += int(rounded or 0)
    return notes if columns else {}


def _noted(text: pl.Expr, column: Column) -> pl.Expr:
    first, second = _pair(text)
    lat_first = column.point is not None and column.point.order == "lat,lon"
    latitude, longitude = (first, second) if lat_first else (second, first)
    return _is_swapped(latitude, longitude)


def _is_rounded(text: pl.Expr) -> pl.Expr:
    found = text.str.extract_groups(_PAIR)
    decimals = [
        found.struct[n].str.extract(r"\.(\d+)$").str.len_chars().fill_null(0)
        for n in (0, 1)
    ]
    is_pair = found.struct[0].is_not_null()
    return is_pair & pl.all_horizontal(d <= _COARSE_DECIMALS for d in decimals)
