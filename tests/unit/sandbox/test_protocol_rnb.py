"""The RNB as the sandbox speaks it: opaque cursors and no total."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from invented import BASE, ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.rnb import answer

TABLE = invented(
    [{"rnb_id": str(n), "point.type": "Point"} for n in range(130)],
    {"kind": "rnb", "query": {"insee_code": "17300"}},
    records="results",
)


def test_next_links_lead_through_all_buildings() -> None:
    query, ids = {"insee_code": "17300", "limit": "500"}, []
    sizes = []
    while True:
        found = body_of(ask(answer, TABLE, "buildings/", **query))
        assert "count" not in found
        ids += [building["rnb_id"] for building in found["results"]]
        sizes.append(len(found["results"]))
        if found["next"] is None:
            break
        assert found["next"].startswith(f"{BASE}buildings/?")
        query = dict(parse_qsl(urlsplit(found["next"]).query))
    assert sizes == [100, 30]
    assert ids == [str(n) for n in range(130)]


def test_a_point_is_an_object() -> None:
    found = body_of(ask(answer, TABLE, "buildings/", insee_code="17300", limit="1"))
    assert found["results"] == [{"rnb_id": "0", "point": {"type": "Point"}}]


def test_another_commune_has_none() -> None:
    found = body_of(ask(answer, TABLE, "buildings/", insee_code="99999"))
    assert (found["results"], found["next"]) == ([], None)


@pytest.mark.parametrize("query", [{"cursor": "?"}, {"cursor": "cA=="}, {"limit": "0"}])
def test_a_cursor_that_is_none_is_refused(query: dict[str, str]) -> None:
    found = ask(answer, TABLE, "buildings/", insee_code="17300", **query)
    assert found is not None
    assert found.status == 404


def test_there_is_nothing_at_another_path() -> None:
    assert ask(answer, TABLE, "ads/") is None
