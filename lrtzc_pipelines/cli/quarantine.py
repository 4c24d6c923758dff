"""`lrtzc quarantine`: the rows that were refused, why, and trying them again."""

from __future__ import annotations

from typing import Annotated

import typer

from lrtzc_pipelines.cli.output import JsonOption, print_json, print_rows
from lrtzc_pipelines.cli.workspace import workspace

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
SourceArgument = Annotated[str, typer.Argument(help="Source id.")]


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """Count refused rows by source, rule and reason."""
    from lrtzc_pipelines import quarantine  # noqa: PLC0415 - polars

    place = workspace()
    print_rows(
        quarantine.summarize(place.specs.values(), place.layout),
        as_json=as_json,
        title="Quarantine",
        columns=("source_id", "rule", "column", "reason", "rows", "quarantined_at"),
        empty="no row is in quarantine",
    )


@app.command()
def show(
    source: SourceArgument,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 20,
    personal: Annotated[
        bool, typer.Option("--personal", help="Show personal columns too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show refused rows as they were received, and where in raw they are."""
    from lrtzc_pipelines import quarantine  # noqa: PLC0415 - polars

    place = workspace()
    (chosen,) = place.choose([source])
    rows = quarantine.shown_rows(
        place.specs[chosen], place.layout, limit=limit, personal=personal
    )
    if as_json:
        print_json(rows)
        return
    print_rows(
        rows,
        as_json=False,
        title=f"Quarantine of {chosen}",
        columns=("rule", "reason", "page_name", "row_in_page", "record"),
        empty="no row is in quarantine",
    )


@app.command()
def replay(source: SourceArgument, as_json: JsonOption = False) -> None:
    """Validate what raw holds again, as after a rule was mended, and publish."""
    from lrtzc_pipelines.cli.refresh import refresh, report  # noqa: PLC0415

    place = workspace()
    outcome = refresh(place.layout, chosen=place.choose([source]), from_raw=True)
    report(outcome, place.layout, as_json=as_json)
    raise typer.Exit(outcome["exit"])
