"""Collects sources and publishes: the work behind `refresh`, `demo` and `replay`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lrtzc_pipelines.cli.child import Listener, run_child
from lrtzc_pipelines.cli.output import Exit, messages, print_json, print_rows
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import locked

COLUMNS = (
    "source",
    "state",
    "bytes",
    "rows_in",
    "quarantined",
    "published",
    "seconds",
)
STEPS = {
    "raw": "collecting",
    "validated": "validating",
    "anonymized": "anonymizing",
    "warehouse": "building the warehouse (dbt)",
    "candidate": "writing the release",
    "site": "drawing the page",
    "published": "publishing",
}


def refresh(
    layout: Layout,
    *,
    chosen: Sequence[str],
    environment: Mapping[str, str] | None = None,
    from_raw: bool = False,
    since: date | None = None,
) -> dict[str, Any]:
    """Brings the chosen sources and the release up to date.

    Returns:
        `sources` (one entry each), `release` (current id), `published` (whether it is
        new), `reason` (why nothing could be published), and `exit`.

    Raises:
        Busy: another local command is at it.
        LrtzcError: a run ended unexpectedly.
    """
    started = time.monotonic()
    arguments = ["collect", *(f"--source={source_id}" for source_id in chosen)]
    if from_raw:
        arguments.append("--from-raw")
    if since:
        arguments.append(f"--since={since}")
    extra = dict(environment or {})
    publication: dict[str, Any] = {}
    with locked(layout.lock("refresh"), "a refresh") as lock, _progress() as listen:
        done = run_child(layout, arguments, lock=lock, environment=extra, listen=listen)
        # A second process: what the collection held in memory is given back before
        # dbt asks for its own.
        if done["publish"]:
            publication = run_child(
                layout, ["publish"], lock=lock, environment=extra, listen=listen
            )
    return {
        "sources": done["sources"],
        "release": layout.current_release_id,
        "published": bool(publication.get("release")),
        "reason": publication.get("reason"),
        "seconds": round(time.monotonic() - started, 1),
        "exit": int(_exit_code(done["sources"], publication)),
    }


def report(outcome: Mapping[str, Any], layout: Layout, *, as_json: bool) -> None:
    """Tells a person, or a program, what a refresh did."""
    if as_json:
        print_json(outcome)
        return
    print_rows(outcome["sources"], as_json=False, title="Sources", columns=COLUMNS)
    console = messages()
    for source in outcome["sources"]:
        if source["reason"]:
            console.print(f"{source['source']}: {source['reason']}", markup=False)
        elif source["state"] == "unchanged":
            console.print(f"{source['source']}: nothing new, skipped", markup=False)
    if outcome["reason"]:
        console.print(f"not published: {outcome['reason']}", markup=False)
    elif not outcome["published"]:
        console.print("nothing changed: the current release stays", markup=False)
    if outcome["release"]:
        folder = layout.releases / outcome["release"]
        print_places(folder)


def print_places(folder: Any) -> None:
    """Says where the release and its page are."""
    # Plain, unwrapped lines: scripts and terminals pick paths out of them.
    print(f"release: {folder}")  # noqa: T201 - the command's output
    print(f"page:    {folder / 'site' / 'index.html'}")  # noqa: T201 - the same


def _exit_code(
    sources: Sequence[Mapping[str, Any]], publication: Mapping[str, Any]
) -> Exit:
    states = {source["state"] for source in sources}
    if publication and not publication.get("release"):
        return Exit.NOT_PUBLISHED
    if "blocked" in states:
        return Exit.SOURCE_BLOCKED
    if "failed" in states:
        return Exit.SOURCE_FAILED
    return Exit.OK


@contextmanager
def _progress() -> Iterator[Listener]:
    """A line that says what is under way; silent where nobody looks."""
    console = messages()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("starting Dagster")

        def listen(event: dict[str, Any]) -> None:
            if event["event"] == "collecting":
                megabytes = event["bytes"] / 1_000_000
                text = (
                    f"collecting {event['source_id']}: {event['pages']} pages, "
                    f"{megabytes:.1f} MB"
                )
            else:
                what = STEPS.get(event["step"], event["step"])
                text = f"{what} {event['source_id'] or ''}".rstrip()
            progress.update(task, description=text)

        yield listen
