"""The territory: true codes and populations, schematic but usable outlines."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from shapely.geometry import Point, shape

from lrtzc_pipelines.sandbox.territory import (
    COMMUNES,
    Commune,
    contours_geojson,
    outlines,
)


def test_there_are_28_communes_with_distinct_codes() -> None:
    assert len({commune.code for commune in COMMUNES}) == 28


def test_populations_sum_to_the_legal_ones_of_2025() -> None:
    assert sum(commune.population_municipal for commune in COMMUNES) == 181_057
    assert sum(commune.population_total for commune in COMMUNES) == 185_015


@pytest.mark.parametrize("commune", COMMUNES, ids=lambda commune: commune.code)
def test_an_outline_surrounds_its_centre(commune: Commune) -> None:
    outline = outlines()[commune.code]
    assert outline.is_valid
    assert outline.contains(Point(commune.longitude, commune.latitude))


def test_outlines_do_not_overlap() -> None:
    pairs = combinations(outlines().values(), 2)
    assert max(one.intersection(other).area for one, other in pairs) < 1e-6


def test_features_say_that_they_are_schematic() -> None:
    features = json.loads(contours_geojson())["features"]
    assert {feature["properties"]["trace"] for feature in features} == {"schématique"}


def test_features_carry_code_name_and_a_polygon() -> None:
    features = json.loads(contours_geojson())["features"]
    found = {f["properties"]["code"]: f["properties"]["nom"] for f in features}
    assert found == {commune.code: commune.name for commune in COMMUNES}
    assert {shape(f["geometry"]).geom_type for f in features} == {"Polygon"}


def test_coordinates_are_longitude_then_latitude() -> None:
    bounds = shape(json.loads(contours_geojson())["features"][0]["geometry"]).bounds
    assert -1.3 < bounds[0] < -0.8
    assert 45.9 < bounds[1] < 46.4
