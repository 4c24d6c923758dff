"""What a run did, told per source, from the events Dagster recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from lrtzc_pipelines.jobs import LAYERS

CHANGED, UNCHANGED, BLOCKED, FAILED = "changed", "unchanged", "blocked", "failed"


def summarize_sources(
    source_ids: Iterable[str], events: Sequence[dg.DagsterEvent]
) -> list[dict[str, Any]]:
    """One entry per source: state, bytes, rows in, quarantined, published, seconds."""
    return [_summarize(source_id, events) for source_id in source_ids]


def _summarize(source_id: str, events: Sequence[dg.DagsterEvent]) -> dict[str, Any]:
    by_layer = {
        layer: [e for e in events if e.step_key == f"{layer}__{source_id}"]
        for layer in LAYERS
    }
    found = {layer: _metadata(mine) for layer, mine in by_layer.items()}
    state, reason = _state(by_layer, changed=bool(found["anonymized"].get("changed")))
    return {
        "source": source_id,
        "state": state,
        "bytes": found["raw"].get("bytes_received", 0),
        "requests": found["raw"].get("requests", 0),
        "rows_in": found["validated"].get("received"),
        "repeats": found["validated"].get("repeats"),
        "missing_keys": found["validated"].get("missing_keys"),
        "holes": found["validated"].get("holes"),
        "quarantined": found["validated"].get("quarantined"),
        "published": found["anonymized"].get("dagster/row_count"),
        "seconds": _seconds(event for mine in by_layer.values() for event in mine),
        "reason": reason,
    }


def _state(
    by_layer: dict[str, list[dg.DagsterEvent]], *, changed: bool
) -> tuple[str, str | None]:
    blocking = [
        event.asset_check_evaluation_data.check_name
        for event in by_layer["validated"]
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and not event.asset_check_evaluation_data.passed
        and event.asset_check_evaluation_data.severity == dg.AssetCheckSeverity.ERROR
    ]
    reasons = [
        _failure_message(event)
        for layer, mine in by_layer.items()
        for event in mine
        # A step also fails when its check blocks; the check says it better.
        if event.is_step_failure and not (blocking and layer == "validated")
    ]
    # A service that fails leaves what it gave before, which may be blocked still.
    state = FAILED if reasons else BLOCKED
    if blocking:
        reasons.append(f"{', '.join(blocking)}; the previous good data stay")
    if reasons:
        return state, "; ".join(reasons)
    if not any(event.is_step_success for mine in by_layer.values() for event in mine):
        return FAILED, "the step did not run; see the log of the run"
    return (CHANGED if changed else UNCHANGED), None


def _failure_message(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "unknown"


def _metadata(events: Iterable[dg.DagsterEvent]) -> dict[str, Any]:
    """The metadata steps recorded, whether they materialized or only observed.

    What the steps of several days counted is added up.
    """
    found: dict[str, Any] = {}
    for event in events:
        recorded: Mapping[str, dg.MetadataValue[Any]] = {}
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            recorded = event.materialization.metadata
        elif event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
            recorded = event.asset_observation_data.asset_observation.metadata
        for name, item in recorded.items():
            counted = isinstance(item.value, int | float) and name in found
            found[name] = found[name] + item.value if counted else item.value
    return found


def _seconds(events: Iterable[dg.DagsterEvent]) -> float:
    finished = [
        event.step_success_data.duration_ms for event in events if event.is_step_success
    ]
    return round(sum(finished) / 1000, 2)


def summarize_publication(events: Sequence[dg.DagsterEvent]) -> dict[str, Any]:
    """Release, folder and page of a publication, or why there is none."""
    failures = [event for event in events if event.is_step_failure]
    if failures:
        failed_tests = [
            event.asset_check_evaluation_data.check_name
            for event in events
            if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
            and not event.asset_check_evaluation_data.passed
        ]
        reason = _failure_message(failures[0])
        if failed_tests:
            reason = f"failed tests: {', '.join(failed_tests)}\n{reason}"
        return {"release": None, "reason": reason}
    published = _metadata(
        event for event in events if event.step_key == "release__published"
    )
    if not published:
        return {"release": None, "reason": "the run did not reach the publication"}
    return {
        "release": published.get("release"),
        "folder": published.get("folder"),
        "page": published.get("page"),
    }
