"""`lrtzc releases`: what was published, and going back."""

from __future__ import annotations

from typing import Annotated

import typer

from lrtzc_pipelines.cli.output import JsonOption, print_json, print_rows
from lrtzc_pipelines.cli.workspace import workspace

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the releases on disk, newest first."""
    from lrtzc_pipelines.publishing import release  # noqa: PLC0415 - duckdb

    layout = workspace().layout
    current = layout.current_release_id
    rows = [
        {
            "release": manifest.release_id,
            "current": manifest.release_id == current,
            "created_at": manifest.created_at,
            "origin": manifest.origin,
            "tables": len(manifest.tables),
            "rows": sum(manifest.tables.values()),
            "sources": sum(i.origin != "absent" for i in manifest.inputs.values()),
            "folder": str(layout.releases / manifest.release_id),
        }
        for manifest in release.list_releases(layout)
    ]
    print_rows(
        rows,
        as_json=as_json,
        title="Releases",
        columns=(
            "release",
            "current",
            "created_at",
            "origin",
            "tables",
            "rows",
            "sources",
        ),
        empty="no release yet",
    )


@app.command()
def rollback(
    release_id: Annotated[
        str | None, typer.Argument(help="By default the one before the current.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier release the current one; readers switch at once."""
    from lrtzc_pipelines.publishing import release  # noqa: PLC0415 - duckdb

    chosen = release.rollback(workspace().layout, release_id)
    if as_json:
        print_json({"release": chosen.release_id})
    else:
        typer.echo(f"current release: {chosen.release_id}")


@app.command()
def verify(
    release_id: Annotated[
        str | None, typer.Argument(help="By default the current one.")
    ] = None,
) -> None:
    """Check every file of a release against its checksum."""
    from lrtzc_pipelines.publishing import release  # noqa: PLC0415 - duckdb

    layout = workspace().layout
    folder = (
        layout.releases / release_id if release_id else release.current_folder(layout)
    )
    release.verify(folder)
    typer.echo(f"{folder.name}: every file has its checksum")
