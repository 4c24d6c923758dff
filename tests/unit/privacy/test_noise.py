"""Noise: as much as is proven to be enough, and not much more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.errors import PrivacyError, SettingsError
from lrtzc_pipelines.privacy import noise
from lrtzc_pipelines.privacy.noise import Mechanism, mechanism


@settings(max_examples=200, deadline=None)
@given(max_cells=st.integers(1, 200), epsilon=st.floats(0.01, 3))
def test_the_proof_is_kept_to_the_last_digit(max_cells: int, epsilon: float) -> None:
    made = mechanism(max_cells=max_cells, epsilon=epsilon)
    assert made._measurement.map(max_cells) <= epsilon
    assert made.scale == pytest.approx(max_cells / epsilon, rel=1e-12)


@pytest.mark.parametrize(("max_cells", "epsilon"), [(4, 1.0), (2, 0.1), (1, 2.0)])
def test_noise_is_as_large_as_theory_says(max_cells: int, epsilon: float) -> None:
    many, far = 20_000, 10_000
    made = mechanism(max_cells=max_cells, epsilon=epsilon)
    errors = [count - far for count in made([far] * many)]
    decay = math.exp(-1 / made.scale)
    mean = 2 * decay / (1 - decay**2)
    square = 2 * decay / (1 - decay) ** 2
    # Eight standard errors: no test of this machine's life will see that by chance.
    bound = 8 * math.sqrt((square - mean**2) / many)
    assert abs(sum(map(abs, errors)) / many - mean) < bound
    assert abs(sum(errors) / many) < 8 * math.sqrt(square / many)


def test_counts_stay_whole_and_not_below_nought() -> None:
    drawn = mechanism(max_cells=3, epsilon=0.5)([0] * 500)
    assert {type(count) for count in drawn} == {int}
    assert min(drawn) == 0
    assert len(set(drawn)) > 3


def test_two_draws_differ() -> None:
    made = mechanism(max_cells=3, epsilon=0.5)
    assert made([100] * 200) != made([100] * 200)


def test_what_is_not_proven_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unproven:
        """A library whose every measurement tells more than it may."""

        def __getattr__(self, _: str) -> object:
            return self

        def __call__(self, *_: object, **__: object) -> object:
            return self

        def __le__(self, _: object) -> bool:
            return False

    monkeypatch.setattr(noise, "opendp", Unproven)
    with pytest.raises(PrivacyError, match="no noise of scale"):
        mechanism(max_cells=1, epsilon=1)


def test_without_the_library_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> Mechanism:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(noise, "import_module", absent)
    noise.opendp.cache_clear()
    try:
        with pytest.raises(SettingsError, match=r"pip install 'lrtzc-pipelines\[dp\]'"):
            mechanism(max_cells=1, epsilon=1)
    finally:
        noise.opendp.cache_clear()
