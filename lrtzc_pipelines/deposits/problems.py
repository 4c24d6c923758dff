"""What is wrong with a deposited file, told so that a partner can correct it.

Texts are French. They name places (sheet, rows, column) and never a value of the file:
what is wrong may be personal.
"""

from __future__ import annotations

from collections.abc import Sequence
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
            numbers = ", ".join(str(row) for row in self.rows)
            more = self.count - len(self.rows)
            others = f" et {more} autre{'s' if more > 1 else ''}" if more > 0 else ""
            parts.append(f"ligne{'s' if self.count > 1 else ''} {numbers}{others}")
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
    """A problem of some rows, of which the first are named."""
    return Problem(
        why=why,
        fix=fix,
        sheet=sheet,
        column=column,
        rows=tuple(rows[:SHOWN_ROWS]),
        count=len(rows),
    )


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
