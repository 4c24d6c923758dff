"""DATAtourisme as the sandbox speaks it: totals, a ceiling, and next links."""

from __future__ import annotations

import pytest
from invented import BASE, ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.datatourisme import answer

QUERY = {"geo_bounding": "46.27,-1.25,45.99,-0.94"}
TABLE = invented(
    [{"uuid": str(n), "label.@fr": f"Lieu {n}"} for n in range(250)],
    {"kind": "datatourisme", "query": QUERY},
    records="objects",
)


@pytest.mark.parametrize(
    ("page", "count", "following"), [("1", 100, True), ("3", 50, False)]
)
def test_no_page_has_more_than_a_hundred(
    page: str, count: int, *, following: bool
) -> None:
    found = body_of(ask(answer, TABLE, "catalog", page_size="250", page=page, **QUERY))
    meta = found["meta"]
    assert len(found["objects"]) == count
    assert (meta["total"], meta["totalPages"], meta["pageSize"]) == (250, 3, 100)
    assert (meta["next"] is not None) is following


def test_the_next_link_leads_to_the_next_page() -> None:
    meta = body_of(ask(answer, TABLE, "catalog", **QUERY))["meta"]
    assert meta["next"].startswith(f"{BASE}catalog?")
    assert meta["next"].endswith("page=2")


def test_names_are_by_language() -> None:
    found = body_of(ask(answer, TABLE, "catalog", page_size="1", **QUERY))
    assert found["objects"] == [{"uuid": "0", "label": {"@fr": "Lieu 0"}}]


def test_another_area_has_nothing() -> None:
    found = body_of(ask(answer, TABLE, "catalog", geo_bounding="0,0,0,0"))
    assert (found["objects"], found["meta"]["total"]) == ([], 0)


@pytest.mark.parametrize("query", [{"page": "0"}, {"page_size": "x"}])
def test_a_page_that_is_none_is_refused(query: dict[str, str]) -> None:
    found = ask(answer, TABLE, "catalog", **QUERY, **query)
    assert found is not None
    assert found.status == 400


def test_there_is_nothing_at_another_path() -> None:
    assert ask(answer, TABLE, "catalogue", **QUERY) is None
