"""What Great Expectations finds, as the platform tells it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.runner import MAX_EXAMPLES, Finding, run_suite
from lrtzc_pipelines.expectations.suites import Expectation, Suite

FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "count": [10, 20, None, 40],
        "name": ["a", "b", None, ""],
        "at": [datetime(2026, 6, day, tzinfo=UTC) for day in (1, 2, 3, 4)],
    }
)


def expectation(
    kind: str, on_failure: str = "report", check: str = "rule", **kwargs: Any
) -> Expectation:
    critical = on_failure in {"block", "quarantine"}
    return Expectation.model_validate(
        {
            "type": f"expect_{kind}",
            "kwargs": kwargs,
            "meta": {"check": check, "on_failure": on_failure},
            "description": "A rule of this test.",
            "severity": "critical" if critical else "warning",
        }
    )


def run(*expectations: Expectation, frame: pl.DataFrame = FRAME) -> list[Finding]:
    return run_suite(frame, Suite(name="town_counts", expectations=expectations))


def between(on_failure: str = "report", **kwargs: Any) -> Expectation:
    return expectation("column_values_to_be_between", on_failure, **kwargs)


def test_what_holds_is_clean() -> None:
    (found,) = run(between(column="count", min_value=0))
    assert found.clean
    assert (found.element_count, found.unexpected_count) == (4, 0)


def test_nulls_are_not_judged_by_a_range() -> None:
    (found,) = run(between(column="count", max_value=100))
    assert found.clean


def test_mostly_tolerates_and_still_counts() -> None:
    (found,) = run(between(column="count", max_value=30, mostly=0.5))
    assert found.within_tolerance
    assert found.unexpected_count == 1
    assert not found.clean


def test_more_than_mostly_allows_is_out_of_tolerance() -> None:
    (found,) = run(between(column="count", max_value=15, mostly=0.9))
    assert not found.within_tolerance


@pytest.mark.parametrize(
    ("limit", "rows"), [(30, (3,)), (15, (1, 3)), (100, ()), (5, (0, 1, 3))]
)
def test_every_failing_row_is_located_for_quarantine(
    limit: int, rows: tuple[int, ...]
) -> None:
    (found,) = run(between("quarantine", column="count", max_value=limit, mostly=0.0))
    assert found.failing_rows == rows


def test_failing_rows_of_a_pair_of_columns_are_located() -> None:
    rule = expectation(
        "column_pair_values_a_to_be_greater_than_b",
        "quarantine",
        column_A="count",
        column_B="id",
        mostly=0.1,
    )
    frame = FRAME.with_columns(count=pl.Series([0, 20, 30, 40]))
    (found,) = run(rule, frame=frame)
    assert found.failing_rows == (0,)


def test_rows_are_not_located_where_nothing_is_set_aside() -> None:
    reported, blocking = run(
        between(check="reported", column="count", max_value=15, mostly=0.1),
        between("block", check="blocking", column="count", max_value=15),
    )
    assert reported.failing_rows == blocking.failing_rows == ()


def test_rows_are_not_located_where_everything_blocks() -> None:
    (found,) = run(between("quarantine", column="count", max_value=15, mostly=0.99))
    assert found.failing_rows == ()


def test_many_failing_rows_are_all_located() -> None:
    frame = pl.DataFrame({"count": list(range(5_000))})
    rule = between("quarantine", column="count", max_value=2_999, mostly=0.5)
    (found,) = run(rule, frame=frame)
    assert found.failing_rows == tuple(range(3_000, 5_000))


def test_a_table_has_an_observed_value() -> None:
    (found,) = run(expectation("table_row_count_to_be_between", min_value=9))
    assert (found.within_tolerance, found.observed) == (False, 4)
    assert found.element_count is None


def test_examples_are_few() -> None:
    frame = pl.DataFrame({"count": list(range(50))})
    (found,) = run(between(column="count", max_value=-1), frame=frame)
    assert len(found.examples) == MAX_EXAMPLES


def test_findings_keep_the_order_of_the_suite() -> None:
    rules = [
        between("quarantine", check="b", column="count", max_value=30, mostly=0.1),
        expectation("column_values_to_not_be_null", check="a", column="name"),
        between(check="c", column="id", max_value=2),
    ]
    found = [item.expectation.meta.check for item in run(*rules)]
    assert found == ["b", "a", "c"]


def test_text_and_moments_are_judged_as_they_are() -> None:
    regex, moment = run(
        expectation(
            "column_values_to_match_regex", check="r", column="name", regex="^[ab]$"
        ),
        expectation("column_values_to_be_unique", check="m", column="at"),
    )
    assert (regex.unexpected_count, regex.examples) == (1, ("",))
    assert moment.clean


def test_an_empty_frame_can_be_judged() -> None:
    (found,) = run(between(column="count", max_value=1), frame=FRAME.clear())
    assert found.clean


def test_arguments_that_cannot_be_evaluated_name_suite_and_check() -> None:
    rule = expectation(
        "column_values_to_match_regex", check="shape", column="name", regex="("
    )
    with pytest.raises(SpecError, match="town_counts: shape: cannot be evaluated"):
        run(rule)


def test_one_frame_does_not_judge_the_next() -> None:
    rule = between("quarantine", column="count", max_value=30, mostly=0.1)
    assert run(rule)[0].failing_rows == (3,)
    assert run(rule, frame=FRAME.head(2))[0].failing_rows == ()


def test_loading_the_runner_does_not_import_great_expectations() -> None:
    code = (
        "import sys, lrtzc_pipelines.expectations.runner, lrtzc_pipelines.validating; "
        "print('great_expectations' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
