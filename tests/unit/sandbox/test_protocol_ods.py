"""Opendatasoft in the sandbox: metadata, exports, and the limits of records."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl
import pytest
from protocol_tables import table

from lrtzc_pipelines.sandbox.protocols.ods import WINDOW, answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table

ASKED = {"kind": "ods", "dataset": "energy"}
BASE = "api/explore/v2.1/catalog/datasets/energy"


def tables(count: int = 12) -> dict[str, Table]:
    rows = [{"code": f"17{n:03}", "mwh": n / 2, "live": n > 5} for n in range(count)]
    return {"energy": table(rows, ASKED, {"kind": "parquet"})}


def ask(path: str, count: int = 12, **query: str) -> Answer:
    given = answer(tables(count), Question("GET", path, query))
    assert given
    return given


def exported(**query: str) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(ask(f"{BASE}/exports/parquet", **query).body))


def document(given: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(given.body)
    return found


def test_metadata_tell_how_many_records_there_are_and_of_what() -> None:
    found = document(ask(BASE))
    assert found["metas"]["default"]["records_count"] == 12
    assert [(field["name"], field["type"]) for field in found["fields"]] == [
        ("code", "text"),
        ("mwh", "double"),
        ("live", "boolean"),
    ]


def test_exports_are_whole_and_equal() -> None:
    frame = tables()["energy"].frame
    assert exported().equals(frame)
    lines = ask(f"{BASE}/exports/jsonl").body.decode().splitlines()
    assert [json.loads(line) for line in lines] == frame.to_dicts()
    written = ask(f"{BASE}/exports/csv").body.decode().splitlines()
    assert written[:2] == ["code;mwh;live", "17000;0.0;false"]
    assert len(written) == 13


def test_the_same_question_has_the_same_bytes() -> None:
    path = f"{BASE}/exports/parquet"
    assert ask(path).body == ask(path).body


def test_an_export_can_be_filtered_ordered_and_narrowed() -> None:
    found = exported(
        where="live = 'true' and code IN ('17007', '17009', '17001')",
        order_by="mwh desc",
        select="code, mwh",
    )
    assert found.rows() == [("17009", 4.5), ("17007", 3.5)]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("code >= '17010'", 2),
        ("code > '17010'", 1),
        ("code <= date'17001' ", 2),
        ("code < '17001' and live = 'false'", 1),
        ("mwh = 0.5", 1),
    ],
)
def test_codes_and_dates_are_compared(where: str, count: int) -> None:
    assert exported(where=where).height == count


@pytest.mark.parametrize(
    "query",
    [
        {"where": "nowhere = 1"},
        {"where": "startswith(code, '17')"},
        {"select": "nowhere"},
        {"order_by": "nowhere"},
    ],
)
def test_what_is_not_understood_is_refused_as_the_real_one_does(
    query: dict[str, str],
) -> None:
    given = ask(f"{BASE}/exports/csv", **query)
    assert given.status == 400
    assert document(given)["error_code"] == "ODSQLError"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "101"}, 400),
        ({"limit": "100", "offset": str(WINDOW - 99)}, 400),
        ({"limit": "100", "offset": str(WINDOW - 100)}, 200),
        ({"limit": "all"}, 400),
        ({"offset": "-1"}, 400),
    ],
)
def test_records_end_at_the_window(query: dict[str, str], status: int) -> None:
    assert ask(f"{BASE}/records", **query).status == status


def test_records_are_few_unless_more_are_asked_for() -> None:
    found = document(ask(f"{BASE}/records"))
    assert (found["total_count"], len(found["results"])) == (12, 10)


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_a_large_export_with_an_offset_breaks_off_inside_http_200(kind: str) -> None:
    given = ask(f"{BASE}/exports/{kind}", WINDOW + 1, offset="1")
    assert given.status == 200
    assert b"Streaming interrupted" in given.body[-300:]
    small = ask(f"{BASE}/exports/{kind}", WINDOW, offset="1")
    assert b"Streaming interrupted" not in small.body


def test_what_there_is_not_is_not_found() -> None:
    given = ask("api/explore/v2.1/catalog/datasets/nowhere")
    assert given.status == 404
    assert answer(tables(), Question("GET", f"{BASE}/exports/shp")) is None
    assert answer(tables(), Question("GET", "elsewhere")) is None
