"""Agence Bio as the sandbox speaks it: 20 a page, whatever is asked."""

from __future__ import annotations

import pytest
from invented import ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.agence_bio import answer

TABLE = invented(
    [{"numeroBio": str(n), "adressesOperateurs.ville": "Aytré"} for n in range(45)],
    {"kind": "agence_bio", "department": "17"},
    records="items",
    first_of=("adressesOperateurs",),
)


@pytest.mark.parametrize(("page", "count"), [("1", 20), ("3", 5), ("4", 0)])
def test_a_page_has_twenty_whatever_size_is_asked(page: str, count: int) -> None:
    found = body_of(
        ask(answer, TABLE, "operateurs/", departement="17", page=page, pageSize="100")
    )
    assert len(found["items"]) == count
    assert found["pagination"] == {
        "page": int(page),
        "pageSize": 20,
        "totalCount": 45,
    }


def test_addresses_are_a_list() -> None:
    found = body_of(ask(answer, TABLE, "operateurs/", departement="17"))
    assert found["items"][0]["adressesOperateurs"] == [{"ville": "Aytré"}]


def test_another_department_has_none() -> None:
    found = body_of(ask(answer, TABLE, "operateurs/", departement="99"))
    assert (found["items"], found["pagination"]["totalCount"]) == ([], 0)


@pytest.mark.parametrize("page", ["0", "x", "-1"])
def test_a_page_that_is_none_is_refused(page: str) -> None:
    found = ask(answer, TABLE, "operateurs/", departement="17", page=page)
    assert found is not None
    assert found.status == 400


def test_there_is_nothing_at_another_path() -> None:
    assert ask(answer, TABLE, "produits/") is None
