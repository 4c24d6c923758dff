"""The audit of releases that follow each other, by an engine of its own."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from test_republishing import (
    SPEC,
    Reading,
    frame,
    published,
    readings,
    rows_of_a_night,
    spec_of,
)

from lrtzc_pipelines.privacy.audit import audit
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.protecting import protect_source
from lrtzc_pipelines.sources.spec import SourceSpec

HOURS = spec_of(grains=[{"area": "value", "at": "1h"}])
LEFT_OVERS = spec_of(fall_back="cells")


def audited(
    written: pl.DataFrame, rows: list[Reading], ledger: Ledger, spec: SourceSpec
) -> dict[str, bool]:
    folder = ledger.folder.parent
    out, validated = folder / "out.parquet", folder / "validated.parquet"
    written.write_parquet(out)
    frame(rows).write_parquet(validated)
    return {f.check: f.passed for f in audit(spec, out, validated, ledger)}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger", "town_meters")


POOR = [
    *readings(range(4), [0]),
    *readings(range(2), [1]),
    *readings(range(4, 6), [2]),
]
FAULTS: dict[str, tuple[SourceSpec, list[Reading], list[Reading]]] = {
    "a late reading": (SPEC, readings(range(4)), readings(range(5))),
    "late readings of two": (SPEC, readings(range(4)), readings(range(6))),
    "somebody who left": (SPEC, readings(range(5)), readings(range(4))),
    "a corrected value": (
        SPEC,
        readings(range(4)),
        [*readings(range(1, 4)), *readings([0], energy=7.0)],
    ),
    "one who makes up the change": (
        SPEC,
        readings(range(4), energy=100.0),
        [
            *readings(range(4), energy=100.0),
            *readings(range(4, 7)),
            *(("m9", "centre", slot, 150.0) for slot in range(3)),
        ],
    ),
    "a day, then its hours": (
        SPEC,
        [*readings(range(4), [0, 1]), *readings([0, 1], [2])],
        readings(range(4)),
    ),
    "rows that moved, with one that came": (
        HOURS,
        readings(range(8), [0]) + readings(range(8, 16), [1]),
        readings(range(4), [0])
        + readings(range(4, 16), [1])
        + [("m99", "centre", 1, 2.0)],
    ),
    "left-overs that were told together": (
        LEFT_OVERS,
        POOR,
        [*POOR, ("m3", "centre", 1, 2.0)],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found(ledger: Ledger, fault: str) -> None:
    spec, first, second = FAULTS[fault]
    published(first, ledger, spec)
    careless = protect_source(spec, frame(second)).rows
    assert not audited(careless, second, ledger, spec)["republication"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_ledger_lets_go_passes(ledger: Ledger, fault: str) -> None:
    spec, first, second = FAULTS[fault]
    published(first, ledger, spec)
    done = published(second, ledger, spec)
    assert all(audited(done.rows, second, ledger, spec).values())


def test_nothing_differs_of_a_first_release(ledger: Ledger) -> None:
    rows = readings(range(4))
    careless = protect_source(SPEC, frame(rows)).rows
    assert all(audited(careless, rows, ledger, SPEC).values())


def test_what_stands_is_not_recounted_when_its_rows_are_gone(ledger: Ledger) -> None:
    done = published(readings(range(4)), ledger)
    assert all(audited(done.rows, [], ledger, SPEC).values())
    touched = done.rows.with_columns(pl.col("energy") + 1)
    assert not all(audited(touched, [], ledger, SPEC).values())


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(first=rows_of_a_night, second=rows_of_a_night)
def test_both_engines_judge_alike(
    first: list[Reading],
    second: list[Reading],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Written without care, it passes just where the ledger would hold nothing."""
    ledger = Ledger(tmp_path_factory.mktemp("town") / "ledger", "town_meters")
    published(first, ledger)
    careless = protect_source(SPEC, frame(second)).rows
    passed = audited(careless, second, ledger, SPEC)["republication"]
    done = published(second, ledger)
    held = done.report["republication"]["regions_held_back"]
    # A region that is gone altogether is told by nothing that is written.
    assert passed == (not held or careless.is_empty())
    assert all(audited(done.rows, second, ledger, SPEC).values())
