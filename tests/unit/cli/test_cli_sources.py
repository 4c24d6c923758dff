"""`lrtzc sources list`, `check` and `case`: every mistake named with its file."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.checkout import Checkout
from lrtzc_pipelines.sources.dbt_sources import is_released

sys.path.append(str(Path(__file__).parents[1] / "privacy"))
import noisy_trips

BIKES = "yelo_bike_stations"
BUSES = "yelo_calendar_dates"


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


def test_every_source_is_listed(lrtzc) -> None:
    rows = lrtzc("sources", "list", "--json").rows
    assert BIKES in {row["source"] for row in rows}
    told = {"producer", "licence", "tier", "axis", "cadence", "freshness", "state"}
    assert told <= set(rows[0])
    assert {row["state"] for row in rows} == {"never"}
    assert BIKES in lrtzc("sources", "list").out


def test_the_mission_is_covered(lrtzc) -> None:
    rows = lrtzc("sources", "list", "--json").rows
    per_axis = Counter(row["axis"] for row in rows)
    assert len(rows) >= 34
    assert set(per_axis) == set(range(1, 11))
    assert min(per_axis.values()) >= 2


def test_listing_writes_nothing(lrtzc, layout: Layout) -> None:
    lrtzc("sources", "list")
    assert not layout.data_dir.exists()


def test_the_catalogue_of_the_project_is_right(lrtzc) -> None:
    said = lrtzc("sources", "check", "--json")
    assert [row for row in said.rows if row["state"] == "fail"] == []
    assert said.code == 0


def test_only_the_chosen_sources_are_told(lrtzc) -> None:
    rows = lrtzc("sources", "check", BIKES, "--json").rows
    assert {row["source"] for row in rows} == {BIKES}


def test_staged_sources_enter_the_release_and_leave_it(
    lrtzc, checkout: Checkout
) -> None:
    properties = checkout.staging / BIKES / f"_{BIKES}__models.yml"
    shutil.rmtree(properties.parent, ignore_errors=True)
    assert lrtzc("sources", "stage", BIKES).code == 0
    assert is_released(checkout.staging, BIKES)
    assert lrtzc("sources", "stage", BIKES, "--no-released").code == 0
    assert not is_released(checkout.staging, BIKES)


def test_what_is_not_open_is_not_released(lrtzc, checkout: Checkout) -> None:
    said = lrtzc("sources", "stage", "terreze_sensor_measures")
    assert said.code == 2
    assert "its tier is restricted" in said.err
    assert not (checkout.staging / "terreze_sensor_measures").exists()


Break = Callable[[Checkout], object]
MISTAKES: dict[str, tuple[Break, str, str]] = {
    "unknown field": (
        lambda c: edit(c.spec(BIKES), "axis: 5", "axis: 5\naxes: 5"),
        f"{BIKES}.yaml",
        "axes: unknown key",
    ),
    "value out of range": (
        lambda c: edit(c.spec(BIKES), "axis: 5", "axis: 12"),
        f"{BIKES}.yaml",
        "axis: ",
    ),
    "unknown endpoint": (
        lambda c: edit(c.spec(BIKES), "endpoint: yelo_gbfs", "endpoint: elsewhere"),
        f"{BIKES}.yaml",
        "endpoint: 'elsewhere' is not declared",
    ),
    "format of another protocol": (
        lambda c: edit(c.spec(BUSES), "kind: ckan_records", "kind: geojson"),
        f"{BUSES}.yaml",
        "format geojson does not come from connector ckan",
    ),
    "unknown timezone": (
        lambda c: edit(c.spec(BUSES), "Europe/Paris", "Europe/Pari"),
        f"{BUSES}.yaml",
        "columns[source_updated_at].timezone: unknown time zone 'Europe/Pari'",
    ),
    "no suite": (
        lambda c: c.suite(BIKES).unlink(),
        f"{BIKES}.json",
        "every source needs a suite",
    ),
    "suite about an unknown column": (
        lambda c: edit(c.suite(BIKES), '"latitude"', '"latitud"'),
        f"{BIKES}.json",
        "unknown column 'latitud'",
    ),
    "no golden result": (
        lambda c: (c.case(BIKES) / "expected.json").unlink(),
        f"{BIKES}/expected.json",
        "absent",
    ),
    "no answer": (
        lambda c: (c.case("geo_commune_contours") / "response.geojson").unlink(),
        "geo_commune_contours/",
        "no response file",
    ),
    "stale model": (
        lambda c: edit(c.staging / BIKES / f"stg_{BIKES}.sql", "src.capacity,", ""),
        f"stg_{BIKES}.sql",
        "lrtzc sources check --write",
    ),
    "broken model file": (
        lambda c: edit(
            c.staging / BIKES / f"_{BIKES}__models.yml", "models:", "<<<<<<< HEAD"
        ),
        f"_{BIKES}__models.yml",
        "not readable as YAML",
    ),
    "restricted, but released": (
        lambda c: (
            edit(c.spec(BIKES), "tier: open", "tier: restricted"),
            edit(
                c.staging / BIKES / f"_{BIKES}__models.yml",
                "    columns:",
                "    config: {meta: {release: true}}\n    columns:",
            ),
        ),
        f"stg_{BIKES}",
        "its tier is restricted",
    ),
    "suite without a source": (
        lambda c: shutil.copy(c.suite(BIKES), c.suite("nobody_nothing")),
        "nobody_nothing.json",
        "belongs to no source",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_file(
    lrtzc, checkout: Checkout, mistake: str
) -> None:
    make, file, told = MISTAKES[mistake]
    make(checkout)
    said = lrtzc("sources", "check", "--json")
    assert said.code == 2
    failed = [row for row in said.rows if row["state"] == "fail"]
    assert (file, True) in [(row["file"], told in row["detail"]) for row in failed]


def test_a_table_without_a_kept_column_is_a_mistake(lrtzc, checkout: Checkout) -> None:
    path = checkout.spec(BUSES)
    path.write_text(path.read_text("utf-8").replace("privacy: keep", "privacy: drop"))
    rows = lrtzc("sources", "check", BUSES, "--json").rows
    assert "columns: all are dropped" in "\n".join(row["detail"] for row in rows)


def test_every_mistake_is_told_at_once(lrtzc, checkout: Checkout) -> None:
    edit(checkout.spec(BIKES), "axis: 5", "axis: 12")
    edit(checkout.spec(BUSES), "tier: open", "tier: secret")
    rows = lrtzc("sources", "check", "--json").rows
    assert {row["source"] for row in rows if row["state"] == "fail"} == {BIKES, BUSES}


def test_generated_files_are_written_again(lrtzc, checkout: Checkout) -> None:
    edit(checkout.spec(BUSES), "privacy: keep", "privacy: drop")
    assert lrtzc("sources", "check").code == 2
    said = lrtzc("sources", "check", "--write", "--json")
    assert said.code == 0
    assert said.err.count("written: ") == 3
    sql = (checkout.staging / BUSES / f"stg_{BUSES}.sql").read_text("utf-8")
    assert "service_id" not in sql
    assert "written" not in lrtzc("sources", "check", "--write").err


def test_another_catalogue_is_not_written_into_this_project(
    lrtzc, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRTZC_SOURCES_DIR", str(checkout.sources))
    for arguments in (("check", "--write"), ("new", "essai_lignes")):
        said = lrtzc("sources", *arguments)
        assert said.code == 2
        assert "LRTZC_SOURCES_DIR" in said.err


def test_outside_a_clone_it_says_what_was_not_looked_for(
    lrtzc, checkout: Checkout
) -> None:
    shutil.rmtree(checkout.cases)
    said = lrtzc("sources", "check", "--json")
    assert said.code == 0
    assert "test cases were not looked for" in said.err


def test_another_catalogue_is_checked_by_itself(
    lrtzc, checkout: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in (checkout.endpoints, checkout.spec(BIKES)):
        shutil.copy(path, other)
    monkeypatch.setenv("LRTZC_SOURCES_DIR", str(other))
    rows = lrtzc("sources", "check", "--json").rows
    assert [(row["source"], row["state"]) for row in rows] == [(BIKES, "ok")]
    edit(other / f"{BIKES}.yaml", "axis: 5", "axis: 12")
    assert lrtzc("sources", "check").code == 2


def test_a_case_is_compared_and_taken_as_expected(lrtzc, checkout: Checkout) -> None:
    path = checkout.case(BUSES) / "expected.json"
    golden = path.read_text("utf-8")
    assert lrtzc("sources", "case", BUSES, "--json").rows == []
    wrong = json.loads(golden)
    wrong["rows"].pop()
    path.write_text(json.dumps(wrong), "utf-8")
    said = lrtzc("sources", "case", BUSES, "--json")
    assert (said.code, [row["part"] for row in said.rows]) == (1, ["rows"])
    assert lrtzc("sources", "case", BUSES, "--write").code == 0
    assert path.read_text("utf-8") == golden


def test_a_source_of_counts_with_noise_is_checked_and_staged(
    lrtzc, checkout: Checkout
) -> None:
    checkout.spec(noisy_trips.TRIPS).write_text(noisy_trips.text_of_spec(), "utf-8")
    said = lrtzc("sources", "check", "--write", "--json")
    about = [row for row in said.rows if row["source"] == noisy_trips.TRIPS]
    assert [row["state"] for row in about] == ["ok"]
    model = checkout.staging / noisy_trips.TRIPS / f"stg_{noisy_trips.TRIPS}.sql"
    assert "src.noise_scale" in model.read_text("utf-8")
    assert lrtzc("sources", "check").code == 0


def test_a_budget_that_cannot_pay_is_a_mistake(lrtzc, checkout: Checkout) -> None:
    told = noisy_trips.text_of_spec(budget={"epsilon": 5})
    checkout.spec(noisy_trips.TRIPS).write_text(told, "utf-8")
    said = lrtzc("sources", "check", noisy_trips.TRIPS)
    assert said.code != 0
    assert "12 periods of a year × epsilon 0.5 = 6, more than 5" in said.out + said.err
