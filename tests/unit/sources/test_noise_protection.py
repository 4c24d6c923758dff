"""What a specification may say of counts with noise."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from lrtzc_pipelines.privacy.code_tables import OTHER
from lrtzc_pipelines.sources.checkout import PROJECT
from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.sources.spec import SourceSpec, Tier

sys.path.append(str(Path(__file__).parents[1] / "privacy"))
from noisy_trips import COMMUNES, POLICY, noisy, text_of_spec

MONTHS = POLICY["takes"]
REGISTER = {
    "source": "town_people",
    "what": "personnes",
    "matches": [{"column": "month", "of": "month"}],
}


def policy(**changes: Any) -> NoiseProtection:
    return NoiseProtection.model_validate(POLICY | changes)


def test_a_specification_says_what_goes_on() -> None:
    spec = noisy()
    names = [column.name for column in spec.published_columns]
    assert names == [*MONTHS, "subject_count", "noise_scale"]
    kinds = {column.name: column.type for column in spec.published_columns}
    assert kinds["month"] is ColumnType.DATETIME
    assert kinds["subject_count"] is ColumnType.INTEGER
    assert kinds["noise_scale"] is ColumnType.NUMBER
    assert all(column.required for column in spec.published_columns)
    assert spec.released_tier is Tier.OPEN


def test_every_value_of_a_side_is_known_in_advance() -> None:
    told = policy()
    assert told.values_of("destination_commune_code") == (*COMMUNES, OTHER)
    assert len(told.values_of("origin_commune_code")) == 29
    assert told.values_of("day_type") == ("working_day", "weekend")
    assert told.code_tables == ["iris"]


def test_categories_that_are_numbers_are_texts() -> None:
    told = policy(categories=POLICY["categories"] | {"origin_commune_code": [1, 2]})
    assert told.values_of("origin_commune_code") == ("1", "2", OTHER)


def test_a_budget_pays_for_every_period_of_a_year() -> None:
    with pytest.raises(
        ValidationError,
        match=r"12 periods of a year × epsilon 0.5 = 6, more than 5",
    ):
        policy(budget={"epsilon": 5})
    assert policy(epsilon=0.1, budget={"epsilon": 1.2}).budget.per == "1y"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"epsilon": 0}, "greater than or equal to 0.01"),
        ({"epsilon": 3.5}, "less than or equal to 3"),
        ({"max_cells": 0}, "greater than or equal to 1"),
        ({"max_cells": 500}, "a period has 232 cells"),
        ({"since": date(2026, 1, 2)}, "begins no period of 1mo"),
        ({"period": "day_type"}, "the one dimension that is a period"),
        ({"takes": MONTHS | {"month": "1h"}}, "no period of whole days"),
        ({"takes": MONTHS | {"day_type": "1d"}}, "the one dimension that is a period"),
        ({"takes": {"month": "1mo"}}, "takes something of"),
        ({"takes": MONTHS | {"day_type": "moon"}}, "nothing that can be taken"),
        ({"categories": {}}, "say which values origin_commune_code has"),
        ({"categories": POLICY["categories"] | {"month": ["1"]}}, "or the period"),
        (
            {
                "categories": POLICY["categories"]
                | {"destination_commune_code": [str(n) for n in range(2000)]}
            },
            "116058 cells of a period, more than 100000",
        ),
        ({"budget": {"epsilon": 6, "per": "1mo"}}, "1y"),
        ({"noise": "none"}, "Extra inputs"),
        ({"linked_registers": [REGISTER]}, "every cell is public"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        policy(**changes)


def test_a_period_may_be_the_only_dimension() -> None:
    told = policy(
        dimensions=POLICY["dimensions"][:1],
        takes={"month": "1mo"},
        categories={},
        max_cells=1,
    )
    assert told.counted_sides == ()


def with_column(name: str, **changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(text_of_spec())
    for column in told["columns"]:
        if column["name"] == name:
            column.update(changes)
    return told


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        ("origin_commune_code", {"type": "number"}, "texts and integers"),
        ("user_id", {"privacy": "drop"}, "privacy: subject, as protection uses it"),
        ("trip_id", {"privacy": "keep"}, "is in no cell, so privacy: drop"),
        ("departed_at", {"type": "text", "required": True}, "is no day or moment"),
    ],
)
def test_columns_must_suit(name: str, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        SourceSpec.model_validate(with_column(name, **changes))


def test_what_has_no_others_is_taken_of_a_value_that_is_there() -> None:
    told = with_column("departed_at", required=False)
    told["primary_key"] = ["depositor_id", "trip_id"]
    with pytest.raises(ValidationError, match=r"day_type is taken .*required: true"):
        SourceSpec.model_validate(told)


def test_a_budget_is_of_a_whole_source() -> None:
    told: dict[str, Any] = yaml.safe_load(text_of_spec())
    told |= {"partitioning": "daily", "first_day": date(2026, 1, 1)}
    with pytest.raises(ValidationError, match="not of one day of it"):
        SourceSpec.model_validate(told)


def test_the_example_of_the_documentation_loads() -> None:
    text = (PROJECT / "docs" / "privacy.md").read_text("utf-8")
    example = text.partition("```yaml\nprotection:")[2].partition("```")[0]
    told = NoiseProtection.model_validate(yaml.safe_load(f"p:{example}")["p"])
    assert told.max_cells / told.epsilon == pytest.approx(20)
