"""`lrtzc sources`: the catalogue, its checks, and starting a new source."""

from __future__ import annotations

import typer

from lrtzc_pipelines.cli.output import JsonOption, print_rows
from lrtzc_pipelines.cli.workspace import workspace

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List every source with producer, licence, tier, axis and cadence."""
    rows = [
        {
            "source": spec.id,
            "title": spec.title,
            "producer": spec.producer,
            "licence": spec.licence,
            "tier": str(spec.tier),
            "axis": spec.axis,
            "theme": str(spec.theme),
            "cadence": str(spec.cadence),
            "protocol": spec.connector.kind,
            "endpoint": spec.endpoint,
        }
        for spec in workspace().specs.values()
    ]
    print_rows(
        rows,
        as_json=as_json,
        title="Sources",
        columns=("source", "title", "licence", "tier", "axis", "cadence", "protocol"),
    )
