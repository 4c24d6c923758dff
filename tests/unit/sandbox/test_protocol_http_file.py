"""Files of the sandbox: one behind its address, or the parts of one table."""

from __future__ import annotations

from typing import Any

import pytest
from protocol_tables import get, table

from lrtzc_pipelines.sandbox.protocols.http_file import answer
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Table

ROWS = [{"id": "1"}, {"id": "2"}, {"id": "3"}]
FORM = {"kind": "csv"}


def tables(**changes: Any) -> dict[str, Table]:
    asked = {"kind": "http_file", "path": "things.csv"} | changes
    return {"things": table(ROWS, asked, FORM)}


def lines(found: Answer | None) -> list[str]:
    assert found is not None
    return found.body.decode().split()


def test_a_file_has_every_row() -> None:
    found = answer(tables(), get("things.csv"))
    assert lines(found) == ["id", "1", "2", "3"]


def test_a_file_is_not_found_without_its_parameters() -> None:
    asked = tables(query={"zone": "17"})
    assert answer(asked, get("things.csv")) is None
    assert lines(answer(asked, get("things.csv", zone="17")))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("things-2023.csv", ["id", "1"]), ("/things-2024.csv", ["id", "2", "3"])],
)
def test_parts_share_the_rows(path: str, expected: list[str]) -> None:
    yearly = tables(path="things-{part}.csv", parts=["2023", "2024"])
    assert lines(answer(yearly, get(path))) == expected


def test_a_part_that_is_not_asked_for_is_not_there() -> None:
    yearly = tables(path="things-{part}.csv", parts=["2023", "2024"])
    assert answer(yearly, get("things-{part}.csv")) is None
