"""Every source, from the bytes of its test case to its anonymized rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.casefile import (
    answers,
    load_expected,
    run_case,
    without_filler,
)
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

CASES = Path(__file__).parent / "cases"
SPECS = load_sources()


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_a_case_gives_the_rows_refusals_and_checks_it_says(
    spec: SourceSpec, tmp_path: Path
) -> None:
    expected = load_expected(CASES / spec.id)
    result = run_case(
        spec,
        load_suite(spec),
        CASES / spec.id,
        Layout(tmp_path),
        filler=expected.filler,
    )
    found = without_filler(result, expected.filler)
    assert found.checks == expected.checks
    assert found.quarantined == expected.quarantined
    assert found.rows == expected.rows


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_a_case_shows_a_row_that_goes_through(spec: SourceSpec) -> None:
    assert load_expected(CASES / spec.id).rows


def test_every_case_belongs_to_a_source_and_has_answers() -> None:
    folders = {path.name: answers(path) for path in CASES.iterdir()}
    assert set(folders) == set(SPECS)
    assert all(folders.values())
