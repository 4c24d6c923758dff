"""`lrtzc retention`: what is past its time, deleting it, and what was deleted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from lrtzc_pipelines.cli.output import JsonOption, messages, print_rows
from lrtzc_pipelines.cli.workspace import workspace
from lrtzc_pipelines.storage import locked

_COLUMNS = ("part", "layer", "files", "bytes", "before")


def retention(
    purge: Annotated[
        bool, typer.Option("--purge", help="Delete it; otherwise it is only shown.")
    ] = False,
    source: Annotated[
        list[str] | None, typer.Option(help="Only this source; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is kept longer than its source says, or delete it."""
    from lrtzc_pipelines import retention as clock  # noqa: PLC0415 - polars

    place = workspace()
    specs = [place.specs[name] for name in place.choose(source)]
    now = datetime.now(UTC)
    with locked(place.layout.lock("refresh"), "a refresh"):
        found = clock.purge(specs, place.layout, now, dry_run=not purge)
    print_rows(
        [asdict(entry) for entry in found],
        as_json=as_json,
        title="Deleted" if purge else "Past its time",
        columns=_COLUMNS,
        empty="nothing is kept longer than its source says",
    )
    if found and not purge:
        messages().print("delete it with `lrtzc retention --purge`", markup=False)
