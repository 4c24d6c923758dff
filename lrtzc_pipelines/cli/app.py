"""The `lrtzc` command: every verb, and how errors reach a person."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from lrtzc_pipelines.cli import deposits as deposits_cli
from lrtzc_pipelines.cli import privacy as privacy_cli
from lrtzc_pipelines.cli import quarantine as quarantine_cli
from lrtzc_pipelines.cli import releases as releases_cli
from lrtzc_pipelines.cli import sandbox as sandbox_cli
from lrtzc_pipelines.cli import sources as sources_cli
from lrtzc_pipelines.cli.listen import listen
from lrtzc_pipelines.cli.output import Exit, JsonOption, messages, print_rows
from lrtzc_pipelines.cli.retention import retention
from lrtzc_pipelines.cli.workspace import Workspace, workspace
from lrtzc_pipelines.errors import Busy, LrtzcError, SettingsError, SpecError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Data platform of La Rochelle Territoire Zéro Carbone.",
    epilog="Exit codes: 0 fine, 1 error, 2 wrong call, 3 a source failed, "
    "4 a source was blocked, 5 not published, 75 busy.",
)
app.add_typer(releases_cli.app, name="releases", help="Published releases.")
app.add_typer(privacy_cli.app, name="privacy", help="What the platform protects.")
app.add_typer(quarantine_cli.app, name="quarantine", help="Refused rows.")
app.add_typer(sources_cli.app, name="sources", help="Source specifications.")
app.add_typer(sandbox_cli.app, name="sandbox", help="Local stand-in for the sources.")
app.add_typer(deposits_cli.app, name="deposits", help="Files of partners.")
app.command()(listen)
app.command()(retention)


@app.command()
def refresh(
    source: Annotated[
        list[str] | None, typer.Option(help="Only this source; may be repeated.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day to ask for, of sources partitioned by day.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Collect sources, validate, anonymize, and publish a release if data changed."""
    from lrtzc_pipelines.cli.refresh import refresh as run  # noqa: PLC0415 - polars
    from lrtzc_pipelines.cli.refresh import report  # noqa: PLC0415 - the same

    place = workspace()
    chosen = place.choose(source)
    day = since.date() if since else None
    outcome = run(place.layout, chosen=chosen, since=day)
    report(outcome, place.layout, as_json=as_json)
    raise typer.Exit(outcome["exit"])


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Seed of the invented data.")] = 2040,
    canaries: Annotated[
        bool, typer.Option(help="Plant canaries in the personal sources.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run everything once against the sandbox: invented data, real protocols."""
    from lrtzc_pipelines.cli.demo import run_demo  # noqa: PLC0415 - starts a server

    raise typer.Exit(
        run_demo(workspace(), seed=seed, as_json=as_json, canaries=canaries)
    )


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL in DuckDB's dialect.")],
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Read the current release with SQL."""
    from lrtzc_pipelines.cli.query import print_frame, run_query  # noqa: PLC0415

    frame = run_query(workspace().layout, sql)
    print_frame(frame, output="json" if as_json else "csv" if as_csv else "table")


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check this installation, its data directory and the services it may reach."""
    from lrtzc_pipelines.cli.doctor import examine  # noqa: PLC0415 - many imports

    findings = examine(workspace())
    print_rows(findings, as_json=as_json, title="Doctor")
    failed = any(finding["state"] == "fail" for finding in findings)
    raise typer.Exit(Exit.ERROR if failed else Exit.OK)


@app.command()
def prepare() -> None:
    """Make the Dagster home and parse the models; prints the home's path."""
    from lrtzc_pipelines import dbt_models  # noqa: PLC0415 - polars
    from lrtzc_pipelines.instance import write_instance_config  # noqa: PLC0415

    place: Workspace = workspace()
    home = write_instance_config(place.layout)
    dbt_models.ensure_manifest(place.layout, memory=place.settings.duckdb_memory)
    typer.echo(home)


def main() -> Any:
    """Runs the command; every expected error is one sentence and an exit code."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(min(4, os.cpu_count() or 1)))
    try:
        return app()
    except Busy as error:
        messages().print(f"busy: {error}", style="yellow", markup=False)
        return Exit.BUSY
    except (SpecError, SettingsError) as error:
        messages().print(f"error: {error}", style="red", markup=False)
        return Exit.USAGE
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "__".join(str(step) for step in problem["loc"]).upper()
            messages().print(
                f"error: LRTZC_{name}: {problem['msg']}", style="red", markup=False
            )
        return Exit.USAGE
    except (LrtzcError, OSError) as error:
        messages().print(f"error: {error}", style="red", markup=False)
        return Exit.ERROR


if __name__ == "__main__":
    raise SystemExit(main())
