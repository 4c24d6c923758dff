"""The Linky gateway as the sandbox speaks it: texts, stamps at the end, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from invented import ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.linky import answer
from lrtzc_pipelines.sandbox.tables import Table

METER, OTHER = "00000000000017", "00000000000018"
STEPS = ("02-28 23:30:00", "03-01 00:00:00", "03-02 23:30:00", "03-03 00:00:00")


def table(measure: str = "consumption_load_curve") -> Table:
    stamps = STEPS if measure == "consumption_load_curve" else ("03-01", "03-03")
    return invented(
        [
            {"usage_point_id": meter, "value": 400, "date": f"2026-{stamp}"}
            for meter in (METER, OTHER)
            for stamp in stamps
        ],
        {
            "kind": "linky",
            "measure": measure,
            "start": "2026-03-01",
            "end": "2026-03-08",
        },
        records="meter_reading.interval_reading",
        parents={"usage_point_id": "meter_reading.usage_point_id"},
    )


def path(
    measure: str = "consumption_load_curve",
    meter: str = METER,
    start: str = "2026-03-01",
    end: str = "2026-03-03",
) -> str:
    return f"{measure}/{meter}/start/{start}/end/{end}"


def reading(measure: str = "consumption_load_curve", **changes: str) -> Any:
    found = body_of(ask(answer, table(measure), path(measure, **changes)))
    return found["meter_reading"]


def test_steps_belong_to_the_window_that_they_end_in() -> None:
    found = reading()
    assert found["interval_reading"] == [
        {"value": "400", "date": "2026-03-01 00:30:00"},
        {"value": "400", "date": "2026-03-03 00:00:00"},
    ]
    assert found["usage_point_id"] == METER
    assert found["reading_type"]["unit"] == "W"


def test_days_belong_to_the_window_that_they_begin_in() -> None:
    found = reading("daily_consumption")
    assert [r["date"] for r in found["interval_reading"]] == ["2026-03-01"]
    assert found["reading_type"]["unit"] == "Wh"


def test_the_header_repeats_the_days_asked_for_wherever_readings_stop() -> None:
    found = reading(end="2026-03-08")
    assert (found["start"], found["end"]) == ("2026-03-01", "2026-03-08")
    assert found["interval_reading"][-1]["date"] == "2026-03-03 00:30:00"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"meter": "00000000000099"}, 403),
        ({"end": "2026-03-09"}, 400),
        ({"end": "2026-03-01"}, 400),
        ({"start": "2026-13-01"}, 400),
    ],
)
def test_what_is_not_given_is_refused(changes: dict[str, str], status: int) -> None:
    found = ask(answer, table(), path(**changes))
    assert found is not None
    assert found.status == status


@pytest.mark.parametrize(
    "elsewhere", [path("daily_consumption"), path(meter="17"), "access"]
)
def test_there_is_nothing_elsewhere(elsewhere: str) -> None:
    assert ask(answer, table(), elsewhere) is None
