"""What is wrong with a deposited file, told so that a partner can correct it.

Texts are French. They name places (sheet, rows, column) and never a value of the file:
what is wrong may be personal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from lrtzc_pipelines.sources.frozen import Frozen

SHOWN_ROWS = 10


class Problem(Frozen):
    """One thing that is wrong, wherever it occurs.

    Attributes:
        why: What is wrong.
        fix: How to correct it.
        sheet: Sheet of a workbook.
        column: Heading of the column, as the form asks for it, or its position.
        rows: First rows concerned, as a spreadsheet or an editor numbers them.
        count: Rows concerned; 0 if the whole file is.
    """

    why: str
    fix: str
    sheet: str | None = None
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int = 0

    @property
    def place(self) -> str:
        """Where it is, in French; empty for the whole file."""
        parts = []
        if self.sheet:
            parts.append(f"feuille « {self.sheet} »")
        if self.rows:
            parts.append(lines(self.rows, self.count))
        if self.column:
            parts.append(f"colonne {self.column}")
        return ", ".join(parts)


class DepositRefused(Exception):
    """A file cannot be taken; `problems` say why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.why for problem in problems))
        self.problems = problems


def refuse(why: str, fix: str, *, sheet: str | None = None) -> NoReturn:
    """Refuses a whole file, for one reason.

    Raises:
        DepositRefused: always.
    """
    raise DepositRefused(Problem(why=why, fix=fix, sheet=sheet))


def at_rows(
    why: str,
    fix: str,
    rows: Sequence[int],
    *,
    sheet: str | None = None,
    column: str | None = None,
) -> Problem:
    """A problem of some rows, of which the first are named.

    Args:
        why: What is wrong.
        fix: How to correct it.
        rows: Their numbers; 0 for rows that cannot be told, and then none is named.
        sheet: Sheet of a workbook.
        column: Heading or position of the column.
    """
    ordered = sorted(rows)
    return Problem(
        why=why,
        fix=fix,
        sheet=sheet,
        column=column,
        rows=tuple(ordered[:SHOWN_ROWS]) if all(ordered) else (),
        count=len(ordered),
    )


def at_cells(
    why: str, fix: str, places: Mapping[int, Sequence[int]], *, sheet: str
) -> list[Problem]:
    """A problem of some cells of a sheet, one entry for each column.

    Args:
        why: What is wrong.
        fix: How to correct it.
        places: Rows by column, columns from 0.
        sheet: The sheet.
    """
    return [
        at_rows(why, fix, rows, sheet=sheet, column=position(column))
        for column, rows in sorted(places.items())
    ]


def lines(rows: Sequence[int], count: int) -> str:
    """Rows as a person tells them: « lignes 3, 5 et 8 », « … et 12 autres ».

    Args:
        rows: The first ones.
        count: How many there are.
    """
    more = count - len(rows)
    shown = [str(row) for row in rows]
    if more > 0:
        shown.append(f"{more} autre{'s' if more > 1 else ''}")
    return f"ligne{'s' if count > 1 else ''} {listed(shown)}"


def listed(names: Sequence[str]) -> str:
    """Names as a person lists them: « a, b et c »."""
    *others, last = names
    return f"{', '.join(others)} et {last}" if others else last


def quoted(name: str) -> str:
    """A heading of the form between French quotation marks."""
    return f"« {name} »"


def position(index: int) -> str:
    """A column by its place, for headings that are not ours to repeat."""
    letters, number = "", index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters} (n° {index + 1})"
