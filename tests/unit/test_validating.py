"""From a snapshot to validated Parquet: what goes on, what is refused, what blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrtzc_pipelines.checks import built_in_checks
from lrtzc_pipelines.errors import ParseError, ValidationBlocked
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.quarantine import read_quarantine
from lrtzc_pipelines.raw_store import RawStore, Snapshot, StoredPage, Writer
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, STATE, ValidatedState, read_state
from lrtzc_pipelines.validating import (
    Validated,
    validate,
    validation_fingerprint,
)

HEADER = "id;count;phone"
GOOD = ["1;10;05 46", "2;20;05 47", "3;30;05 48"]


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    shape = {"name": name, "source": name, "type": kind, "description": "A column."}
    return {**shape, "privacy": "keep", **more}


SPEC = SourceSpec.model_validate(
    {
        "id": "town_counts",
        "title": "Counts of the town",
        "description": "Rows made for these tests, of no town.",
        "producer": "Town",
        "homepage": "https://town.example/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 10,
        "theme": "territory",
        "owner": "team:donnees",
        "endpoint": "town",
        "connector": {"kind": "http_file", "path": "counts.csv"},
        "format": {"kind": "csv"},
        "cadence": "daily",
        "primary_key": ["id"],
        "freshness_days": 2,
        "raw_retention_days": 30,
        "columns": [
            column("id", "integer", required=True),
            column("count", "integer"),
            column("phone", "text", privacy="drop"),
        ],
    }
)


def expectation(
    check: str,
    kind: str,
    on_failure: str,
    withheld: tuple[str, ...] = (),
    **kwargs: Any,
) -> dict[str, Any]:
    blocks = on_failure in {"block", "quarantine"}
    return {
        "type": f"expect_{kind}",
        "kwargs": kwargs,
        "meta": {
            "check": check,
            "on_failure": on_failure,
            "withheld_columns": withheld,
        },
        "description": f"What {check} says.",
        "severity": "critical" if blocks else "warning",
    }


def suite(*expectations: dict[str, Any]) -> Suite:
    anything = expectation("any", "table_row_count_to_be_between", "report")
    return Suite.model_validate(
        {"name": SPEC.id, "expectations": list(expectations) or [anything]}
    )


def at_most(limit: int, on_failure: str, mostly: float = 1.0) -> dict[str, Any]:
    return expectation(
        "count_plausible",
        "column_values_to_be_between",
        on_failure,
        column="count",
        max_value=limit,
        mostly=mostly,
    )


@dataclass
class Line:
    """The validation of one source, in a folder of its own."""

    layout: Layout
    spec: SourceSpec = SPEC
    runs: list[str] = field(default_factory=list)

    def snapshot(self, *bodies: str) -> Snapshot:
        store = RawStore(self.layout.raw(self.spec.id))
        pages = []
        with Writer(store) as writer:
            for number, text in enumerate(bodies):
                body = text.encode()
                digest = sha256(body).hexdigest()
                writer.add(body, "csv")
                pages.append(
                    StoredPage(f"page-{number}", "csv", digest, digest, len(body))
                )
            writer.seal([], None)
        return Snapshot(
            id="20260617T055439Z-0a1b2c3d",
            source_id=self.spec.id,
            run_id="collecting",
            collected_at="2026-06-17T05:54:39+00:00",
            origin="sandbox",
            licence=self.spec.licence,
            content_sha256=sha256("".join(bodies).encode()).hexdigest(),
            announced_total=None,
            pages=tuple(pages),
        )

    def validate(
        self, rows: list[str], rules: Suite | None = None, header: str = HEADER
    ) -> Validated:
        body = "\n".join([header, *rows]) + "\n"
        self.runs.append(f"run-{len(self.runs) + 1}")
        return validate(
            self.spec,
            rules or suite(),
            self.snapshot(body),
            self.layout,
            run_id=self.runs[-1],
        )

    @property
    def path(self) -> Path:
        return self.layout.validated(self.spec.id) / DATA

    def rows(self) -> list[dict[str, Any]]:
        return pl.read_parquet(self.path).to_dicts()

    def refused(self) -> list[dict[str, Any]]:
        frame = read_quarantine(self.spec, self.layout)
        return [] if frame is None else frame.to_dicts()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(Layout(tmp_path))


def check(result: Validated, name: str) -> Any:
    return next(item for item in result.checks if item.name == name)


def test_good_rows_are_written_typed_and_by_key(line: Line) -> None:
    result = line.validate(GOOD[::-1])
    assert all(item.passed for item in result.checks)
    assert line.rows()[0] == {"id": 1, "count": 10, "phone": "05 46"}
    assert [row["id"] for row in line.rows()] == [1, 2, 3]


def test_the_state_says_what_was_validated(line: Line) -> None:
    snapshot = line.snapshot("\n".join([HEADER, *GOOD]) + "\n")
    result = line.validate(GOOD)
    state = read_state(ValidatedState, line.layout.validated(SPEC.id))
    assert state == result.state == result.require(SPEC)
    assert state
    assert state.content_sha256 == sha256(line.path.read_bytes()).hexdigest()
    assert (state.row_count, state.quarantined_count, state.run_id) == (3, 0, "run-1")
    assert state.fingerprint == validation_fingerprint(SPEC, suite(), snapshot)
    assert state.continuity["received"] == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.permutations([f"{n};{n * 10};" for n in range(1, 7)]))
def test_the_order_of_rows_does_not_change_the_file(
    line: Line, rows: list[str]
) -> None:
    first = line.validate(sorted(rows)).require(SPEC)
    assert line.validate(rows).require(SPEC).content_sha256 == first.content_sha256


def test_an_unreadable_row_is_set_aside_and_the_others_go_on(line: Line) -> None:
    result = line.validate([*GOOD, "4;many;05 49"])
    assert [row["id"] for row in line.rows()] == [1, 2, 3]
    assert result.quarantined_count == 1
    readable = check(result, "readable")
    assert (readable.passed, readable.blocking) == (False, False)
    assert readable.details["by_rule"] == [
        {"rule": "type", "column": "count", "len": 1}
    ]


def test_quarantine_leads_back_to_the_raw_page(line: Line) -> None:
    line.validate([*GOOD, "4;many;05 49"])
    (row,) = line.refused()
    body = "\n".join([HEADER, *GOOD, "4;many;05 49"]) + "\n"
    assert row["raw_sha256"] == sha256(body.encode()).hexdigest()
    assert (row["page_name"], row["row_in_page"]) == ("page-0", 4)
    assert (row["rule"], row["column"], row["run_id"]) == ("type", "count", "run-1")
    assert row["reason"] == "count: not readable as integer"
    assert row["record"] == '{"id":"4","count":"many","phone":"05 49"}'
    assert row["quarantined_at"] <= datetime.now(UTC)


def test_a_row_that_fails_an_expectation_is_set_aside(line: Line) -> None:
    rules = suite(at_most(25, "quarantine", mostly=0.5))
    result = line.validate(GOOD, rules)
    assert [row["id"] for row in line.rows()] == [1, 2]
    found = check(result, "count_plausible")
    assert (found.passed, found.blocking, found.action) == (False, False, "quarantine")
    (row,) = line.refused()
    assert (row["rule"], row["column"]) == ("count_plausible", "count")
    assert row["record"] == '{"id":3,"count":30,"phone":"05 48"}'


def test_a_row_that_fails_twice_is_set_aside_once(line: Line) -> None:
    rules = suite(
        at_most(25, "quarantine", mostly=0.5),
        expectation(
            "id_small",
            "column_values_to_be_between",
            "quarantine",
            column="id",
            max_value=2,
            mostly=0.5,
        ),
    )
    result = line.validate(GOOD, rules)
    assert result.quarantined_count == 1
    assert [row["id"] for row in line.rows()] == [1, 2]
    assert [row["rule"] for row in line.refused()] == ["count_plausible"]


def test_more_failures_than_tolerated_block(line: Line) -> None:
    result = line.validate(GOOD, suite(at_most(15, "quarantine", mostly=0.9)))
    found = check(result, "count_plausible")
    assert (found.passed, found.blocking, found.action) == (False, True, "block")
    with pytest.raises(ValidationBlocked, match="blocked by count_plausible"):
        result.require(SPEC)


def test_a_blocked_validation_leaves_the_previous_data_byte_for_byte(
    line: Line,
) -> None:
    line.validate(GOOD)
    state = line.layout.validated(SPEC.id) / STATE
    before = (line.path.read_bytes(), state.read_bytes())
    result = line.validate(["7;99;"], suite(at_most(50, "block")))
    assert result.state is None
    assert (line.path.read_bytes(), state.read_bytes()) == before


def test_the_first_validation_that_blocks_leaves_nothing(line: Line) -> None:
    line.validate(["7;99;"], suite(at_most(50, "block")))
    assert not line.path.exists()


def test_a_withheld_column_is_emptied_and_its_rows_go_on(line: Line) -> None:
    rule = expectation(
        "counts_add_up",
        "column_values_to_be_between",
        "withhold",
        withheld=("count",),
        column="count",
        max_value=5,
    )
    result = line.validate(GOOD, suite(rule))
    assert [(row["id"], row["count"]) for row in line.rows()] == [
        (1, None),
        (2, None),
        (3, None),
    ]
    assert check(result, "counts_add_up").action == "withhold"
    assert pl.read_parquet_schema(line.path)["count"] == pl.Int64()


def test_a_withheld_column_that_passes_is_kept(line: Line) -> None:
    rule = expectation(
        "counts_add_up",
        "column_values_to_be_between",
        "withhold",
        withheld=("count",),
        column="count",
        max_value=500,
    )
    line.validate(GOOD, suite(rule))
    assert [row["count"] for row in line.rows()] == [10, 20, 30]


def test_what_is_only_reported_changes_nothing(line: Line) -> None:
    result = line.validate(GOOD, suite(at_most(5, "report")))
    found = check(result, "count_plausible")
    assert (found.passed, found.blocking) == (False, False)
    assert len(line.rows()) == 3
    assert line.refused() == []


def test_an_empty_table_is_no_update(line: Line) -> None:
    line.validate(GOOD)
    before = line.path.read_bytes()
    result = line.validate([])
    assert check(result, "not_empty").blocking
    assert result.state is None
    assert line.path.read_bytes() == before


@pytest.mark.parametrize(
    ("good", "bad", "blocks"),
    [
        pytest.param(1, 9, False, id="a handful is never too many"),
        pytest.param(300, 15, False, id="under five percent"),
        pytest.param(100, 10, True, id="over five percent"),
    ],
)
def test_too_many_unreadable_rows_block(
    line: Line, good: int, bad: int, *, blocks: bool
) -> None:
    rows = [f"{n};1;" for n in range(good)] + [f"{1000 + n};?;" for n in range(bad)]
    result = line.validate(rows)
    assert check(result, "readable").blocking is blocks
    assert (result.state is None) is blocks
    assert len(line.refused()) == bad


def test_a_source_of_which_nothing_can_be_read_blocks(line: Line) -> None:
    result = line.validate(["1;?;", "2;?;"])
    assert check(result, "readable").blocking
    assert result.quarantined_count == 2


def test_a_missing_column_blocks_and_is_named(line: Line) -> None:
    result = line.validate(["1;10;x"], header="id;count;telephone")
    (found,) = result.checks
    assert (found.name, found.blocking) == ("schema", True)
    assert found.details == {
        "drift": "town_counts: missing column: phone (not declared: telephone)",
        "missing_columns": ["phone"],
        "unknown_columns": ["telephone"],
    }


def test_a_new_column_is_named_and_does_not_block(line: Line) -> None:
    result = line.validate(["1;10;;x"], header=f"{HEADER};extra")
    found = check(result, "schema")
    assert (found.passed, found.blocking) == (False, False)
    assert found.details == {"unknown_columns": ["extra"]}
    assert result.state


def test_bytes_of_another_format_are_an_error(line: Line) -> None:
    with pytest.raises(ParseError, match="town_counts"):
        line.validate(["1;10;x;too;many"])


def test_a_contradiction_is_set_aside(line: Line) -> None:
    line.validate([*GOOD, "1;11;05 46"])
    assert line.rows()[0]["count"] == 10
    (row,) = line.refused()
    assert (row["rule"], row["column"]) == ("primary_key", "id")


def test_examples_of_a_personal_column_are_hidden(line: Line) -> None:
    rule = expectation(
        "phone_shape",
        "column_values_to_match_regex",
        "report",
        column="phone",
        regex="^$",
    )
    found = check(line.validate(GOOD, suite(rule)), "phone_shape")
    assert "examples" not in found.details
    assert found.details["examples_hidden"] == "personal: phone"
    assert "05 4" not in str(found)


def test_examples_of_an_open_column_beside_personal_ones_are_hidden(line: Line) -> None:
    # Where columns moved, what fails in one is another's, and may be a person's.
    result = line.validate(["1;546000000;x"], suite(at_most(25, "report")))
    found = check(result, "count_plausible")
    assert "examples" not in found.details
    assert (found.details["rows"], found.details["unexpected"]) == (1, 1)


def test_examples_of_an_open_source_are_shown(tmp_path: Path) -> None:
    columns = [c.model_copy(update={"privacy": "keep"}) for c in SPEC.columns]
    line = Line(Layout(tmp_path), SPEC.model_copy(update={"columns": tuple(columns)}))
    found = check(line.validate(GOOD, suite(at_most(25, "report"))), "count_plausible")
    assert found.details["examples"] == [30]
    assert (found.details["rows"], found.details["unexpected"]) == (3, 1)


def test_every_built_in_check_is_told(line: Line) -> None:
    names = [item.name for item in line.validate(GOOD).checks]
    assert names[: len(built_in_checks(SPEC))] == list(built_in_checks(SPEC))


def test_the_fingerprint_follows_content_specification_and_suite(line: Line) -> None:
    snapshot = line.snapshot(HEADER)
    base = validation_fingerprint(SPEC, suite(), snapshot)
    other = SPEC.model_copy(update={"freshness_days": 9})
    rules = suite(at_most(5, "report"))
    prints = {
        base,
        validation_fingerprint(SPEC, suite(), line.snapshot("other")),
        validation_fingerprint(other, suite(), snapshot),
        validation_fingerprint(SPEC, rules, snapshot),
    }
    assert len(prints) == 4
    assert base == validation_fingerprint(SPEC, suite(), snapshot)
