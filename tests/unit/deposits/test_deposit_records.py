"""Rows of cells as one plain CSV, each with its place in the partner's file."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partner import COMPANY, HEADINGS, channel, places, row

from lrtzc_pipelines.deposits.problems import DepositRefused, Problem
from lrtzc_pipelines.deposits.records import Content, Record, Table, plain_csv
from lrtzc_pipelines.parsers.delimited import parse_csv
from lrtzc_pipelines.sources.formats import CsvFormat

CHANNEL = channel()


def plain(*records: Record, sheet: str | None = None) -> Content:
    return plain_csv(Table(iter(records), sheet), CHANNEL, COMPANY)


def read(content: Content) -> pl.DataFrame:
    assert isinstance(CHANNEL.spec.format, CsvFormat)
    return parse_csv(content.body, "deposit", CHANNEL.spec.format)


def refusals(*records: Record, sheet: str | None = None) -> list[Problem]:
    with pytest.raises(DepositRefused) as refused:
        plain(*records, sheet=sheet)
    return list(refused.value.problems)


def test_rows_keep_their_places_and_get_their_depositor() -> None:
    content = plain((2, HEADINGS), (3, row(1)), (7, row(2)))
    assert content.rows == (3, 7)
    frame = read(content)
    assert frame.columns == ["deposant", *HEADINGS]
    assert frame["deposant"].to_list() == [COMPANY, COMPANY]
    assert frame.row(0)[1:] == tuple(row(1))


def test_columns_may_come_in_any_order() -> None:
    content = plain((1, HEADINGS[::-1]), (2, row(1)[::-1]))
    assert read(content).select(HEADINGS).row(0) == tuple(row(1))


def test_blank_rows_are_passed_over_wherever_they_are() -> None:
    content = plain(
        (1, []), (2, [" "]), (3, HEADINGS), (4, [""] * 7), (5, row(1)), (6, ["", ""])
    )
    assert content.rows == (5,)


def test_separators_at_the_end_of_lines_are_no_columns() -> None:
    content = plain((1, [*HEADINGS, "", ""]), (2, [*row(1), "", " "]))
    assert read(content).columns == ["deposant", *HEADINGS]
    assert plain((1, HEADINGS), (2, [*row(1), "", ""])).rows == (2,)


def test_values_in_a_column_without_a_heading_are_told() -> None:
    (problem,) = refusals(
        (1, [*HEADINGS, ""]), (2, [*row(1), ""]), (3, [*row(2), "Dupont"])
    )
    assert places([problem]) == [("H (n° 8)", (3,))]
    assert "Dupont" not in problem.model_dump_json()


def test_rows_of_another_width_are_told_together() -> None:
    (problem,) = refusals(
        (1, HEADINGS), (2, row(1)), (3, row(1)[:5]), (4, [*row(2), "x"])
    )
    assert problem.rows == (3, 4)
    assert "7 cellules" in problem.why


def test_nothing_at_all_is_told() -> None:
    (problem,) = refusals()
    assert problem.why == "le fichier est vide"
    (problem,) = refusals((1, ["", ""]), sheet="Registre")
    assert (problem.why, problem.sheet) == ("la feuille est vide", "Registre")


def test_headings_alone_are_no_table() -> None:
    (problem,) = refusals((1, HEADINGS))
    assert problem.why == "le tableau n'a pas de ligne sous ses titres"


# Lone surrogates do not come out of a file that was decoded.
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(deadline=None)
@given(st.lists(st.lists(CELLS, min_size=7, max_size=7), min_size=1, max_size=5))
def test_whatever_is_in_a_cell_is_read_as_it_was(table: list[list[str]]) -> None:
    filled = [cells for cells in table if any(cell.strip() for cell in cells)]
    if not filled:
        return
    content = plain((1, HEADINGS), *enumerate(filled, start=2))
    assert content.rows == tuple(range(2, 2 + len(filled)))
    found = read(content).select("code_commune", "code_naf", "tonnes").rows()
    assert [tuple(cell or "" for cell in cells) for cells in found] == [
        (cells[1], cells[2], cells[6]) for cells in filled
    ]
