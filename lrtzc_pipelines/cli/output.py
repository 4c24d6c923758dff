"""How commands speak: tables for people, JSON for programs, errors in one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON for a program to read.")
]

_PIPE_WIDTH = 160


class Exit(IntEnum):
    """Exit codes of every command.

    0 all went well (unchanged sources included); 1 an error; 2 a wrong call;
    3 a source could not be collected; 4 a source was blocked by a check; 5 the
    release could not be published; 75 another command holds the lock.
    """

    OK = 0
    ERROR = 1
    USAGE = 2
    SOURCE_FAILED = 3
    SOURCE_BLOCKED = 4
    NOT_PUBLISHED = 5
    BUSY = 75


def messages() -> Console:
    """Console of progress and errors: standard error, so that output can be piped."""
    # Where nobody watches, a line is a message: an address cut in two leads nowhere.
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_json(value: object) -> None:
    """Writes `value` as JSON to standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def print_rows(
    rows: Sequence[dict[str, Any]],
    *,
    as_json: bool,
    title: str,
    columns: Sequence[str] | None = None,
    empty: str = "nothing",
) -> None:
    """Writes rows as a table, or as a JSON list of objects.

    Args:
        rows: What to show.
        as_json: JSON instead of a table; then all keys are given.
        title: Title of the table.
        columns: Keys to show in the table, in order; by default all.
        empty: What to say when there is nothing.
    """
    if as_json:
        print_json(list(rows))
        return
    console = _results()
    if not rows:
        console.print(empty)
        return
    shown = list(columns or rows[0])
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in shown:
        numeric = all(isinstance(r.get(name), int | float | None) for r in rows)
        table.add_column(
            name.replace("_", " "),
            justify="right" if numeric else "left",
            # Numbers stay in one piece, and no text is cut short.
            no_wrap=numeric,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(as_cell(row.get(name)) for name in shown))
    console.print(table)
    # What is said on standard error comes after it.
    console.file.flush()


def _results() -> Console:
    """Standard output, wide where no screen is: a log's tables are not broken."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    return console


def as_cell(value: object) -> str:
    """A value as a table shows it; markup in data is not markup."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return str(value).replace("[", "\\[")
