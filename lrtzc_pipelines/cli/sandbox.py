"""`lrtzc sandbox`: the local stand-in for the sources, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def group() -> None:
    """Local stand-in for the sources."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback.")] = 8940,
    seed: Annotated[int, typer.Option(help="Seed of the invented data.")] = 2040,
    replay: Annotated[
        Path | None,
        typer.Option(help="Serve answers recorded in this folder instead."),
    ] = None,
    canaries: Annotated[
        bool, typer.Option(help="Plant canaries in the personal sources.")
    ] = False,
) -> None:
    """Speak the sources' protocols on loopback, with invented or recorded data."""
    from lrtzc_pipelines.sandbox import server  # noqa: PLC0415 - numpy, uvicorn
    from lrtzc_pipelines.sandbox.world import World  # noqa: PLC0415 - the same

    base_url = f"http://{server.LOOPBACK}:{port}"
    for endpoint_id, url in server.endpoint_overrides(base_url).items():
        typer.echo(f"export LRTZC_ENDPOINT__{endpoint_id.upper()}={url}")
    application = (
        server.create_replay_app(replay)
        if replay
        else server.create_app(World(seed, canaries))
    )
    server.serve(application, server.LOOPBACK, port)
