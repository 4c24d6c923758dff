"""data-fair in the sandbox: its cursor, its window, its own columns."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from protocol_tables import table

from lrtzc_pipelines.sandbox.protocols.data_fair import WINDOW, answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table

ID = "sinoe-(r)-dma"
BASE = f"data-fair/api/v1/datasets/{ID}"


def tables(count: int = 25) -> dict[str, Table]:
    rows = [
        {"annee": 2021 + n % 2, "dept": "17", "t": None if n == 0 else n}
        for n in range(count)
    ]
    form = {"kind": "json", "records": "results"}
    asked = {"kind": "data_fair", "dataset": ID}
    return {"waste": table(rows, asked, form)}


def ask(path: str = f"{BASE}/lines", count: int = 25, **query: str) -> Answer:
    given = answer(
        tables(count), Question("GET", path, query, base_url="http://127.0.0.1/a/")
    )
    assert given
    return given


def document(given: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(given.body)
    return found


def test_lines_carry_the_services_own_columns() -> None:
    first, second = document(ask())["results"][:2]
    assert first.keys() == {"_id", "annee", "dept", "_i", "_rand", "_score"}
    assert second["t"] == 1
    assert [line["_i"] for line in (first, second)] == [1, 2]


def test_selected_columns_come_alone_in_their_order() -> None:
    lines = document(ask(select="t,annee"))["results"]
    assert list(lines[1]) == ["t", "annee", "_score"]
    assert list(lines[0]) == ["annee", "_score"]


def test_the_cursor_leads_through_every_line_and_ends() -> None:
    seen: list[int] = []
    query = {"size": "10", "qs": "annee:2021"}
    for number in range(9):
        found = document(ask(**query))
        # The service counts for the first page only.
        assert found.get("total") == (None if number else 13)
        seen += [line["_i"] for line in found["results"]]
        if "next" not in found:
            break
        parts = urlsplit(found["next"])
        assert parts.path == "/a/data-fair/api/v1/datasets/sinoe-%28r%29-dma/lines"
        query = dict(parse_qsl(parts.query))
    assert seen == list(range(1, 26, 2))


def test_pages_can_be_counted_up_to_the_window_only() -> None:
    far = {"size": "5000", "count": str(WINDOW + 9)}
    rows = WINDOW + 9
    del far["count"]
    assert len(document(ask(count=rows, page="2", **far))["results"]) == 5000
    refused = ask(count=rows, page="3", **far)
    assert refused.status == 400
    assert b"size * page" in refused.body
    beyond = document(ask(count=rows, after=str(WINDOW), **far))
    assert len(beyond["results"]) == 9


@pytest.mark.parametrize(
    "query",
    [
        {"size": str(WINDOW + 1)},
        {"size": "many"},
        {"after": "-1"},
        {"qs": "nowhere:1"},
        {"qs": "annee:[2020 TO 2022]"},
        {"sort": "nowhere"},
    ],
)
def test_what_is_not_understood_is_refused_in_plain_words(
    query: dict[str, str],
) -> None:
    given = ask(**query)
    assert given.status == 400
    assert given.media_type.startswith("text/plain")


def test_lines_are_filtered_and_sorted() -> None:
    lines = document(ask(qs='annee:"2022" AND dept:17', sort="-t"))["results"]
    assert [line["t"] for line in lines][:3] == [23, 21, 19]


def test_filters_hold_together_and_unknown_columns_are_ignored() -> None:
    filters = {"annee_eq": "2022", "t_in": "3,4,5", "dept_starts": "1"}
    lines = document(ask(**filters, nowhere_eq="1", annee_near="1"))["results"]
    assert [line["t"] for line in lines] == [3, 5]
    assert document(ask(dept_starts="7"))["total"] == 0


def test_metadata_tell_when_the_data_were_updated() -> None:
    found = document(ask(BASE))
    assert found["count"] == 25
    assert found["dataUpdatedAt"].endswith("Z")


def test_what_there_is_not_is_not_found() -> None:
    assert ask("data-fair/api/v1/datasets/nowhere/lines").status == 404
    assert answer(tables(), Question("GET", f"{BASE}/full")) is None
    assert answer(tables(), Question("GET", "elsewhere")) is None
