"""data.gouv.fr in the sandbox: its catalogue, its redirects, its untidy producers."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from protocol_tables import table

from lrtzc_pipelines.sandbox.protocols.data_gouv import answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table

SCHEMA = "etalab/schema-irve-statique"
BASE = "http://127.0.0.1/dg/"
POINTS: list[dict[str, Any]] = [
    {
        "id_pdc_itinerance": f"FRTZC{n}",
        "nom_station": "Hôtel",
        "coordonneesXY": "[-1.15,46.16]",
        "gratuit": True,
        "date_maj": "2026-02-03",
    }
    for n in range(9)
]


def tables(**changes: Any) -> dict[str, Table]:
    asked = {"kind": "data_gouv", **(changes or {"schema_name": SCHEMA})}
    return {"points": table(POINTS, asked, {"kind": "irve"})}


def ask(
    path: str, found: dict[str, Table] | None = None, **query: str
) -> Answer | None:
    return answer(found or tables(), Question("GET", path, query, base_url=BASE))


def document(given: Answer | None) -> dict[str, Any]:
    assert given
    found: dict[str, Any] = json.loads(given.body)
    return found


def listed() -> list[dict[str, Any]]:
    datasets = document(ask("api/1/datasets/", schema=SCHEMA))["data"]
    return [dataset["resources"][0] for dataset in datasets]


def test_a_schema_has_several_producers_over_several_pages() -> None:
    first = document(ask("api/1/datasets/", schema=SCHEMA, page_size="2"))
    assert (first["total"], len(first["data"]), first["page"]) == (3, 2, 1)
    assert first["next_page"].startswith(f"{BASE}api/1/datasets/?schema=etalab")
    last = document(ask("api/1/datasets/", schema=SCHEMA, page_size="2", page="2"))
    assert (len(last["data"]), last["next_page"]) == (1, None)
    ids = [dataset["id"] for dataset in first["data"] + last["data"]]
    assert len(set(ids)) == 3


def test_another_schema_has_none() -> None:
    assert document(ask("api/1/datasets/", schema="etalab/other"))["total"] == 0


@pytest.mark.parametrize("query", [{"page": "0"}, {"page_size": "all"}])
def test_a_page_that_is_none_is_refused(query: dict[str, str]) -> None:
    given = ask("api/1/datasets/", **query)
    assert given
    assert given.status == 400


def test_a_stable_address_redirects_to_the_file_that_is_described() -> None:
    for resource in listed():
        path = f"fr/datasets/r/{resource['id']}"
        redirect = ask(path)
        assert redirect
        assert redirect.status == 302
        assert redirect.headers["Location"] == resource["url"]
        file = ask(resource["url"].removeprefix(BASE))
        assert file
        assert len(file.body) == resource["filesize"]
        digest = hashlib.sha1(file.body).hexdigest()
        assert resource["checksum"] == {"type": "sha1", "value": digest}
        assert resource["latest"] == f"{BASE}{path}"


def test_no_producer_writes_like_another() -> None:
    starts = []
    for resource in listed():
        file = ask(resource["url"].removeprefix(BASE))
        assert file
        starts.append(file.body[:20])
    assert starts == [
        b"id_pdc_itinerance,no",
        b"\xef\xbb\xbfid_pdc_itinerance",
        starts[2],
    ]
    assert starts[2].startswith(b"PK\x03\x04")


def test_a_resource_and_a_dataset_are_found_by_their_ids() -> None:
    by_resource = tables(resource="r-1")
    found = document(ask("api/2/datasets/resources/r-1/", by_resource))
    assert found["resource"]["id"] == "r-1"
    by_dataset = tables(dataset="lieux", title_pattern="^Lieux (2026)?$")
    dataset = document(ask("api/1/datasets/lieux/", by_dataset))
    assert dataset["id"] == "lieux"
    assert dataset["resources"][0]["title"] == "Lieux 2026"


def test_a_dataset_may_hold_its_rows_in_several_files() -> None:
    asked = {"kind": "data_gouv", "dataset": "lieux"}
    whole = table(POINTS, asked, {"kind": "csv"})
    found = {"points": replace(whole, files=2)}
    dataset = document(ask("api/1/datasets/lieux/", found))
    bodies = []
    for resource in dataset["resources"]:
        file = ask(resource["url"].removeprefix(BASE), found)
        assert file
        bodies.append(file.body.decode().splitlines())
    assert [len(lines) for lines in bodies] == [1 + 4, 1 + 5]
    assert bodies[0][0] == bodies[1][0]
    assert [line[:6] for line in bodies[1][1:]] == [f"FRTZC{n}" for n in range(4, 9)]


@pytest.mark.parametrize(
    "pattern",
    [
        "^QUOT_departement_17_periode_(19[5-9]|20).*_RR-T-Vent$",
        r"(?i)bnlc.*\.csv",
        r"^Fichier \d+ (?:du|de) \w",
        "Bornes?",
    ],
)
def test_a_title_is_one_that_its_source_looks_for(pattern: str) -> None:
    found = tables(dataset="lieux", title_pattern=pattern)
    dataset = document(ask("api/1/datasets/lieux/", found))
    assert re.search(pattern, dataset["resources"][0]["title"])


def test_what_there_is_not_is_not_found() -> None:
    for path in ("api/1/datasets/x/", "api/2/datasets/resources/x/"):
        given = ask(path)
        assert given
        assert given.status == 404
    for path in ("fr/datasets/r/x", "resources/x/y.csv", "elsewhere"):
        assert ask(path) is None
