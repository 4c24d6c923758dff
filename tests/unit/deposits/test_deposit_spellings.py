"""Cells written anew where that can be done in one way, and left alone elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partner import TRIPS, channel

from lrtzc_pipelines.deposits.spellings import spellers

WASTE = spellers(channel().form, channel().spec)
MOBILITY = spellers(channel(TRIPS).form, channel(TRIPS).spec)


@pytest.mark.parametrize(
    ("cell", "spelled"),
    [
        ("15 01 01", "150101"),
        ("13\u202f02\u00a005 *", "130205*"),
        (" 150101 ", "150101"),
        ("150101", "150101"),
        ("papier", "papier"),
    ],
)
def test_spaces_in_a_code_do_not_count(cell: str, spelled: str) -> None:
    assert WASTE["code_dechet"](cell) == spelled


@pytest.mark.parametrize(
    ("cell", "spelled"),
    [
        ("2026-03-01", "2026-03-01"),
        ("01/03/2026", "2026-03-01"),
        ("1/3/2026", "2026-03-01"),
        (" 01/03/2026 ", "2026-03-01"),
        ("2026-03-01 00:00:00", "2026-03-01"),
        ("2026-03-01T00:00:00.000", "2026-03-01"),
        ("01/03/2026 00:00", "2026-03-01"),
    ],
)
def test_a_date_is_spelled_as_the_source_declares(cell: str, spelled: str) -> None:
    assert WASTE["mois"](cell) == spelled


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "mars 2026",
        "03/2026",
        "01/03/26",
        "31/02/2026",
        "2026-13-01",
        "03/25/2026",
        "2026-03-01 10:30:00",
        "46082",
        "2026-03-01Z",
    ],
)
def test_what_is_no_date_is_left_to_the_checks(cell: str) -> None:
    assert WASTE["mois"](cell) == cell


@pytest.mark.parametrize(
    ("cell", "spelled"),
    [
        ("2026-03-01 08:30:15", "2026-03-01 08:30:15"),
        ("2026-03-01T08:30", "2026-03-01 08:30:00"),
        ("2026-03-01 08:30:15.250", "2026-03-01 08:30:15"),
        ("01/03/2026 8:30", "2026-03-01 08:30:00"),
    ],
)
def test_a_moment_is_spelled_as_the_source_declares(cell: str, spelled: str) -> None:
    assert MOBILITY["depart"](cell) == spelled


@pytest.mark.parametrize(
    "cell", ["2026-03-01", "01/03/2026", "2026-03-01 24:00", "2026-03-01T08:30+01:00"]
)
def test_a_moment_without_its_time_or_with_a_zone_is_left(cell: str) -> None:
    assert MOBILITY["depart"](cell) == cell


def test_only_codes_and_moments_are_spelled_anew() -> None:
    assert set(WASTE) == {"siret", "code_dechet", "mois"}
    assert set(MOBILITY) == {"depart"}


@settings(deadline=None)
@given(st.text(), st.sampled_from(["siret", "code_dechet", "mois"]))
def test_spelling_twice_changes_nothing_more(cell: str, heading: str) -> None:
    once = WASTE[heading](cell)
    assert WASTE[heading](once) == once
