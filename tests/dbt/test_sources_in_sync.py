"""What dbt may read, and that its generated files follow the specifications."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lrtzc_pipelines.sources.dbt_sources import (
    generated_files,
    render_sources,
    render_staging_yaml,
    staging_files,
    stale_files,
    stale_sources,
)
from lrtzc_pipelines.sources.spec import SourceSpec

FORBIDDEN = re.compile(
    r"\b(read_parquet|read_csv\w*|read_json\w*|read_text|read_blob|parquet_scan|glob"
    r"|attach|raw|validated|quarantine)\b|\.parquet",
    re.IGNORECASE,
)


def sources_in(text: str) -> list[dict[str, Any]]:
    loaded = yaml.safe_load(text)
    return [table for source in loaded["sources"] for table in source["tables"]]


@pytest.fixture
def staging(dbt_project: Path) -> Path:
    return dbt_project / "models" / "staging"


def test_the_source_list_follows_the_specifications(
    staging: Path, specs: dict[str, SourceSpec]
) -> None:
    assert not stale_sources(staging / "_sources.yml", specs)


def test_every_generated_staging_file_follows_the_specifications(
    staging: Path, specs: dict[str, SourceSpec]
) -> None:
    assert stale_files(staging, specs) == []


def test_staging_holds_nothing_but_generated_files(
    staging: Path, specs: dict[str, SourceSpec]
) -> None:
    present = {path for path in staging.rglob("*") if path.is_file()}
    assert present == set(generated_files(staging, specs))


def test_every_source_of_the_project_is_anonymized(
    dbt_project: Path, specs: dict[str, SourceSpec]
) -> None:
    files = [
        text
        for path in dbt_project.rglob("*.yml")
        if "sources:" in (text := path.read_text("utf-8"))
    ]
    assert len(files) == 1
    for table in sources_in(files[0]):
        meta = table["config"]["meta"]
        assert meta["dagster"]["asset_key"] == ["anonymized", table["name"]]
        folder = "/*" if specs[table["name"]].is_daily else ""
        assert meta["external_location"] == f"{table['name']}{folder}.parquet"


def test_a_dropped_column_is_not_a_source_column(
    staging: Path, specs: dict[str, SourceSpec]
) -> None:
    for table in sources_in((staging / "_sources.yml").read_text("utf-8")):
        names = [column["name"] for column in table["columns"]]
        assert names == [c.name for c in specs[table["name"]].published_columns]


def test_no_sql_reads_files_or_private_layers(dbt_project: Path) -> None:
    found = {
        path.name: hits
        for folder in ("models", "macros", "tests")
        for path in (dbt_project / folder).rglob("*.sql")
        if (hits := FORBIDDEN.findall(path.read_text("utf-8")))
    }
    assert found == {}


def test_the_order_of_the_specifications_does_not_matter(
    specs: dict[str, SourceSpec],
) -> None:
    backwards = dict(sorted(specs.items(), reverse=True))
    assert render_sources(backwards) == render_sources(specs)


def test_a_changed_specification_is_stale(
    staging: Path, specs: dict[str, SourceSpec]
) -> None:
    changed = specs["yelo_calendar_dates"].model_copy(update={"title": "Autre titre"})
    with_change = specs | {changed.id: changed}
    assert stale_sources(staging / "_sources.yml", with_change)
    assert [path.name for path in stale_files(staging, with_change)] == [
        "_sources.yml",
        "_yelo_calendar_dates__models.yml",
    ]


def test_a_missing_source_list_is_stale(
    tmp_path: Path, specs: dict[str, SourceSpec]
) -> None:
    assert stale_sources(tmp_path / "_sources.yml", specs)


@pytest.mark.parametrize(
    ("source_id", "key", "tests"),
    [
        ("yelo_bike_stations", "station_id", ["unique"]),
        ("yelo_calendar_dates", "service_id", None),
    ],
)
def test_a_released_staging_model_is_a_table_that_keeps_its_contract(
    specs: dict[str, SourceSpec], source_id: str, key: str, tests: list[str] | None
) -> None:
    text = render_staging_yaml(specs[source_id], released=True)
    (model,) = yaml.safe_load(text)["models"]
    assert model["config"]["materialized"] == "table"
    assert model["config"]["meta"] == {"release": True, "access_tier": "open"}
    assert model["config"]["contract"] == {"enforced": True}
    columns = {column["name"]: column for column in model["columns"]}
    assert columns[key].get("data_tests") == tests
    required = {c.name for c in specs[source_id].published_columns if c.required}
    with_constraint = {name for name, c in columns.items() if "constraints" in c}
    assert with_constraint == required


def test_a_released_composite_key_is_unique(specs: dict[str, SourceSpec]) -> None:
    text = render_staging_yaml(specs["yelo_calendar_dates"], released=True)
    (model,) = yaml.safe_load(text)["models"]
    assert model["data_tests"] == [
        {
            "unique_combination": {
                "arguments": {"columns": ["service_id", "service_date"]}
            }
        }
    ]


def test_a_released_source_stays_released_when_written_again(
    tmp_path: Path, specs: dict[str, SourceSpec]
) -> None:
    spec = specs["yelo_bike_stations"]
    for path, text in staging_files(spec, released=True).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert stale_files(tmp_path, {spec.id: spec}) == [tmp_path / "_sources.yml"]
