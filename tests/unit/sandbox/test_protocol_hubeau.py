"""The sandbox's Hub'Eau: HTTP 206, cursors, refused parameters."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from protocol_tables import BASE_URL, document, get, table

from lrtzc_pipelines.sandbox.protocols.hubeau import MAX_SIZE, answer

PATH = "api/v2/hydrometrie/observations_tr"
LEVELS = {"kind": "hubeau", "path": PATH, "query": {"grandeur_hydro": "H"}}
FLOWS = {"kind": "hubeau", "path": PATH, "query": {"grandeur_hydro": "Q"}}
FORM = {"kind": "json", "records": "data"}
ROWS = [
    {"date_obs": f"2026-11-0{1 + n % 5}T00:00:00Z", "resultat_obs": n} for n in range(5)
]
TABLES = {
    "flows": table([{"date_obs": "2026-11-01", "resultat_obs": 99}], FLOWS, FORM),
    "levels": table(ROWS, LEVELS, FORM),
}


def ask(**changes: str) -> Any:
    found = answer(TABLES, get(PATH, **({"grandeur_hydro": "H"} | changes)))
    assert found is not None
    return found


def values(found: Any) -> list[int]:
    return [one["resultat_obs"] for one in document(found)["data"]]


def test_the_newest_come_first_unless_asked_otherwise() -> None:
    assert values(ask()) == [4, 3, 2, 1, 0]
    assert values(ask(sort="asc")) == [0, 1, 2, 3, 4]


def test_only_the_fields_asked_for_are_sent() -> None:
    found = document(ask(fields="resultat_obs,none"))["data"]
    assert found[0] == {"resultat_obs": 4}


def test_a_question_leads_to_the_table_that_asks_it() -> None:
    assert values(ask(grandeur_hydro="Q")) == [99]


def test_http_206_means_that_pages_follow() -> None:
    first = ask(sort="asc", size="3")
    link = document(first)["next"]
    assert link.startswith(f"{BASE_URL}{PATH}?")
    query = {name: found[0] for name, found in parse_qs(urlsplit(link).query).items()}
    last = ask(**query)
    assert (first.status, last.status) == (206, 200)
    assert values(first) + values(last) == [0, 1, 2, 3, 4]
    assert document(last)["next"] is None
    assert document(first)["count"] == document(last)["count"] == 5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": str(MAX_SIZE + 1)}, "ValidatePageSize"),
        ({"size": "0"}, "ValidatePageSize"),
        ({"size": "many"}, "ValidatePageSize"),
        ({"cursor": "x"}, "ValidateCursor"),
        ({"sort": "up"}, "ValidateSort"),
    ],
)
def test_a_wrong_parameter_is_named(changes: dict[str, str], code: str) -> None:
    refused = ask(**changes)
    assert refused.status == 400
    assert [one["code"] for one in document(refused)["field_errors"]] == [code]


def test_other_questions_are_not_served() -> None:
    assert answer(TABLES, get(PATH)) is None
    assert answer(TABLES, get("api/v1/temperature", grandeur_hydro="H")) is None
