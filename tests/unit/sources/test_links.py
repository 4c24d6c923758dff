"""What sources that are linked have to agree on, and tables that close a circle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.circles import close_circle
from lrtzc_pipelines.sources.links import link_problems
from lrtzc_pipelines.sources.registry import SOURCES_DIR, load_sources, read_yaml
from lrtzc_pipelines.sources.spec import SourceSpec

WASTE = read_yaml(SOURCES_DIR / "valorisation_company_waste.yaml")
SIDES = ["waste_code", "treatment_family_code", "activity_division_code"]


def source(source_id: str, linked: list[str], **changes: Any) -> dict[str, Any]:
    protection = WASTE["protection"] | {"linked": linked} | changes
    return WASTE | {"id": source_id, "protection": protection}


def problems(*sources: dict[str, Any]) -> list[str]:
    specs = {each["id"]: SourceSpec.model_validate(each) for each in sources}
    return [f"{source_id}: {text}" for source_id, text in link_problems(specs)]


@pytest.mark.parametrize(
    ("tables", "closes"),
    [
        (["ab"], False),
        (["ab", "bc"], False),
        (["ab", "bc", "cd"], False),
        (["ab", "cd"], False),
        (["ab", "ab"], False),
        (["ab", "bc", "ca"], True),
        (["ab", "bc", "cd", "da"], True),
        (["abc", "ab", "bc", "ca"], False),
        (["abc", "cd", "da"], True),
        (["abc", "abd", "be"], False),
    ],
)
def test_tables_close_a_circle_if_no_order_takes_them_in(
    tables: list[str],
    closes: bool,  # noqa: FBT001 - a case
) -> None:
    assert close_circle(map(frozenset, tables)) == closes


def test_linked_sources_that_agree_have_no_problem() -> None:
    assert problems(source("a_b", ["c_d"]), source("c_d", ["a_b"])) == []


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"min_units": 4}, "thresholds: not as in"),
        ({"dominance": 0.8}, "thresholds: not as in"),
        (
            {"measure": WASTE["protection"]["measure"] | {"name": "waste_tonnes"}},
            "measure: not as in",
        ),
        (
            {
                "takes": WASTE["protection"]["takes"]
                | {"waste_code": ["value", "first:2"]}
            },
            "takes: waste_code: not as in",
        ),
    ],
)
def test_linked_sources_that_differ_are_told(second: dict[str, Any], told: str) -> None:
    found = problems(source("a_b", ["c_d"]), source("c_d", ["a_b"], **second))
    assert len(found) == 2
    assert all(told in text for text in found)


def test_links_are_mutual_and_between_tables_of_cells() -> None:
    assert problems(source("a_b", ["x_y"])) == [
        "a_b: protection.linked: x_y is no other source with tables of cells"
    ]
    assert problems(source("a_b", ["a_b"])) != []
    (found,) = problems(source("a_b", ["c_d"]), source("c_d", []))
    assert found.startswith("a_b: protection.linked: c_d has to name a_b")


def test_tables_that_close_a_circle_are_refused() -> None:
    circle = [
        {"dimensions": SIDES[:2]},
        {"dimensions": SIDES[1:]},
        {"dimensions": [SIDES[0], SIDES[2]]},
    ]
    with pytest.raises(ValueError, match="close a circle"):
        SourceSpec.model_validate(source("a_b", [], tables=circle))
    apart = [
        source("a_b", ["c_d"], tables=circle[:2]),
        source("c_d", ["a_b"], tables=[circle[2], circle[1]]),
    ]
    found = problems(*apart)
    assert len(found) == 2
    assert all("close a circle together" in text for text in found)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tables": [{"dimensions": ["year"]}]}, "each has dimensions among"),
        ({"tables": [{"dimensions": SIDES[:2]}]}, "none has activity_division_code"),
        (
            {"tables": [{"dimensions": SIDES, "down_to": {"waste_code": "value"}}]},
            "value is not taken of it",
        ),
        (
            {"takes": WASTE["protection"]["takes"] | {"waste_code": ["value", "all"]}},
            "each once, and not all",
        ),
        (
            {"takes": WASTE["protection"]["takes"] | {"year": ["1mo", "1y"]}},
            "one thing is taken",
        ),
    ],
)
def test_tables_that_say_nothing_of_themselves_are_told(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        SourceSpec.model_validate(source("a_b", [], **changes))


def test_sources_with_a_faulty_link_do_not_load(tmp_path: Path) -> None:
    endpoints = (SOURCES_DIR / "endpoints.yaml").read_text("utf-8")
    (tmp_path / "endpoints.yaml").write_text(endpoints, "utf-8")
    text = yaml.safe_dump(source("a_b", ["x_y"]), allow_unicode=True)
    (tmp_path / "a_b.yaml").write_text(text, "utf-8")
    with pytest.raises(SpecError, match=r"a_b.yaml: protection.linked: x_y"):
        load_sources(tmp_path)


def test_a_dimension_that_adds_up_says_how_fine_each_cell_is() -> None:
    spec = SourceSpec.model_validate(WASTE)
    names = [column.name for column in spec.published_columns]
    assert names[:3] == ["year", "waste_code", "waste_code_grain"]
    assert "treatment_family_code_grain" not in names
