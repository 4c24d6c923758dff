"""Nights of two sources: what runs, what is skipped, what is said of each."""

from __future__ import annotations

import dagster as dg
import polars as pl
import pytest
from town import COUNTS, GOOD, TREES, Town

from lrtzc_pipelines.assets.source_assets import build_source_assets
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.states import DATA

BAD = "id;count\n" + "".join(f"{n};-1\n" for n in range(1, 21))
DRIFTED = GOOD.replace("count", "number")


def published(town: Town, source_id: str) -> pl.DataFrame:
    return pl.read_parquet(town.layout.anonymized(source_id) / DATA)


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def test_a_first_night_brings_everything(town: Town) -> None:
    night = town.night()
    for source_id in (COUNTS, TREES):
        entry = night[source_id]
        assert (entry["state"], entry["reason"]) == ("changed", None)
        assert (entry["requests"], entry["bytes"]) == (1, len(GOOD))
        counted = entry["rows_in"], entry["quarantined"], entry["published"]
        assert counted == (20, 0, 20)
        assert published(town, source_id).height == 20
    assert town.pending == []


def test_a_collection_ends_at_raw_and_leaves_the_rest_waiting(town: Town) -> None:
    assert materialized(town.collect()) == {f"raw/{COUNTS}", f"raw/{TREES}"}
    assert town.pending == [COUNTS, TREES]


def test_a_night_without_news_plans_no_check(town: Town) -> None:
    town.night()
    second = town.collect()
    assert second.success
    assert materialized(second) == set()
    assert town.pending == []
    planned = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    assert not [e for e in second.all_events if e.event_type is planned]
    observed = second.get_asset_observation_events()
    assert [e.asset_observation_data.asset_observation.description for e in observed]


def test_a_night_without_news_says_so(town: Town) -> None:
    town.night()
    entry = town.night()[COUNTS]
    assert (entry["state"], entry["requests"], entry["bytes"]) == ("unchanged", 1, 0)


def test_only_what_changed_is_processed(town: Town) -> None:
    town.night()
    town.files.contents[TREES] = GOOD + "21;210\n"
    town.collect()
    assert town.pending == [TREES]
    assert materialized(town.process(TREES)) == {
        f"validated/{TREES}",
        f"anonymized/{TREES}",
    }


def test_what_a_kill_left_waiting_is_taken_up_though_nothing_is_new(town: Town) -> None:
    town.collect()
    # The run behind the collection never came.
    night = town.night()
    assert night[COUNTS]["state"] == "changed"
    assert night[COUNTS]["bytes"] == 0
    assert town.pending == []


def test_rows_in_another_order_are_the_same_data(town: Town) -> None:
    town.night()
    header, *rows = GOOD.splitlines()
    town.files.contents[COUNTS] = "\n".join([header, *reversed(rows)]) + "\n"
    assert town.night()[COUNTS]["state"] == "unchanged"


@pytest.mark.parametrize(
    ("body", "check"),
    [(BAD, "count_not_negative"), (DRIFTED, "schema"), ("id;count\n", "not_empty")],
)
def test_a_blocked_source_keeps_its_data_and_is_told_every_night(
    town: Town, body: str, check: str
) -> None:
    town.night()
    town.files.contents[COUNTS] = body
    for _ in range(2):
        night = town.night()
        assert night[COUNTS]["state"] == "blocked"
        assert f"{check}; the previous good data stay" in night[COUNTS]["reason"]
        assert night[TREES]["state"] == "unchanged"
        assert town.pending == [COUNTS]
    assert published(town, COUNTS)["count"].to_list() == list(range(10, 210, 10))


def test_a_blocked_source_goes_on_when_its_data_are_good_again(town: Town) -> None:
    town.files.contents[COUNTS] = BAD
    town.night()
    town.files.contents[COUNTS] = GOOD
    assert town.night()[COUNTS]["state"] == "changed"


def test_a_few_bad_rows_go_to_quarantine_and_the_others_on(town: Town) -> None:
    town.files.contents[COUNTS] = GOOD.replace("3;30", "3;-30")
    entry = town.night()[COUNTS]
    counted = entry["rows_in"], entry["quarantined"], entry["published"]
    assert (entry["state"], *counted) == ("changed", 20, 1, 19)


def test_a_source_that_fails_does_not_stop_the_other(town: Town) -> None:
    town.files.contents[COUNTS] = None
    night = town.night()
    assert night[COUNTS]["state"] == "failed"
    assert "town_counts.csv: HTTP 404" in night[COUNTS]["reason"]
    assert night[TREES]["state"] == "changed"


def test_a_service_that_fails_over_blocked_data_says_both(town: Town) -> None:
    town.files.contents[COUNTS] = BAD
    town.night()
    town.files.contents[COUNTS] = None
    entry = town.night()[COUNTS]
    assert entry["state"] == "failed"
    assert "HTTP 404" in entry["reason"]
    assert "count_not_negative" in entry["reason"]


def test_processing_what_was_never_collected_fails_by_name(town: Town) -> None:
    result = town.process(COUNTS)
    assert not result.success
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told
    assert told.description == f"{COUNTS}: nothing was ever collected"


def test_every_declared_check_has_a_result_even_behind_one_that_blocks(
    town: Town,
) -> None:
    town.files.contents[COUNTS] = DRIFTED
    town.collect()
    checks = {
        item.check_name: item
        for item in town.process(COUNTS).get_asset_check_evaluations()
    }
    assert checks["schema"].severity is dg.AssetCheckSeverity.ERROR
    waiting = checks["count_not_negative"]
    assert not waiting.passed
    assert waiting.severity is dg.AssetCheckSeverity.WARN
    assert waiting.metadata["not_evaluated"].value == "an earlier check blocked"


def test_a_linked_source_waits_for_the_rows_of_the_others() -> None:
    spec = load_sources()["valorisation_company_waste"]
    policy = spec.protection.model_copy(update={"linked": ("sinoe_company_waste",)})
    linked = spec.model_copy(update={"protection": policy})
    *_, anonymized = build_source_assets(linked, load_suite(spec))
    assert {key.to_user_string() for key in anonymized.dependency_keys} == {
        "validated/valorisation_company_waste",
        "validated/sinoe_company_waste",
        # One after the other, each beside what went on before it.
        "anonymized/sinoe_company_waste",
    }


def test_all_is_validated_before_anything_is_anonymized(town: Town) -> None:
    """What an audit reads of another source is then as new as the rows themselves."""
    town.collect()
    order = [
        event.step_key
        for event in town.process().all_events
        if event.event_type is dg.DagsterEventType.STEP_START
    ]
    layers = [str(key).partition("__")[0] for key in order]
    assert layers == ["validated"] * 2 + ["anonymized"] * 2
