"""A company that leaves tables of waste in its inbox, and reads what it is answered."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from lrtzc_pipelines.deposits.depositors import open_inbox
from lrtzc_pipelines.deposits.forms import Channel, find_form, load_channel
from lrtzc_pipelines.deposits.inbox import Reception, Swept
from lrtzc_pipelines.deposits.intake import ANSWERS, READY
from lrtzc_pipelines.deposits.problems import Problem
from lrtzc_pipelines.deposits.receipts import Receipt
from lrtzc_pipelines.layout import Layout

WASTE, TRIPS = "valorisation_waste", "mobility_trips"
COMPANY = "recyclage_dupont"
HEADINGS = (
    "siret",
    "code_commune",
    "code_naf",
    "mois",
    "code_dechet",
    "code_traitement",
    "tonnes",
)
SIRET, COMMUNE, NAF, MONTH, CODE, TREATMENT, TONNES = range(7)
SHEET = "Registre"
NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)
MUCH_LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""When every file that is left now has been left alone for long enough."""


@cache
def channel(form_id: str = WASTE) -> Channel:
    """A form of the platform and the source that it feeds."""
    return load_channel(find_form(form_id))


def row(number: int = 1, month: str = "2026-03-01", **changes: Any) -> list[Any]:
    """A good row; changes are named as the constants above, in small letters."""
    cells = [f"{number:014d}", "17300", "38.32Z", month, "150101", "R3", "12,5"]
    for name, value in changes.items():
        cells[globals()[name.upper()]] = value
    return cells


def table(*rows: Sequence[str], separator: str = ";") -> bytes:
    """A CSV with the headings of the form, as a spreadsheet writes it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerows([HEADINGS, *rows])
    return out.getvalue().encode()


GOOD = table(row(1), row(2))
BAD = table(row(1, tonnes="beaucoup"), row(2))


@dataclass(frozen=True)
class Formula:
    """A cell with a formula and the value that it last had."""

    text: str = "=6+6.5"
    value: float = 12.5


def workbook(
    *rows: Sequence[Any],
    headings: Sequence[str] = HEADINGS,
    sheets: Sequence[str] = (SHEET,),
    corner: tuple[int, int] = (0, 0),
) -> bytes:
    """An Excel workbook with the table in one of its sheets.

    Args:
        rows: Cells; days become Excel dates, numbers numbers, None a blank cell.
        headings: First row.
        sheets: Names of its sheets; the table is in the one called `SHEET`.
        corner: Empty rows above the table, and empty columns beside it.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    # Equal tables are equal bytes, whenever they are made.
    book.set_properties({"created": NOW.replace(tzinfo=None)})
    shown = book.add_format({"num_format": "dd/mm/yyyy"})
    for name in sheets:
        sheet = book.add_worksheet(name)
        table = [headings, *rows] if name == SHEET else [["Consignes"]]
        top, left = corner
        for down, cells in enumerate(table, start=top):
            for along, cell in enumerate(cells, start=left):
                _write(sheet, (down, along), cell, shown)
    book.close()
    return out.getvalue()


def _write(sheet: Any, place: tuple[int, int], cell: Any, shown: Any) -> None:
    match cell:
        case date():
            sheet.write_datetime(*place, cell, shown)
        case str():
            sheet.write_string(*place, cell)
        case Formula():
            sheet.write_formula(*place, cell.text, None, cell.value)
        case None:
            sheet.write_blank(*place, None, shown)
        case _:
            sheet.write(*place, cell)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def edited(book: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """A workbook with one part of it changed, as only a program would."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as read,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as write,
    ):
        for name in read.namelist():
            content = read.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new, 1)
            write.writestr(name, content)
    return out.getvalue()


def places(problems: Iterable[Problem]) -> list[tuple[str | None, tuple[int, ...]]]:
    """Column and rows of each problem."""
    return [(problem.column, problem.rows) for problem in problems]


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    def wait(self, **time: float) -> None:
        self.moment += timedelta(**time)


@dataclass
class Partner:
    """A company, its inbox and its reception."""

    layout: Layout
    clock: Clock = field(default_factory=Clock)
    depositor: str = COMPANY
    form_id: str = WASTE
    max_megabytes: int = 50

    def __post_init__(self) -> None:
        open_inbox(self.layout, channel(self.form_id).form, self.depositor)

    @property
    def reception(self) -> Reception:
        found = channel(self.form_id)
        form = found.form.model_copy(update={"max_megabytes": self.max_megabytes})
        bounded = replace(found, form=form)
        return Reception(bounded, self.depositor, self.layout, now=self.clock)

    @property
    def inbox(self) -> Path:
        return self.layout.inbox(self.form_id, self.depositor)

    def other(self, depositor: str) -> Partner:
        """Another company that uses the same form."""
        return Partner(self.layout, self.clock, depositor, self.form_id)

    def drop(self, name: str | bytes, body: bytes) -> Path:
        """Leaves a file and the marker that says that it is complete."""
        path = self.inbox / os.fsdecode(name)
        path.write_bytes(body)
        path.with_name(path.name + READY).touch()
        return path

    def sweep(self) -> Swept:
        """A look at the inbox, a minute after the one before."""
        self.clock.wait(minutes=1)
        return self.reception.sweep()

    def deposit(self, name: str, body: bytes) -> Receipt:
        """Leaves a file; what becomes of it."""
        self.drop(name, body)
        swept = self.sweep()
        assert not swept.failures
        (receipt,) = swept.receipts
        return receipt

    @property
    def receipts(self) -> list[Receipt]:
        return self.reception.deposits.receipts()

    @property
    def held(self) -> list[str]:
        """Hashes of the files among the deposits."""
        files = self.reception.deposits.files()
        return sorted(sha256(path.read_bytes()) for path in files)

    @property
    def left(self) -> list[str]:
        """Names of what is in the inbox, answers aside."""
        return sorted(p.name for p in self.inbox.iterdir() if p.name != ANSWERS)

    @property
    def answers(self) -> list[str]:
        folder = self.inbox / ANSWERS
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def answer(self, name: str) -> str:
        """The text that answers a file."""
        return (self.inbox / ANSWERS / f"{name}.txt").read_text("utf-8")

    def document(self, name: str) -> dict[str, Any]:
        """The same for a program."""
        text = (self.inbox / ANSWERS / f"{name}.json").read_text("utf-8")
        found = json.loads(text)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(Layout(tmp_path))
