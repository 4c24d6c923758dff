"""The sandbox's Atmo API: a token for anyone, nothing without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from protocol_tables import document, table

from lrtzc_pipelines.sandbox.protocols.atmo import TOKEN, answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question

PATH = "api/v2/data/indices/atmo"
DATA = {"kind": "atmo", "path": PATH}
POINT = {"type": "Point", "coordinates": [-1.15, 46.16]}
ROWS = [{"code_zone": "17300", "code_qual": 2, "geometry": json.dumps(POINT)}]


def ask(form: dict[str, Any], **headers: str) -> Answer | None:
    tables = {"index": table(ROWS, DATA, form)}
    return answer(tables, Question("GET", PATH, headers=headers))


def login(body: bytes, method: str = "POST") -> Answer:
    found = answer({}, Question(method, "api/login", body=body))
    assert found is not None
    return found


def test_any_account_is_given_the_token() -> None:
    found = document(login(b'{"username": "", "password": ""}'))
    assert found == {"token": TOKEN}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"username": "a"}', b"{"])
def test_a_login_without_an_account_is_refused(body: bytes) -> None:
    assert login(body).status == 400


def test_a_login_is_posted() -> None:
    assert login(b"", "GET").status == 405


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer another"}])
def test_data_need_the_token(headers: dict[str, str]) -> None:
    refused = ask({"kind": "geojson"}, **headers)
    assert refused is not None
    assert (refused.status, document(refused)["code"]) == (401, 401)


def test_data_are_features_or_records_as_the_source_reads_them() -> None:
    shown = {"authorization": f"Bearer {TOKEN}"}
    as_geojson = document(ask({"kind": "geojson"}, **shown))
    (feature,) = as_geojson["features"]
    assert feature["geometry"] == POINT
    assert feature["properties"] == {"code_zone": "17300", "code_qual": 2}
    assert as_geojson["numberMatched"] == 1
    in_features = document(ask({"kind": "json", "records": "features"}, **shown))
    assert in_features["features"] == ROWS
    assert document(ask({"kind": "json"}, **shown)) == ROWS


def test_other_paths_are_not_served() -> None:
    assert answer({}, Question("GET", PATH)) is None
