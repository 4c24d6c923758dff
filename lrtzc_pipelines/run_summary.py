"""What a command did, told per source: from the events of its runs, or without any.

Nothing here loads Dagster, which a command that finds nothing new does without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrtzc_pipelines.collecting import Collected, Evidence
from lrtzc_pipelines.layout import LAYERS

if TYPE_CHECKING:
    import dagster as dg

CHANGED, UNCHANGED, BLOCKED, FAILED = "changed", "unchanged", "blocked", "failed"
_WEAKEST_LAST = [str(evidence) for evidence in Evidence]


def summarize_sources(
    source_ids: Iterable[str],
    events: Sequence[dg.DagsterEvent],
    quiet: Mapping[str, Sequence[Collected]] | None = None,
) -> list[dict[str, Any]]:
    """One entry per source: state, bytes, rows in, quarantined, published, seconds.

    Args:
        source_ids: Sources.
        events: What the runs recorded.
        quiet: Collections, by source, that needed no run.
    """
    calm = quiet or {}
    return [_summarize(name, events, calm.get(name)) for name in source_ids]


def _summarize(
    source_id: str,
    events: Sequence[dg.DagsterEvent],
    quiet: Sequence[Collected] | None,
) -> dict[str, Any]:
    by_layer = {
        layer: [e for e in events if e.step_key == f"{layer}__{source_id}"]
        for layer in LAYERS
    }
    found = {layer: _metadata(mine) for layer, mine in by_layer.items()}
    if quiet is not None and not any(by_layer.values()):
        state, reason = UNCHANGED, None
    else:
        changed = bool(found["anonymized"].get("changed"))
        state, reason = _state(by_layer, changed=changed)
    raw, calm = found["raw"], quiet or ()
    return {
        "source": source_id,
        "state": state,
        "evidence": _weakest(raw.get("evidence"), *(c.evidence for c in calm)),
        "bytes": raw.get("bytes_received", 0) + sum(c.bytes_received for c in calm),
        "requests": raw.get("requests", 0) + sum(c.requests for c in calm),
        "rows_in": found["validated"].get("received"),
        "repeats": found["validated"].get("repeats"),
        "missing_keys": found["validated"].get("missing_keys"),
        "holes": found["validated"].get("holes"),
        "quarantined": found["validated"].get("quarantined"),
        "published": found["anonymized"].get("dagster/row_count"),
        "seconds": _seconds(event for mine in by_layer.values() for event in mine),
        "reason": reason,
    }


def _weakest(*evidences: str | None) -> str | None:
    """The evidence that proves least, of those of a source's days."""
    told = [str(evidence) for evidence in evidences if evidence]
    return max(told, key=_WEAKEST_LAST.index) if told else None


def _state(
    by_layer: dict[str, list[dg.DagsterEvent]], *, changed: bool
) -> tuple[str, str | None]:
    blocking = [
        event.asset_check_evaluation_data.check_name
        for event in by_layer["validated"]
        if _is(event, "ASSET_CHECK_EVALUATION")
        and not event.asset_check_evaluation_data.passed
        and event.asset_check_evaluation_data.severity.value == "ERROR"
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
        if _is(event, "ASSET_MATERIALIZATION"):
            recorded = event.materialization.metadata
        elif _is(event, "ASSET_OBSERVATION"):
            recorded = event.asset_observation_data.asset_observation.metadata
        for name, item in recorded.items():
            counted = isinstance(item.value, int | float) and name in found
            found[name] = found[name] + item.value if counted else item.value
    return found


def _is(event: dg.DagsterEvent, kind: str) -> bool:
    return event.event_type_value == kind


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
            if _is(event, "ASSET_CHECK_EVALUATION")
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
