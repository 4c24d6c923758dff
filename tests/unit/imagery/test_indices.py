from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrtzc_pipelines.imagery.indices import clear, difference, reflectance
from lrtzc_pipelines.imagery.scenes import SceneAsset

BAND = SceneAsset("B04", "https://x.example/", 10, 1e-4, -0.1)
numbers = arrays(np.uint16, (4, 5), elements=st.integers(0, 12_000))


def test_reflectance_is_scaled_moved_and_never_below_nothing() -> None:
    found = reflectance(np.array([[0, 500, 1000, 3000]], dtype=np.uint16), BAND)
    assert np.isnan(found[0, 0])
    assert found[0, 1:] == pytest.approx([0.0, 0.0, 0.2])


def test_forgetting_the_offset_is_a_large_error() -> None:
    red, nir = (np.array([[n]], dtype=np.uint16) for n in (1300, 4500))
    moved = SceneAsset("B04", "https://x.example/", 10, 1e-4, 0.0)
    right = difference(reflectance(nir, BAND), reflectance(red, BAND))
    wrong = difference(reflectance(nir, moved), reflectance(red, moved))
    assert right[0, 0] - wrong[0, 0] > 0.25


@given(numbers, numbers)
def test_an_index_is_between_minus_one_and_one(
    first: np.ndarray, second: np.ndarray
) -> None:
    found = difference(reflectance(first, BAND), reflectance(second, BAND))
    known = found[~np.isnan(found)]
    assert ((known >= -1) & (known <= 1)).all()
    assert np.isnan(found[(first == 0) | (second == 0)]).all()
    assert np.isnan(found[(first <= 1000) & (second <= 1000)]).all()


def test_what_borders_on_clouds_is_not_clear() -> None:
    classes = np.full((5, 5), 4, dtype=np.uint8)
    classes[2, 2] = 9
    assert clear(classes).sum() == 25 - 9
    assert clear(classes, margin=0).sum() == 24


@pytest.mark.parametrize(
    ("code", "is_clear"),
    [(code, code in {4, 5, 6, 7}) for code in range(12)],
)
def test_classes_that_show_the_ground(code: int, *, is_clear: bool) -> None:
    assert clear(np.full((3, 3), code, dtype=np.uint8)).all() == is_clear
