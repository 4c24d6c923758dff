"""`lrtzc privacy canaries`: invented persons, and where none of them may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from lrtzc_pipelines.canaries.invented import Canary
from lrtzc_pipelines.cli.output import Exit, JsonOption, print_json, print_rows
from lrtzc_pipelines.cli.workspace import workspace
from lrtzc_pipelines.errors import LrtzcError


def canaries(
    seed: Annotated[int, typer.Option(help="Seed of the sandbox.")] = 2040,
    check: Annotated[
        bool, typer.Option(help="Look for them outside of the private zone.")
    ] = False,
    also: Annotated[
        list[Path] | None, typer.Option(help="Look here too; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the canaries that a sandbox plants, or look where none may be."""
    from lrtzc_pipelines.sandbox.planted import planted_canaries  # noqa: PLC0415

    planted = planted_canaries(seed)
    if check:
        raise typer.Exit(_check(planted, also or [], as_json=as_json))
    if as_json:
        print_json([vars(canary) for canary in planted])
        return
    counted = Counter((canary.source_id, canary.column) for canary in planted)
    rows = [{"source": s, "column": c, "canaries": n} for (s, c), n in counted.items()]
    print_rows(rows, as_json=False, title=f"Canaries of seed {seed}")


def _check(planted: tuple[Canary, ...], also: list[Path], *, as_json: bool) -> Exit:
    """Looks for canaries; tells where they are, and not what they say.

    Raises:
        LrtzcError: those of no source came in, so that their absence proves nothing.
    """
    from lrtzc_pipelines.canaries import scanning  # noqa: PLC0415 - numpy, duckdb

    layout, scanner = workspace().layout, scanning.Scanner(planted)
    private = scanner.scan(scanning.private_files(layout))
    arrived = {leak.canary for leak in private}
    if not _sources_of(arrived, planted):
        msg = "no canary of this seed came in: that none got out would prove nothing"
        raise LrtzcError(msg)
    paths = [*scanning.public_files(layout), *scanning.files_at(also)]
    rows = [
        {
            "file": str(leak.path),
            "where": leak.where,
            "source": leak.canary.source_id,
            "column": leak.canary.column,
            "number": leak.canary.number,
            "encoding": leak.encoding,
        }
        for leak in scanner.scan(paths)
    ]
    nothing = (
        f"{len(arrived)} of {len(planted)} canaries came in, none got out: "
        f"{len(paths)} files were looked through"
    )
    print_rows(rows, as_json=as_json, title="Canaries that got out", empty=nothing)
    return Exit.ERROR if rows else Exit.OK


def _sources_of(arrived: Iterable[Canary], planted: Iterable[Canary]) -> set[str]:
    """Sources half of whose canaries came in at least.

    A few come in under any seed: short numbers are those of several persons.
    """
    came = Counter(canary.source_id for canary in arrived)
    all_of = Counter(canary.source_id for canary in planted)
    return {name for name, count in came.items() if 2 * count >= all_of[name]}
