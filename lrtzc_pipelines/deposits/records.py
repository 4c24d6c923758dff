"""Rows of cells with their places in the partner's file, as one plain CSV.

What belongs here is the same for every kind of file: which row has the headings, which
cells count, and how they are written down.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lrtzc_pipelines.deposits.forms import DEPOSITOR, Channel
from lrtzc_pipelines.deposits.headings import Headings, matched
from lrtzc_pipelines.deposits.problems import (
    DepositRefused,
    Problem,
    at_rows,
    refuse,
)
from lrtzc_pipelines.deposits.spellings import spellers
from lrtzc_pipelines.sources.formats import CsvFormat
from lrtzc_pipelines.sources.spec import SourceSpec

Record = tuple[int, Sequence[str]]
"""Cells of a row and its number in the partner's file; 0 if that cannot be told."""


@dataclass(frozen=True)
class Content:
    """A table ready to go through its source's checks.

    Attributes:
        body: CSV as the source declares it.
        rows: For each row, its number in the partner's file; 0 if it cannot be told.
        sheet: Sheet of the workbook it was in.
        remarks: What is worth saying though it is not wrong.
    """

    body: bytes
    rows: tuple[int, ...]
    sheet: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the CSV."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Table:
    """The rows of a table as they stand in a file, headings first.

    Attributes:
        records: The rows; blank ones may be among them.
        sheet: Sheet of the workbook it is in.
        first_column: Place of its first column in that sheet, from 0.
        has_others: Whether the workbook has sheets that are not read.
    """

    records: Iterator[Record]
    sheet: str | None = None
    first_column: int = 0
    has_others: bool = False


def csv_format(spec: SourceSpec) -> CsvFormat:
    """How a source's deposits are kept."""
    assert isinstance(spec.format, CsvFormat)  # noqa: S101 - forms.disagreements
    return spec.format


def plain_csv(table: Table, channel: Channel, depositor: str) -> Content:
    """The table as the CSV that its source declares.

    Args:
        table: The rows.
        channel: What they were deposited for.
        depositor: Whose rows they are.

    Raises:
        DepositRefused: no row, or headings or widths of rows that do not fit.
    """
    filled = (record for record in table.records if _is_filled(record[1]))
    first = next(filled, None)
    if first is None:
        why = "la feuille est vide" if table.sheet else "le fichier est vide"
        refuse(why, "Vérifiez l'export et redéposez-le.", sheet=table.sheet)
    row, texts = first
    headings = Headings(texts, row, table.sheet, table.first_column, table.has_others)
    names = matched(headings, channel.spec)
    sorted_out = _sort_out(filled, names)
    problems = [*_faults(sorted_out, headings, csv_format(channel.spec).separator)]
    if problems:
        raise DepositRefused(*problems)
    if not sorted_out.rows:
        why = "le tableau n'a pas de ligne sous ses titres"
        refuse(why, "Vérifiez l'export et redéposez-le.", sheet=table.sheet)
    body = _written([n for n in names if n], sorted_out.rows, channel, depositor)
    return Content(body, tuple(number for number, _ in sorted_out.rows), table.sheet)


def _is_filled(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)


@dataclass
class _SortedOut:
    """Rows of cells under headings, and where the others are."""

    rows: list[Record] = field(default_factory=list)
    ragged: list[int] = field(default_factory=list)
    nameless: dict[int, list[int]] = field(default_factory=dict)


def _sort_out(records: Iterator[Record], names: Sequence[str | None]) -> _SortedOut:
    found = _SortedOut()
    named = [index for index, name in enumerate(names) if name]
    others = [index for index, name in enumerate(names) if not name]
    for number, cells in records:
        # Separators at the end of a line are no cells.
        if len(cells) < len(names) or _is_filled(cells[len(names) :]):
            found.ragged.append(number)
            continue
        for index in others:
            if cells[index].strip():
                found.nameless.setdefault(index, []).append(number)
        found.rows.append((number, [cells[index] for index in named]))
    return found


def _faults(found: _SortedOut, headings: Headings, separator: str) -> Iterator[Problem]:
    if found.ragged:
        why = f"la ligne n'a pas {len(headings.texts)} cellules comme celle des titres"
        fix = f"Vérifiez les séparateurs « {separator} » et les guillemets."
        yield at_rows(why, fix, found.ragged, sheet=headings.sheet)
    for index, rows in sorted(found.nameless.items()):
        why = "la colonne contient des valeurs mais n'a pas de titre"
        fix = "Donnez-lui son titre, ou videz-la."
        column = headings.position(index)
        yield at_rows(why, fix, rows, sheet=headings.sheet, column=column)


def _written(
    names: Sequence[str],
    rows: Sequence[Record],
    channel: Channel,
    depositor: str,
) -> bytes:
    csv_form = csv_format(channel.spec)
    out = io.StringIO(newline="")
    # Every cell between quotes: whatever is in one, it is read as it was.
    writer = csv.writer(
        out,
        delimiter=csv_form.separator,
        quotechar=csv_form.quote,
        quoting=csv.QUOTE_ALL,
        lineterminator="\n",
    )
    writer.writerow([DEPOSITOR, *names])
    known = spellers(channel.form, channel.spec)
    spell = [known.get(name, str) for name in names]
    for _, cells in rows:
        spelled = [write(cell) for write, cell in zip(spell, cells, strict=True)]
        writer.writerow([depositor, *spelled])
    return out.getvalue().encode(csv_form.encoding)
