"""The sandbox's SensorThings: small pages, next links, records with dotted names."""

from __future__ import annotations

from typing import Any

import pytest
from protocol_tables import BASE_URL, document, table

from lrtzc_pipelines.sandbox.protocols.sensorthings import MAX_TOP, answer
from lrtzc_pipelines.sandbox.tables import Question

PATH = "Datastreams(7)/Observations"
COLLECTION = {"kind": "sensorthings", "path": PATH}
FORM = {"kind": "json", "records": "value", "flatten": True}
ROWS = [
    {
        "@iot.id": 300 - n,
        "result": float(n),
        "Datastream.@iot.id": 7,
        "Datastream.unitOfMeasurement.symbol": "°C" if n else None,
    }
    for n in range(205)
]
TABLES = {"observations": table(ROWS, COLLECTION, FORM)}


def ask(path: str = PATH, **query: str) -> Any:
    named = {f"${name}": value for name, value in query.items()}
    return answer(TABLES, Question("GET", path, named, base_url=BASE_URL))


def test_names_of_the_standard_keep_their_dots_and_others_nest() -> None:
    first, second = document(ask(orderby="@iot.id desc", top="2"))["value"]
    assert first == {"@iot.id": 300, "result": 0.0, "Datastream": {"@iot.id": 7}}
    assert second["Datastream"]["unitOfMeasurement"] == {"symbol": "°C"}


def test_a_page_is_small_and_links_to_the_next() -> None:
    found = document(ask(top="5000", skip="100", count="true"))
    assert len(found["value"]) == MAX_TOP == 100
    assert found["@iot.count"] == 205
    link = found["@iot.nextLink"]
    assert link.startswith(f"{BASE_URL}Datastreams(7)/Observations?")
    assert "%24skip=200" in link
    assert "%24skipFilter=%28%40iot.id+gt+295%29" in link


def test_the_last_page_has_no_link_and_no_count_unless_asked() -> None:
    assert set(document(ask(skip="200"))) == {"value"}


@pytest.mark.parametrize(
    "query",
    [{"top": "many"}, {"skip": "-1"}, {"orderby": "size"}, {"orderby": "result up"}],
)
def test_a_wrong_question_is_refused(query: dict[str, str]) -> None:
    refused = ask(**query)
    assert refused.status == 400
    assert document(refused)["code"] == 400


def test_other_paths_are_not_served() -> None:
    assert ask("Datastreams(8)/Observations") is None
