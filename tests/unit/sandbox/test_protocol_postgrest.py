"""PostgREST as the sandbox speaks it: ranges, counts on demand, a silent ceiling."""

from __future__ import annotations

from typing import Any

import pytest
from invented import ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.postgrest import MAX_ROWS, answer
from lrtzc_pipelines.sandbox.service import Answer

COUNTED = {"prefer": "count=exact"}
TABLE = invented(
    [{"id": f"b{n:04}", "year": str(n)} for n in reversed(range(MAX_ROWS + 5))],
    {"kind": "postgrest", "path": "donnees/x", "filters": {"a": "eq.1"}, "order": "id"},
)


def get(headers: dict[str, str] | None = None, **query: str) -> Answer:
    found = ask(answer, TABLE, "donnees/x", headers, **{"a": "eq.1"} | query)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("headers", "query", "status", "span"),
    [
        (COUNTED, {"limit": "25"}, 206, "0-24/505"),
        (COUNTED, {"limit": "25", "offset": "500"}, 206, "500-504/505"),
        (COUNTED, {"limit": "9999"}, 206, "0-499/505"),
        (COUNTED, {"offset": "505"}, 206, "*/505"),
        ({}, {"limit": "25"}, 200, "0-24/*"),
        ({}, {"offset": "900"}, 200, "*/*"),
        (COUNTED, {"a": "eq.2"}, 200, "*/0"),
    ],
)
def test_the_range_is_told_and_the_total_if_asked(
    headers: dict[str, str], query: dict[str, str], status: int, span: str
) -> None:
    found = get(headers, **query)
    assert (found.status, found.headers["Content-Range"]) == (status, span)


def test_rows_come_in_the_order_asked_for() -> None:
    up: list[dict[str, Any]] = body_of(get(order="id", limit="2"))
    down: list[dict[str, Any]] = body_of(get(order="id.desc", limit="2"))
    assert [row["id"] for row in up] == ["b0000", "b0001"]
    assert [row["id"] for row in down] == ["b0504", "b0503"]


def test_only_selected_columns_are_sent() -> None:
    assert body_of(get(select="year", order="id", limit="1")) == [{"year": "0"}]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"offset": "900"}, 416, "PGRST103"),
        ({"order": "nothing"}, 400, "42703"),
        ({"limit": "x"}, 400, "22023"),
    ],
)
def test_a_refusal_has_postgrests_shape(
    query: dict[str, str], status: int, code: str
) -> None:
    found = get(COUNTED, **query)
    assert (found.status, body_of(found)["code"]) == (status, code)


def test_there_is_nothing_at_another_path() -> None:
    assert ask(answer, TABLE, "donnees/y") is None


def test_the_table_of_versions_is_where_the_source_says() -> None:
    asked = {"kind": "postgrest", "path": "x", "order": "id", "version_path": "v/info"}
    (row,) = body_of(ask(answer, invented([{"id": "a"}], asked), "v/info"))
    assert row["publication_schema"].startswith("bdnb_")
    (other,) = body_of(ask(answer, invented([{"id": "b"}], asked), "v/info"))
    assert row["modifiee"] != other["modifiee"]
