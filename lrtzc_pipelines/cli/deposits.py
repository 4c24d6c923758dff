"""`lrtzc deposits`: what partners deposited, and checking a file beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrtzc_pipelines.cli.output import Exit, JsonOption, print_json, print_rows
from lrtzc_pipelines.cli.workspace import Workspace, workspace

if TYPE_CHECKING:
    from lrtzc_pipelines.deposits.inbox import Reception

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
FormOption = Annotated[str, typer.Option("--form", help="Deposit form.")]


@app.callback()
def group() -> None:
    """Files of partners."""


@app.command("list")
def list_all(
    form: Annotated[str | None, typer.Option(help="Only this deposit form.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the files that wait and those that were taken in, by form."""
    from lrtzc_pipelines.deposits.forms import load_forms  # noqa: PLC0415 - polars

    place = workspace()
    chosen = [form] if form else list(load_forms())
    print_rows(
        [row for name in chosen for row in _rows(_reception(place, name))],
        as_json=as_json,
        title="Deposits",
        columns=("form", "name", "state", "received_at", "rows", "periods", "sha256"),
        empty="no file was deposited",
    )


@app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    form: FormOption,
    as_json: JsonOption = False,
) -> None:
    """Say what would be answered to a file, without depositing it."""
    from lrtzc_pipelines.deposits.reports import period, problem_lines  # noqa: PLC0415

    place = workspace()
    _, verdict = _reception(place, form).judged(file, file.name)
    if as_json:
        print_json(
            {
                "accepted": not verdict.problems,
                "rows": verdict.row_count,
                "periods": [first.isoformat() for first in verdict.periods],
                "problems": [p.model_dump(mode="json") for p in verdict.problems],
                "remarks": list(verdict.remarks),
            }
        )
    elif verdict.problems:
        typer.echo(f"« {file.name} » serait refusé :")
        for number, problem in enumerate(verdict.problems, start=1):
            typer.echo("\n".join(problem_lines(number, problem)))
    else:
        typer.echo(
            f"« {file.name} » serait accepté : {verdict.row_count} lignes, "
            f"{period(verdict.periods)}"
        )
        for remark in verdict.remarks:
            typer.echo(f"Remarque : {remark}")
    raise typer.Exit(Exit.ERROR if verdict.problems else Exit.OK)


def _reception(place: Workspace, form_id: str) -> Reception:
    from lrtzc_pipelines.deposits.forms import (  # noqa: PLC0415 - polars
        find_form,
        load_fed_source,
    )
    from lrtzc_pipelines.deposits.inbox import Reception  # noqa: PLC0415 - the same
    from lrtzc_pipelines.sources.registry import SOURCES_DIR  # noqa: PLC0415

    form = find_form(form_id)
    spec, suite = load_fed_source(form, place.settings.sources_dir or SOURCES_DIR)
    return Reception(form, spec, suite, place.layout)


def _rows(reception: Reception) -> Iterator[dict[str, Any]]:
    from lrtzc_pipelines.deposits.intake import waiting  # noqa: PLC0415 - polars
    from lrtzc_pipelines.deposits.receipts import in_force  # noqa: PLC0415 - the same

    form = reception.form
    for path in waiting(reception.inbox, form, datetime.now(UTC).timestamp()):
        yield {"form": form.id, "name": path.name, "state": "waiting"}
    receipts = reception.deposits.receipts()
    current = in_force(receipts)
    for receipt in receipts:
        state = "accepted" if receipt in current else "replaced"
        yield {
            "form": form.id,
            "name": receipt.name,
            "state": state if receipt.accepted else "refused",
            "received_at": receipt.received_at.isoformat(),
            "rows": receipt.row_count,
            "periods": ", ".join(first.isoformat() for first in receipt.periods),
            "sha256": receipt.sha256[:8],
        }
