"""Coordinates in either order, inverted, rounded, or none at all."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.coordinates import coordinate, coordinate_notes
from lrtzc_pipelines.sources.columns import Column, Point
from lrtzc_pipelines.sources.spec import SourceSpec

LATITUDE, LONGITUDE = 46.16032, -1.15111


def read(text: str | None, order: str, **options: Any) -> tuple[Any, ...]:
    """Latitude and longitude of a text."""
    frame = pl.DataFrame({"p": [text]}, schema={"p": pl.String})
    parts = [
        Point.model_validate({"order": order, "part": part, **options})
        for part in ("latitude", "longitude")
    ]
    return frame.select(
        coordinate(pl.col("p"), point).alias(point.part) for point in parts
    ).row(0)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (f"{LATITUDE},{LONGITUDE}", "lat,lon"),
        (f"{LATITUDE}, {LONGITUDE}", "lat,lon"),
        (f"[{LONGITUDE},{LATITUDE}]", "lon,lat"),
        (f"[{LONGITUDE}, {LATITUDE}]", "lon,lat"),
        (f"POINT ({LONGITUDE} {LATITUDE})", "lon,lat"),
        (f'{{"type":"Point","coordinates":[{LONGITUDE},{LATITUDE}]}}', "lon,lat"),
        ("4.616032e1;-1.15111E0", "lat,lon"),
    ],
)
def test_a_pair_is_read_in_its_order(text: str, order: str) -> None:
    assert read(text, order) == (LATITUDE, LONGITUDE)


def test_inverted_axes_are_put_right_in_france() -> None:
    assert read(f"[{LATITUDE},{LONGITUDE}]", "lon,lat") == (LATITUDE, LONGITUDE)


def test_inverted_axes_stay_where_a_source_is_not_of_france() -> None:
    found = read(f"[{LATITUDE},{LONGITUDE}]", "lon,lat", swap=False)
    assert found == (LONGITUDE, LATITUDE)


@pytest.mark.parametrize(
    "text",
    [None, "", "nowhere", "46.16", "[null,null]", "91.5,200.0", "--,--", "1.2.3,4"],
)
def test_what_is_no_pair_has_no_coordinates(text: str | None) -> None:
    latitude, longitude = read(text, "lat,lon")
    assert latitude is None or longitude is None


@given(st.floats(41, 51.5), st.floats(-5.5, 9.7))
def test_a_place_in_france_is_the_same_in_any_order(lat: float, lon: float) -> None:
    right = read(f"{lat!r},{lon!r}", "lat,lon")
    assert right == pytest.approx((lat, lon))
    assert read(f"{lon!r},{lat!r}", "lat,lon") == pytest.approx((lat, lon))


def spec(*columns: Column) -> SourceSpec:
    return SourceSpec.model_construct(columns=columns)


def column(**options: Any) -> Column:
    values = {"name": "x", "type": "number", "description": "A value."}
    return Column.model_validate({**values, "privacy": "keep", **options})


def test_swapped_and_rounded_pairs_are_counted_once_each() -> None:
    parts = [
        column(name=part, source="p", point={"order": "lat,lon", "part": part})
        for part in ("latitude", "longitude")
    ]
    texts = [f"{LATITUDE},{LONGITUDE}", f"{LONGITUDE},{LATITUDE}", "46.160,-1.151", ""]
    notes = coordinate_notes(spec(*parts), pl.DataFrame({"p": texts}))
    assert notes == {"swapped_coordinates": 1, "rounded_coordinates": 1}


def test_a_source_without_coordinates_has_no_notes() -> None:
    frame = pl.DataFrame({"p": ["46.1,-1.1"]})
    assert coordinate_notes(spec(column(source="p")), frame) == {}
