"""The sandbox's Kuzzle: searches, scrolls, the cap, and its errors."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from protocol_tables import document, table

from lrtzc_pipelines.sandbox.protocols.kuzzle import CAP, answer
from lrtzc_pipelines.sandbox.recipe_sources import asked_day
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table

COLLECTION = {
    "kind": "kuzzle",
    "index": "town",
    "collection": "measures",
    "query": {"equals": {"type": "co2"}},
}
FORM = {"kind": "json", "records": "result.hits", "flatten": True}
ROWS = [{"_id": f"m{n}", "_source.values.co2": n} for n in range(25)]
TABLES = {"town_things": table(ROWS, COLLECTION, FORM)}


def search(body: object = None, path: str = "town/measures", **query: str) -> Answer:
    sent = b"" if body is None else json.dumps(body).encode()
    found = answer(TABLES, Question("POST", f"{path}/_search", query, body=sent))
    assert found is not None
    return found


def scroll(scroll_id: str) -> Answer:
    found = answer(TABLES, Question("GET", f"_scroll/{scroll_id}"))
    assert found is not None
    return found


def test_a_hit_is_a_document_again() -> None:
    result = document(search())["result"]
    assert result["hits"][3] == {
        "_score": None,
        "_id": "m3",
        "_source": {"values": {"co2": 3}},
    }
    assert result["total"] == 25
    assert len(result["hits"]) == 10


def test_without_a_scroll_there_is_no_way_on() -> None:
    assert {"scrollId", "remaining"}.isdisjoint(document(search(size="5"))["result"])


def test_each_page_of_a_scroll_leads_to_the_next() -> None:
    result = document(search(size="10", scroll="1m"))["result"]
    seen: list[Any] = []
    remaining, ids = [], set()
    while result["hits"]:
        seen += [hit["_id"] for hit in result["hits"]]
        remaining.append(result["remaining"])
        ids.add(result["scrollId"])
        result = document(scroll(result["scrollId"]))["result"]
    assert seen == [row["_id"] for row in ROWS]
    assert remaining == [15, 5, 0]
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("found", "status", "identifier"),
    [
        (search(size=str(CAP + 1), scroll="1m"), 400, "get_limit_exceeded"),
        (search(size="10", **{"from": str(CAP)}), 400, "get_limit_exceeded"),
        (search(size="many"), 400, "get_limit_exceeded"),
        (search({"query": {"exists": "a"}}), 400, "unknown_query"),
        (search(["list"]), 400, "unknown_query"),
        (search(path="town/nothing"), 412, "unknown_collection"),
        (scroll("bm9uc2Vuc2U="), 404, "unknown_scroll_id"),
        (scroll("ééé"), 404, "unknown_scroll_id"),
    ],
)
def test_an_error_says_its_status_twice(
    found: Answer, status: int, identifier: str
) -> None:
    error = document(found)
    assert found.status == error["status"] == error["error"]["status"] == status
    assert error["error"]["id"].endswith(identifier)


def test_the_declared_query_is_understood() -> None:
    assert document(search({"query": COLLECTION["query"]}))["status"] == 200


def test_a_body_that_is_no_json_is_refused() -> None:
    question = Question("POST", "town/measures/_search", body=b"{")
    refused = answer(TABLES, question)
    assert refused is not None
    assert refused.status == 400


def test_other_paths_are_not_served() -> None:
    assert answer(TABLES, Question("GET", "town/measures/_search")) is None
    assert answer(TABLES, Question("GET", "")) is None


def test_a_scroll_remembers_the_day_of_a_source_partitioned_by_day() -> None:
    whole = TABLES["town_things"]
    daily = whole.spec.model_copy(update={"partitioning": "daily"})
    slice_of_day = Table(daily.for_day(date(2026, 11, 12)), whole.frame)
    question = Question(
        "POST", "town/measures/_search", {"size": "10", "scroll": "1m"}, body=b""
    )
    found = answer({"town_things": slice_of_day}, question)
    scroll_id = document(found)["result"]["scrollId"]
    assert asked_day(Question("GET", f"_scroll/{scroll_id}")) == date(2026, 11, 12)
    assert [hit["_id"] for hit in document(scroll(scroll_id))["result"]["hits"]] == [
        f"m{n}" for n in range(10, 20)
    ]
