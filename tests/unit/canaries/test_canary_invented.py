"""Invented values: the same for the same seed, of nobody, of shapes audits know."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

import pytest

from lrtzc_pipelines.canaries import invented
from lrtzc_pipelines.canaries.invented import PLANTED, Draw, Invented
from lrtzc_pipelines.privacy.audit import PATTERNS

MAKERS: dict[str, Callable[[Draw], Invented]] = {
    "named": invented.named,
    "address": invented.address,
    "identifier": invented.identifier,
    "mail": invented.mail,
    "plate": invented.plate,
    "free_text": invented.free_text,
    "siret": lambda draw: invented.figures(draw, 14),
    "whole_number": invented.whole_number,
    "number_near": lambda draw: invented.number_near(draw, 46.16),
    "unique_id": invented.unique_id,
    "coarsened": lambda draw: invented.coarsened(draw, "2026-10"),
    "moment": invented.moment,
}


def draw(number: int = 0, seed: int = 7) -> Draw:
    return Draw(seed, "town_counts", "phone", number)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_person_has_values_of_their_own(make: Callable[[Draw], Invented]) -> None:
    persons = range(PLANTED)
    values = {make(draw(number)).value for number in persons}
    assert len(values) == PLANTED
    assert values == {make(draw(number)).value for number in persons}
    assert not values & {make(draw(number, seed=8)).value for number in persons}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_value_is_recognised_by_something_in_it(
    make: Callable[[Draw], Invented],
) -> None:
    made = make(draw())
    assert any(part.lower() in str(made.value).lower() for part in made.parts)


@pytest.mark.parametrize("label", ["e-mail", "phone", "plate", "meter or SIRET"])
def test_the_audit_knows_the_shapes_of_what_is_in_a_remark(label: str) -> None:
    for number in range(PLANTED):
        text = str(invented.free_text(draw(number)).value)
        assert re.search(PATTERNS[label], text), text


def test_numbers_are_of_ranges_that_nobody_has() -> None:
    siret, phone = invented.figures(draw(), 14), str(invented.phone(draw()).value)
    assert str(siret.value).startswith("0009")
    assert phone[:8] in {
        "01 99 00",
        "02 61 91",
        "03 53 01",
        "04 65 71",
        "05 36 49",
        "06 39 98",
    }
    assert str(invented.mail(draw()).value).endswith("@example.invalid")


def test_a_siret_is_recognised_without_its_zeros_and_by_its_siren() -> None:
    made = invented.figures(draw(), 14)
    text = str(made.value)
    assert {text, text[:9], text.lstrip("0")} < set(made.parts)


@pytest.mark.parametrize("near", [0.4, 46.1573, -1.2, 178_008.0, 12_345_678.9])
def test_a_number_is_recognised_as_it_is_written(near: float) -> None:
    made = invented.number_near(draw(), near)
    assert made.parts[0] in repr(made.value)
    assert made.value == pytest.approx(near, abs=0.02)


def test_a_number_made_coarser_is_not_recognised() -> None:
    made = invented.number_near(draw(), 46.1573)
    assert made.parts[0] not in f"{made.value:.2f}"


def test_days_and_moments_are_not_recognised_once_truncated() -> None:
    for number in range(PLANTED):
        day = date.fromisoformat(str(invented.day(draw(number)).value))
        assert day.day > 1
        moment = datetime.fromisoformat(str(invented.moment(draw(number)).value))
        assert moment.minute
        assert moment.second


def test_the_lonely_one_is_in_no_commune() -> None:
    made = invented.alone(draw())
    assert made.is_cell
    assert re.fullmatch(r"96\d{3}", str(made.value))
