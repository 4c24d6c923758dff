"""Eco-Counter's public pages as the sandbox speaks them: counters, then counts."""

from __future__ import annotations

import pytest
from invented import ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.eco_counter import answer

LIST = "pbl/publicwebpageplus/9999"
DATA = "pbl/publicwebpageplus/data/100000001"
TABLE = invented(
    [
        {"counter": counter, "0": f"03/{day:02}/2026", "1": None if day == 2 else day}
        for counter in ("100000001", "100000002")
        for day in range(1, 6)
    ],
    {
        "kind": "eco_counter",
        "domain": "9999",
        "start": "2026-03-01",
        "end": "2026-03-31",
    },
    flatten=False,
    positional=True,
    page_column="counter",
)
QUERY = {
    "idOrganisme": "9999",
    "debut": "01/03/2026",
    "fin": "04/03/2026",
    "interval": "4",
    "flowIds": "101000001;102000001",
}


def test_counters_have_two_flows_each() -> None:
    found = body_of(ask(answer, TABLE, LIST))
    assert [counter["idPdc"] for counter in found] == [100000001, 100000002]
    assert [kind["id"] for kind in found[0]["pratique"]] == [101000001, 102000001]


def test_counts_are_texts_month_first_and_end_before_the_last_day() -> None:
    assert body_of(ask(answer, TABLE, DATA, **QUERY)) == [
        ["03/01/2026", "1"],
        ["03/02/2026", None],
        ["03/03/2026", "3"],
    ]


@pytest.mark.parametrize(
    "changes", [{"flowIds": "101000001"}, {"flowIds": ""}, {"fin": "01/03/2026"}]
)
def test_without_every_flow_or_day_nothing_is_counted(
    changes: dict[str, str],
) -> None:
    assert body_of(ask(answer, TABLE, DATA, **QUERY | changes)) == []


@pytest.mark.parametrize("changes", [{"debut": "2026-03-01"}, {"interval": "9"}])
def test_a_question_of_another_shape_is_refused(changes: dict[str, str]) -> None:
    found = ask(answer, TABLE, DATA, **QUERY | changes)
    assert found is not None
    assert found.status == 400


@pytest.mark.parametrize(
    ("path", "domain"),
    [("pbl/publicwebpageplus/1", "9999"), (DATA, "1"), ("pbl/other", "9999")],
)
def test_there_is_nothing_elsewhere(path: str, domain: str) -> None:
    assert ask(answer, TABLE, path, **QUERY | {"idOrganisme": domain}) is None
