"""Suites as files: what loads, and how each mistake is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.suites import Expectation, load_suite
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

SPECS = load_sources()
SPEC = SPECS["larochelle_agglomeration_communes"]
NOT_NULL: dict[str, Any] = {
    "type": "expect_column_values_to_not_be_null",
    "kwargs": {"column": "commune_name"},
    "meta": {"check": "name_present", "on_failure": "block"},
    "description": "Every commune has a name.",
    "severity": "critical",
}

Load = Callable[[object], object]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def write_and_load(data: object) -> object:
        path = tmp_path / f"{SPEC.id}.json"
        text = data if isinstance(data, str) else json.dumps(data)
        path.write_text(text, "utf-8")
        return load_suite(SPEC, tmp_path)

    return write_and_load


def suite(*expectations: dict[str, Any], name: str = SPEC.id) -> dict[str, Any]:
    return {"name": name, "expectations": list(expectations)}


def changed(**changes: Any) -> dict[str, Any]:
    """The expectation with some keys, or keys of its meta, replaced."""
    item = deepcopy(NOT_NULL)
    for key, value in changes.items():
        if key in {"check", "on_failure", "withheld_columns"}:
            item["meta"][key] = value
        else:
            item[key] = value
    return item


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_every_source_has_a_suite_that_loads(spec: SourceSpec) -> None:
    loaded = load_suite(spec)
    assert loaded.name == spec.id
    assert loaded.expectations


def test_a_good_suite_loads(load: Load) -> None:
    load(suite(NOT_NULL))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param("{", "not JSON", id="not JSON"),
        pytest.param(suite(NOT_NULL, name="other"), "is 'other'", id="name"),
        pytest.param(suite(), "expectations", id="empty"),
        pytest.param({**suite(NOT_NULL), "x": 1}, "x: unknown key", id="unknown key"),
        pytest.param(
            suite(NOT_NULL, NOT_NULL), "declared twice: name_present", id="twice"
        ),
        pytest.param(
            suite(changed(kwargs={"column": "nom"})),
            "name_present: unknown column 'nom'",
            id="unknown column",
        ),
        pytest.param(
            suite(
                changed(
                    on_failure="withhold",
                    withheld_columns=["nom"],
                    severity="warning",
                )
            ),
            "unknown column 'nom'",
            id="unknown withheld column",
        ),
        pytest.param(
            suite(
                changed(
                    type="expect_column_pair_values_to_be_equal",
                    kwargs={"column_A": "commune_code", "column_B": "list_position"},
                )
            ),
            "name_present: list_position may be blank: say ignore_row_if",
            id="comparison with a blank",
        ),
        pytest.param(
            suite(changed(on_failure="withhold", severity="warning")),
            "withheld_columns goes with on_failure: withhold",
            id="withhold nothing",
        ),
        pytest.param(
            suite(changed(withheld_columns=["commune_name"])),
            "withheld_columns goes with on_failure: withhold",
            id="withheld without withhold",
        ),
        pytest.param(
            suite(changed(severity="warning")),
            "on_failure block needs severity critical",
            id="block without critical",
        ),
        pytest.param(
            suite(changed(on_failure="report")),
            "severity critical blocks; report does not",
            id="critical that only reports",
        ),
        pytest.param(
            suite(
                changed(
                    type="expect_table_row_count_to_be_between",
                    kwargs={"min_value": 1},
                    on_failure="quarantine",
                )
            ),
            "has no failing rows to quarantine",
            id="quarantine of a table",
        ),
        pytest.param(suite(changed(check="Bad name")), "check", id="check name"),
        pytest.param(suite(changed(on_failure="ignore")), "on_failure", id="action"),
        pytest.param(suite(changed(type="must_be_good")), "type", id="type"),
    ],
)
def test_a_mistake_is_told_with_the_file(load: Load, data: object, words: str) -> None:
    with pytest.raises(SpecError) as told:
        load(data)
    assert f"{SPEC.id}.json" in str(told.value)
    assert words in str(told.value)


def test_a_source_without_a_suite_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="every source needs a suite"):
        load_suite(SPEC, tmp_path)


@pytest.mark.parametrize(
    ("kind", "kwargs", "columns"),
    [
        ("expect_column_values_to_be_unique", {"column": "a"}, ("a",)),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "a", "column_B": "b"},
            ("a", "b"),
        ),
        (
            "expect_compound_columns_to_be_unique",
            {"column_list": ["a", "b"]},
            ("a", "b"),
        ),
        ("expect_table_row_count_to_be_between", {"min_value": 1}, ()),
    ],
)
def test_an_expectation_knows_the_columns_it_looks_at(
    kind: str, kwargs: dict[str, Any], columns: tuple[str, ...]
) -> None:
    item = Expectation.model_validate(changed(type=kind, kwargs=kwargs))
    assert item.columns == columns


def test_great_expectations_is_not_told_what_is_ours() -> None:
    configuration = Expectation.model_validate(NOT_NULL).as_configuration()
    assert configuration["meta"] == {"check": "name_present"}
    assert "description" not in configuration
