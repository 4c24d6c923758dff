"""Rows that fill up a test case's page."""

from __future__ import annotations

from lrtzc_pipelines.sources.casefile import Filler


def test_rows_added_to_a_page_with_a_byte_order_mark_bring_none_of_their_own() -> None:
    filler = Filler(
        page="response.csv",
        text="FR{n};é\n",
        first=7,
        count=2,
        column="site",
        starts_with="FR",
    )
    page = "site;nom\nFR1;a\n".encode("utf-8-sig")
    added = filler.added_to(page, "utf-8-sig")
    assert added == page + "FR7;é\nFR8;é\n".encode()
