"""`lrtzc privacy`: register, pseudonyms, canaries, ledger of releases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from lrtzc_pipelines.cli.canaries import canaries
from lrtzc_pipelines.cli.output import JsonOption, messages, print_json
from lrtzc_pipelines.cli.workspace import workspace
from lrtzc_pipelines.storage import append_lines, locked

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
SourceArgument = Annotated[str, typer.Argument(help="Source id.")]


@app.callback()
def _group() -> None:
    """Keeps the commands below a name of their own, even a single one."""


app.command()(canaries)


@app.command()
def pseudonymise(source: SourceArgument) -> None:
    """Write an extract of a source's rows under pseudonyms, inside the private zone.

    Pseudonyms are personal data: whoever has the secret can lead them back. They last
    as long as the source declares; then the retention clock destroys their keys.
    """
    from lrtzc_pipelines.privacy import pseudonymising  # noqa: PLC0415 - polars
    from lrtzc_pipelines.privacy.pseudonyms import keyring  # noqa: PLC0415 - the same

    place = workspace()
    (chosen,) = place.choose([source])
    keys = keyring(place.layout.salts, place.settings.secret_of_pseudonyms())
    told = pseudonymising.write_pseudonymised(place.specs[chosen], place.layout, keys)
    folder = place.layout.pseudonymised(chosen)
    for extract in told:
        known = ", ".join(
            f"{count} {'row' if count == 1 else 'rows'} {share:.0%}"
            for count, share in extract.unicity.items()
        )
        messages().print(
            f"{folder / extract.period}.parquet: {extract.rows} rows; "
            f"persons whom knowing some of their rows singles out: {known or 'none'}",
            markup=False,
        )


@app.command()
def register(as_json: JsonOption = False) -> None:
    """Print the register of processing (GDPR, article 30), in French, as CSV.

    The controller and the data protection officer come from LRTZC_CONTROLLER and
    LRTZC_DATA_PROTECTION_OFFICER.
    """
    import polars as pl  # noqa: PLC0415 - slow to load

    from lrtzc_pipelines.privacy import register as registering  # noqa: PLC0415 - too
    from lrtzc_pipelines.spreadsheets import without_formulas  # noqa: PLC0415 - polars

    place = workspace()
    entries = registering.register(
        place.specs.values(),
        controller=place.settings.controller,
        officer=place.settings.data_protection_officer,
    )
    if as_json:
        print_json(entries)
        return
    table = pl.DataFrame(entries, schema=dict.fromkeys(registering.HEADINGS, pl.String))
    typer.echo(
        without_formulas(table)
        .rename(registering.HEADINGS)
        .write_csv(separator=";", quote_style="non_numeric"),
        nl=False,
    )


@app.command()
def restart(
    source: SourceArgument,
    reason: Annotated[str, typer.Option(help="Who decided it, and why.")],
) -> None:
    """Start a new series of releases of a protected source, as a person decided.

    What was released before overlaps with what will be: differences between the two
    may tell of single persons. The decision is written down.
    """
    from lrtzc_pipelines.privacy.ledger import Ledger  # noqa: PLC0415 - polars
    from lrtzc_pipelines.slicing import slices  # noqa: PLC0415 - with it

    place = workspace()
    (chosen,) = place.choose([source])
    spec, layout, now = place.specs[chosen], place.layout, datetime.now(UTC)
    with locked(layout.lock("refresh"), "a refresh"):
        aside = [
            str(folder.relative_to(layout.data_dir))
            for origin in layout.ledger_origins()
            for part in slices(spec, layout)
            if (
                folder := Ledger(
                    layout.ledger(origin, *part.parts), part.label
                ).restart(now)
            )
        ]
        line = {
            "restarted_at": now.isoformat(timespec="seconds"),
            "source": spec.id,
            "reason": reason,
            "set_aside": aside,
        }
        append_lines(layout.restarts, [json.dumps(line, ensure_ascii=False)])
    messages().print(f"{len(aside)} series of {spec.id} set aside", markup=False)
