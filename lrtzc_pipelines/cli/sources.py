"""`lrtzc sources`: the catalogue, its checks, and starting a new source."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lrtzc_pipelines.cli.output import Exit, JsonOption, messages, print_rows
from lrtzc_pipelines.cli.workspace import Workspace, workspace
from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.freshness import Held, held
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.checkout import PROJECT, Checkout
from lrtzc_pipelines.sources.dbt_sources import write_staging
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def checkout(place: Workspace) -> Checkout:
    """The files of this process's sources."""
    return Checkout.at(PROJECT, place.settings.sources_dir)


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List every source by axis; --json has producer, protocol and endpoint too.

    Freshness is how many days may pass between two changes of the data, and whether
    what is held here is fresh, late, or was never collected.
    """
    place, now = workspace(), datetime.now(UTC)
    specs = sorted(place.specs.values(), key=lambda spec: (spec.axis, spec.id))
    rows = [_listed(spec, held(spec, place.layout, now)) for spec in specs]
    print_rows(
        rows,
        as_json=as_json,
        title="Sources",
        columns=(
            "axis",
            "source",
            "title",
            "licence",
            "tier",
            "cadence",
            "freshness",
            "state",
        ),
        empty="no source",
    )
    axes = len({spec.axis for spec in specs})
    messages().print(f"{len(specs)} sources over {axes} axes", markup=False)


def _listed(spec: SourceSpec, data: Held) -> dict[str, Any]:
    return {
        "source": spec.id,
        "title": spec.title,
        "producer": spec.producer,
        "licence": spec.licence,
        "tier": str(spec.tier),
        "axis": spec.axis,
        "theme": str(spec.theme),
        "cadence": str(spec.cadence),
        "freshness": f"{spec.freshness_days} d",
        "changed_at": data.changed_at,
        "state": str(data.freshness),
        "protocol": spec.connector.kind,
        "endpoint": spec.endpoint,
    }


@app.command()
def check(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Source ids; by default all.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Rewrite the dbt files made from specs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check specifications, endpoints, suites, dbt files and test cases."""
    from lrtzc_pipelines.sources.checking import (  # noqa: PLC0415 - polars
        check_sources,
        write_generated,
    )

    place = workspace()
    files = checkout(place)
    if write:
        _require_own_sources(place)
        for path in write_generated(files, load_sources(files.sources)):
            messages().print(f"written: {path}", markup=False, soft_wrap=True)
    found = check_sources(files, sources or ())
    print_rows(
        found if as_json else [_with_file(finding) for finding in found],
        as_json=as_json,
        title="Sources",
        columns=("source", "state", "detail"),
        empty="no source",
    )
    if not files.is_complete:
        messages().print(
            "test cases were not looked for: this is no clone of the project, or "
            "LRTZC_SOURCES_DIR is set",
            markup=False,
            soft_wrap=True,
        )
    failed = any(finding["state"] == "fail" for finding in found)
    raise typer.Exit(Exit.USAGE if failed else Exit.OK)


def _with_file(finding: dict[str, str]) -> dict[str, str]:
    """A finding as the table shows it: what is wrong says in which file."""
    if finding["state"] == "ok":
        return finding
    return {**finding, "detail": f"{finding['file']}: {finding['detail']}"}


@app.command()
def case(
    source: Annotated[str, typer.Argument(help="Source id.")],
    write: Annotated[
        bool, typer.Option("--write", help="Take what came out as expected.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a source's test case and compare what comes out with expected.json."""
    from lrtzc_pipelines.expectations.suites import load_suite  # noqa: PLC0415
    from lrtzc_pipelines.sources import casefile  # noqa: PLC0415 - polars

    place = workspace()
    (chosen,) = place.choose([source])
    spec, files = place.specs[chosen], checkout(place)
    expected = casefile.load_expected(files.case(chosen))
    with tempfile.TemporaryDirectory(prefix="lrtzc-case-") as folder:
        result = casefile.run_case(
            spec,
            load_suite(spec, files.suites),
            files.case(chosen),
            Layout(Path(folder)),
            filler=expected.filler,
        )
    differences = casefile.compare(expected, result)
    if write and differences:
        path = casefile.rewrite_expected(files.case(chosen), expected, result)
        messages().print(f"written: {path}", markup=False, soft_wrap=True)
        differences = []
    print_rows(
        differences,
        as_json=as_json,
        title=f"Test case of {chosen}",
        empty=f"{chosen}: the test case gives what expected.json says",
    )
    raise typer.Exit(Exit.ERROR if differences else Exit.OK)


@app.command()
def stage(
    sources: Annotated[list[str], typer.Argument(help="Source ids.")],
    released: Annotated[
        bool, typer.Option(help="Put the tables into the release as they are.")
    ] = True,
) -> None:
    """Write the staging models of sources, or take them in or out of the release."""
    from lrtzc_pipelines.sources.checking import (  # noqa: PLC0415 - polars
        write_generated,
    )

    place = workspace()
    _require_own_sources(place)
    files = checkout(place)
    for source_id in place.choose(sources):
        spec = place.specs[source_id]
        for path in write_staging(files.staging, spec, released=released):
            messages().print(f"written: {path}", markup=False)
    for path in write_generated(files, place.specs):
        messages().print(f"written: {path}", markup=False)


IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="<producer>_<dataset> in snake_case.")
]
SampleOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Learn columns from it."),
]
FormatOption = Annotated[
    Literal["csv", "geojson"] | None,
    typer.Option("--format", help="By default what the file's name says."),
]
KeyOption = Annotated[
    list[str] | None, typer.Option(help="Column of the key; may be repeated.")
]
KeepOption = Annotated[
    list[str] | None, typer.Option(help="Column to publish; may be repeated.")
]


@app.command()
def new(  # noqa: PLR0913, PLR0917 - one parameter per option
    source_id: IdArgument,
    from_file: SampleOption = None,
    url: Annotated[str | None, typer.Option(help="Address of the file.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Endpoint id; by default found or made.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title, in French.")] = None,
    kind: FormatOption = None,
    key: KeyOption = None,
    keep: KeepOption = None,
    released: Annotated[
        bool, typer.Option(help="Put the table into the release as it is.")
    ] = True,
) -> None:
    """Start a source: specification, suite, test case and staging model."""
    from lrtzc_pipelines.cli.scaffold import Order, plan  # noqa: PLC0415 - polars
    from lrtzc_pipelines.cli.scaffold_report import report  # noqa: PLC0415 - the same

    place = workspace()
    _require_own_sources(place)
    order = Order(
        id=source_id,
        title=title,
        sample=from_file,
        url=url,
        endpoint=endpoint,
        kind=kind,
        released=released,
        key=key or (),
        keep=keep or (),
    )
    scaffold = plan(checkout(place), order)
    scaffold.write()
    report(scaffold, from_file)


def _require_own_sources(place: Workspace) -> None:
    """Refuses to write a foreign catalogue into this project."""
    if place.settings.sources_dir:
        msg = (
            "LRTZC_SOURCES_DIR names other specifications than the project's: "
            "unset it to write"
        )
        raise SettingsError(msg)
