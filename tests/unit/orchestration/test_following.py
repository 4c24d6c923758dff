"""What the daemon starts after a run: processing, publishing, or nothing."""

from __future__ import annotations

from typing import Any

import dagster as dg
import duckdb
import pytest
from town import COUNTS, TREES, Town

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.jobs import (
    COLLECT,
    PROCESS,
    PUBLISH,
    build_publish_job,
    processed_keys,
)
from lrtzc_pipelines.publishing.inputs import current_inputs
from lrtzc_pipelines.publishing.release import (
    ReleaseManifest,
    candidate_folder,
    inputs_sha256,
    publish,
    write_manifest,
)
from lrtzc_pipelines.sensors.following import LOCAL, build_following_sensors

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


def ask(
    town: Town,
    job_name: str,
    status: dg.DagsterRunStatus = SUCCESS,
    tags: dict[str, str] | None = None,
) -> Any:
    """What the sensor for a status answers to a run of a job."""
    jobs = [*(town.definitions.jobs or ()), build_publish_job([])]
    sensors = build_following_sensors(town.platform, town.suites, jobs)
    sensor = next(s for s in sensors if s.name == f"follow_{status.value.lower()}")
    run = town.instance.create_run_for_job(
        town.definitions.resolve_job_def(job_name), status=status, tags=tags or {}
    )
    event = dg.DagsterEvent(
        event_type_value=f"PIPELINE_{status.value}", job_name=job_name
    )
    context = dg.build_run_status_sensor_context(sensor.name, event, town.instance, run)
    answer = sensor(context)
    return answer[0] if isinstance(answer, list) else answer


def hold_release(town: Town) -> None:
    """Publishes a release without tables, made of what is there now."""
    inputs = current_inputs(town.platform.specs, town.layout)
    folder = candidate_folder(town.layout, "r1")
    (folder / "parquet").mkdir(parents=True)
    duckdb.connect(folder / "lrtzc.duckdb").close()
    code = dbt_models.code_version()
    write_manifest(
        folder,
        ReleaseManifest(
            release_id="r1",
            created_at="2026-01-01T00:00:00+00:00",
            code_version=code,
            inputs_sha256=inputs_sha256(inputs, code),
            origin="sandbox",
            run_id="r1",
            inputs=inputs,
            tables={},
        ),
    )
    publish(town.layout, "r1", keep=1)


@pytest.mark.parametrize("status", [SUCCESS, FAILURE])
def test_what_a_collection_brought_is_processed(
    town: Town, status: dg.DagsterRunStatus
) -> None:
    town.night()
    town.files.contents[TREES] = "id;count\n1;1\n"
    town.collect()
    request = ask(town, COLLECT, status)
    assert request.job_name == PROCESS
    assert request.asset_selection == processed_keys([TREES])


@pytest.mark.parametrize("status", [SUCCESS, FAILURE])
def test_what_was_processed_is_published(
    town: Town, status: dg.DagsterRunStatus
) -> None:
    town.night()
    assert ask(town, PROCESS, status).job_name == PUBLISH


def test_a_blocked_source_is_looked_at_once_a_night(town: Town) -> None:
    town.files.contents[COUNTS] = "id;count\n1;-1\n"
    town.night()
    assert ask(town, COLLECT).asset_selection == processed_keys([COUNTS])
    assert ask(town, PROCESS).job_name == PUBLISH


def test_a_publication_that_failed_is_asked_for_after_the_next_collection(
    town: Town,
) -> None:
    town.night()
    town.collect()
    assert ask(town, COLLECT).job_name == PUBLISH


def test_nothing_follows_when_the_newest_release_holds_it_all(town: Town) -> None:
    town.night()
    hold_release(town)
    for job_name in (COLLECT, PROCESS):
        answer = ask(town, job_name)
        assert isinstance(answer, dg.SkipReason)
        assert "holds these data already" in str(answer.skip_message)


def test_runs_of_the_command_line_are_left_alone(town: Town) -> None:
    town.collect()
    answer = ask(town, COLLECT, tags={LOCAL: "true"})
    assert "command line" in answer.skip_message
