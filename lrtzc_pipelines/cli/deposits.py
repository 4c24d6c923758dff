"""`lrtzc deposits`: the inboxes of partners, and what became of their files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrtzc_pipelines.cli.output import (
    Exit,
    JsonOption,
    messages,
    print_json,
    print_rows,
)
from lrtzc_pipelines.cli.workspace import Workspace, workspace

if TYPE_CHECKING:
    from lrtzc_pipelines.deposits.forms import Channel
    from lrtzc_pipelines.deposits.inbox import Reception
    from lrtzc_pipelines.deposits.receipts import Receipt

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
FormOption = Annotated[str, typer.Option("--form", help="Deposit form.")]
FormsOption = Annotated[
    str | None, typer.Option("--form", help="Only this deposit form.")
]
_COLUMNS = (
    "form",
    "depositor",
    "name",
    "state",
    "received_at",
    "rows",
    "periods",
    "sha256",
)


@app.callback()
def group() -> None:
    """Files of partners."""


@app.command("open")
def open_one(
    depositor: Annotated[str, typer.Argument(help="Name of the partner's folder.")],
    form: FormOption,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder that the partner reaches already, to link to."),
    ] = None,
) -> None:
    """Make the inbox of a partner; say where it is."""
    from lrtzc_pipelines.deposits.depositors import open_inbox  # noqa: PLC0415 - polars
    from lrtzc_pipelines.deposits.forms import find_form  # noqa: PLC0415 - the same

    typer.echo(open_inbox(workspace().layout, find_form(form), depositor, folder))


@app.command("list")
def list_all(form: FormsOption = None, as_json: JsonOption = False) -> None:
    """List the files that wait and those that were taken in, by form."""
    place = workspace()
    print_rows(
        [
            row
            for channel in _channels(place, form)
            for reception in _receptions(channel, place)
            for row in _rows(reception)
        ],
        as_json=as_json,
        title="Deposits",
        columns=_COLUMNS,
        empty="no file was deposited",
    )


@app.command()
def sweep(form: FormsOption = None, as_json: JsonOption = False) -> None:
    """Take in and answer the files that wait, without collecting them yet."""
    place = workspace()
    receipts: list[dict[str, Any]] = []
    failures: list[str] = []
    for channel in _channels(place, form):
        for reception in _receptions(channel, place):
            swept = reception.sweep()
            receipts += [_told(one, _state(one)) for one in swept.receipts]
            failures += swept.failures
    print_rows(
        receipts,
        as_json=as_json,
        title="Answered",
        columns=_COLUMNS,
        empty="no complete file waits",
    )
    for failure in failures:
        messages().print(failure, markup=False)
    raise typer.Exit(Exit.ERROR if failures else Exit.OK)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    form: FormOption,
    depositor: Annotated[
        str | None,
        typer.Option(help="Partner, to hold the file against earlier deposits."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what would be answered to a file, without depositing it."""
    from lrtzc_pipelines.deposits.intake import safe_name  # noqa: PLC0415 - polars
    from lrtzc_pipelines.deposits.judging import judge  # noqa: PLC0415 - the same
    from lrtzc_pipelines.deposits.reports import (  # noqa: PLC0415 - the same
        verdict_document,
        verdict_lines,
    )

    place = workspace()
    (channel,) = _channels(place, form)
    if depositor:
        known = {one.depositor: one for one in _receptions(channel, place)}
        if depositor not in known:
            msg = f"{depositor} has no inbox (known: {', '.join(known)})"
            raise typer.BadParameter(msg)
        _, verdict = known[depositor].judged(file, file.name)
    else:
        now = datetime.now(UTC)
        _, verdict = judge(file, file.name, channel, depositor="essai", now=now)
    if as_json:
        print_json(verdict_document(verdict))
    else:
        for line in verdict_lines(safe_name(file.name), channel.form, verdict):
            typer.echo(line)
    raise typer.Exit(Exit.ERROR if verdict.problems else Exit.OK)


def _channels(place: Workspace, form_id: str | None) -> list[Channel]:
    from lrtzc_pipelines.deposits.forms import (  # noqa: PLC0415 - polars
        find_form,
        load_channel,
        load_forms,
    )
    from lrtzc_pipelines.sources.registry import SOURCES_DIR  # noqa: PLC0415 - the same

    sources_dir = place.settings.sources_dir or SOURCES_DIR
    forms = [find_form(form_id)] if form_id else load_forms().values()
    return [load_channel(form, sources_dir) for form in forms]


def _receptions(channel: Channel, place: Workspace) -> list[Reception]:
    from lrtzc_pipelines.deposits.depositors import receptions  # noqa: PLC0415 - polars

    return receptions(channel, place.layout)


def _rows(reception: Reception) -> Iterator[dict[str, Any]]:
    from lrtzc_pipelines.deposits.intake import waiting  # noqa: PLC0415 - polars
    from lrtzc_pipelines.deposits.receipts import in_force  # noqa: PLC0415 - the same

    form, deposits = reception.form, reception.deposits
    about = {"form": form.id, "depositor": reception.depositor}
    for file in waiting(reception.inbox, form, datetime.now(UTC).timestamp()):
        yield {**about, "name": file.name, "state": "waiting"}
    stuck = deposits.stuck()
    for path in deposits.unchecked():
        state = "stuck" if path.name in stuck else "unanswered"
        yield {**about, "name": path.name.split("-", 2)[2], "state": state}
    receipts = deposits.receipts()
    current = in_force(receipts)
    for receipt in receipts:
        is_replaced = receipt.accepted and receipt not in current
        yield _told(receipt, "replaced" if is_replaced else _state(receipt))


def _state(receipt: Receipt) -> str:
    return "accepted" if receipt.accepted else "refused"


def _told(receipt: Receipt, state: str) -> dict[str, Any]:
    return {
        "form": receipt.form,
        "depositor": receipt.depositor,
        "name": receipt.name,
        "state": state,
        "received_at": receipt.received_at.isoformat(),
        "rows": receipt.row_count,
        "periods": ", ".join(first.isoformat() for first in receipt.periods),
        "sha256": receipt.sha256[:8],
    }
