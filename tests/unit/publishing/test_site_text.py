"""French words, numbers and dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lrtzc_pipelines.publishing import site_text as text
from lrtzc_pipelines.sources.spec import LICENCES


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0, 0, "0"),
        (999, 0, "999"),
        (1000, 0, "1\u202f000"),
        (441735.519, 0, "441\u202f736"),
        (2364062, 0, "2\u202f364\u202f062"),
        (1234.5678, 2, "1\u202f234,57"),
        (0.5, 0, "1"),
        (2.5, 0, "3"),
        (-1234.5, 1, "\u22121\u202f234,5"),
        (-0.001, 1, "0,0"),
        (None, 0, "n.\u00a0d."),
        (float("nan"), 0, "n.\u00a0d."),
        (float("inf"), 0, "n.\u00a0d."),
    ],
)
def test_numbers_are_french(value: float | None, decimals: int, expected: str) -> None:
    assert text.number(value, decimals) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.052, "0,052"),
        (0.0580, "0,058"),
        (10.0, "10"),
        (1000.0, "1\u202f000"),
        (1.05e-3, "0,00105"),
        (None, "n.\u00a0d."),
    ],
)
def test_exact_numbers_keep_their_decimals(value: float | None, expected: str) -> None:
    assert text.exact(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (22970.247, "22\u202f970"),
        (99.94, "99,9"),
        (1.234, "1,23"),
        (0.00421, "0,00421"),
        (0.0, "0"),
        (None, "n.\u00a0d."),
    ],
)
def test_quantities_keep_three_digits(value: float | None, expected: str) -> None:
    assert text.quantity(value) == expected


def test_percentage_has_a_thin_space() -> None:
    assert text.percent(0.425) == "43\u202f%"


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0\u00a0vélo"), (1, "1\u00a0vélo"), (2, "2\u00a0vélos")],
)
def test_nouns_agree(count: int, expected: str) -> None:
    assert text.counted(count, "vélo") == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2025, 7, 1, 22, 30, tzinfo=UTC), "2\u00a0juillet 2025 à 0 h 30"),
        (datetime(2025, 1, 1, 5, 4, tzinfo=UTC), "1er\u00a0janvier 2025 à 6 h 04"),
        (datetime(2025, 10, 26, 0, 30, tzinfo=UTC), "26\u00a0octobre 2025 à 2 h 30"),
        (datetime(2025, 10, 26, 1, 30, tzinfo=UTC), "26\u00a0octobre 2025 à 2 h 30"),
        (datetime(2025, 3, 30, 1, 0, tzinfo=UTC), "30\u00a0mars 2025 à 3 h 00"),
    ],
)
def test_instants_are_shown_in_paris(instant: datetime, expected: str) -> None:
    assert text.moment(instant).replace("\u00a0h\u00a0", " h ") == expected


def test_day_of_an_instant_is_the_paris_day() -> None:
    assert text.day(datetime(2025, 12, 31, 23, 30, tzinfo=UTC)).endswith("2026")


def test_day_of_a_date_is_itself() -> None:
    assert text.day(date(2023, 8, 15)) == "15\u00a0août 2023"


def test_absent_dates_are_not_available() -> None:
    assert text.day(None) == text.moment(None) == text.NOT_AVAILABLE


def test_clean_removes_what_could_reorder_or_hide_text() -> None:
    assert text.clean(" a\u202eb\u2066c\x00d\n e\u200f ") == "abc d e"


def test_clean_composes_accents() -> None:
    assert text.clean("Ne\u0301e") == "Née"


def test_clean_keeps_right_to_left_letters() -> None:
    assert text.clean("שלום") == "שלום"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://geo.api.gouv.fr/", "https://geo.api.gouv.fr/"),
        ("http://a.fr/x?y=1&z", "http://a.fr/x?y=1&z"),
        ("javascript:alert(1)", ""),
        (" https://a.fr", ""),
        ('https://a.fr/"onclick="x', ""),
        ("//a.fr", ""),
        (None, ""),
    ],
)
def test_only_plain_web_addresses_become_links(
    address: str | None, expected: str
) -> None:
    assert text.web_address(address) == expected


def test_units_have_an_index() -> None:
    assert text.unit("kgCO2e/kWh") == "kgCO₂e/kWh"


def test_axes_are_ten() -> None:
    assert [text.axis(n) for n in (1, 10)] == [
        "1.\u00a0Participation citoyenne",
        "10.\u00a0Données",
    ]
    assert len(text.AXES) == 10


@pytest.mark.parametrize(
    ("code", "name"),
    [("etalab-2.0", "Licence Ouverte 2.0"), ("X-1", "X-1"), (None, "n.\u00a0d.")],
)
def test_unknown_licence_is_shown_as_it_is(code: str | None, name: str) -> None:
    assert text.licence(code)[0] == name


def test_every_licence_a_source_may_declare_has_a_name() -> None:
    assert {code.lower() for code in LICENCES} == set(text.LICENCES)


def test_unknown_words_are_shown_as_they_are() -> None:
    assert text.state("strange") == "strange"
    assert text.method("strange") == "strange"
    assert text.origin("strange") == "strange"


def test_method_keeps_its_code() -> None:
    code = "electricity_average_mix_location_based"
    assert text.method(code).endswith(f"({code})")


def test_apostrophes_are_set_in_plain_text_only() -> None:
    assert text.typeset("l'eau") == "l\u2019eau"
    assert text.typeset(3) == 3
