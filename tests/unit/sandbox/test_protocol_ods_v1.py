"""The gateway of the sandbox: its path, its small default, its order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from protocol_tables import table

from lrtzc_pipelines.sandbox.protocols.ods_v1 import answer
from lrtzc_pipelines.sandbox.tables import Question, Table

ASKED = {"kind": "ods_v1", "dataset": "parking___places"}
FORM = {"kind": "json", "records": "records", "flatten": True}


def tables(count: int = 25) -> dict[str, Table]:
    rows: list[dict[str, Any]] = [
        {"fields.id": f"P{n:02}", "fields.free": None if n == 3 else n % 5}
        for n in range(count)
    ]
    return {"parking": table(rows, ASKED, FORM)}


def ask(path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    given = answer(tables(), Question("GET", path, query or {}))
    assert given
    found: dict[str, Any] = json.loads(given.body)
    return {"status": given.status, **found}


def ids(document: dict[str, Any]) -> list[str]:
    return [record["fields"]["id"] for record in document["records"]]


def test_records_have_no_identifier_and_a_dataset_of_another_name() -> None:
    found = ask("search/dataset=parking___places&rows=1000")
    assert found["nhits"] == len(found["records"]) == 25
    record = found["records"][3]
    assert record["recordid"] is None
    assert record["datasetid"] != "parking___places"
    assert record["fields"] == {"id": "P03", "free": None}


def test_without_rows_there_are_few() -> None:
    assert len(ask("search/dataset=parking___places&facet=id")["records"]) == 10


def test_a_query_that_is_not_in_the_path_is_not_looked_at() -> None:
    assert len(ask("search/dataset=parking___places", {"rows": "20"})["records"]) == 10


def test_pages_go_on_where_the_one_before_ended() -> None:
    path = "search/dataset=parking___places&rows=20&start="
    assert ids(ask(f"{path}0")) + ids(ask(f"{path}20")) == [
        f"P{n:02}" for n in range(25)
    ]
    assert ids(ask(f"{path}40")) == []


@pytest.mark.parametrize(("sort", "first"), [("id", "P24"), ("-id", "P00")])
def test_sorting_goes_downwards_unless_there_is_a_minus(sort: str, first: str) -> None:
    assert ids(ask(f"search/dataset=parking___places&sort={sort}"))[0] == first


def test_what_has_no_value_comes_last_in_any_order() -> None:
    for sort in ("free", "-free"):
        path = f"search/dataset=parking___places&rows=99&sort={sort}"
        assert ids(ask(path))[-1] == "P03"


@pytest.mark.parametrize("part", ["rows=many", "start=-1"])
def test_a_number_that_is_none_is_an_error_inside_http_200(part: str) -> None:
    found = ask(f"search/dataset=parking___places&{part}")
    assert (found["status"], found["errorcode"]) == (200, 10001)


def test_another_dataset_is_not_found() -> None:
    assert ask("search/dataset=nowhere")["status"] == 404
    assert answer(tables(), Question("GET", "other/dataset=parking___places")) is None
