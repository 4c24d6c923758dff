"""Excel workbooks looked into before a reader believes them: sheets, extent, formulas.

The reader lays a sheet out as one block from its first cell to its last, and makes
room for as many texts as the workbook says it has. A few kilobytes can thus ask for
more memory than there is, which ends the whole process: both are counted here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

from lxml import etree

from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.parsers.archives import Archive, ArchiveLimits
from lrtzc_pipelines.parsers.refusals import ArchiveError, Refusal

LIMITS = ArchiveLimits(members=2_000, total_bytes=1_000 * MEGABYTE)
MOST_CELLS = 20_000_000

_BOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_TEXTS = "xl/sharedstrings.xml"
_LARGEST_INDEX = 5 * MEGABYTE
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_LAST_COLUMN, _LAST_ROW = 16_384, 1_048_576
_SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False}

_DAMAGES = (
    etree.LxmlError,
    expat.ExpatError,
    KeyError,
    ValueError,
    StopIteration,
)

Places = dict[int, list[int]]
"""Rows by column; rows count from 1 as a spreadsheet shows them, columns from 0."""


@dataclass(frozen=True)
class Sheet:
    """One worksheet of a workbook.

    Attributes:
        path: Where it is in the archive.
        is_hidden: Whether a person who opens the workbook does not see it.
    """

    name: str
    path: str
    is_hidden: bool


@dataclass
class Survey:
    """What a worksheet holds, without its values.

    Attributes:
        first_row: First row that holds a value; 0 if none does.
        last_row: Last row that holds a value.
        first_column: First column that holds a value, from 0.
        formulas: Where formulas are.
        errors: Where values are errors such as `#N/A`, which have no text.
    """

    first_row: int = 0
    last_row: int = 0
    first_column: int = 0
    formulas: Places = field(default_factory=dict)
    errors: Places = field(default_factory=dict)


def is_workbook(archive: Archive) -> bool:
    """Whether an archive is an Excel workbook."""
    return _BOOK in archive.names


def worksheets(archive: Archive, label: str) -> list[Sheet]:
    """The worksheets of a workbook in their order; sheets of charts are none.

    Raises:
        ArchiveError: damaged, or two things by one name: readers take either.
    """
    with _readable(label):
        targets = _targets(archive, label)
        found = [
            Sheet(
                name=str(node.get("name")),
                path=targets[identifier],
                is_hidden=node.get("state", "visible") != "visible",
            )
            for node in _root(archive, _BOOK, label).iter("{*}sheet")
            if (identifier := _identifier(node)) in targets
        ]
    names = [sheet.name.casefold() for sheet in found]
    if len(set(names)) < len(names):
        _damaged(label, "two sheets have one name")
    return found


def survey(
    archive: Archive, sheet: Sheet, label: str, *, most_cells: int = MOST_CELLS
) -> Survey:
    """What a worksheet holds, once it is known that a reader can hold it.

    Args:
        archive: The workbook.
        sheet: The worksheet.
        label: Source and page, for messages.
        most_cells: Cells, blank ones between others included, and texts at most.

    Raises:
        ArchiveError: damaged, or larger than that.
    """
    with _readable(label):
        texts = _texts_claimed(archive)
        if texts > most_cells:
            msg = f"{label}: the workbook claims {texts} texts: too large"
            raise ArchiveError(msg, Refusal.TOO_LARGE)
        found = _Cells(label, most_cells)
        parser = expat.ParserCreate()
        parser.StartElementHandler = found.start
        with archive.open(sheet.path) as stream:
            while piece := stream.read():
                parser.Parse(piece)
        parser.Parse(b"", True)  # noqa: FBT003 - the end; it takes no keywords
        return found.survey


class _Cells:
    """Follows the cells of a worksheet as its elements start, one after the other.

    Only starts are told, since every other call would double the time; so a cell is
    taken to hold a value where it has room for one.
    """

    def __init__(self, label: str, most_cells: int) -> None:
        self.survey = Survey()
        self._label = label
        self._most_cells = most_cells
        self._row, self._column, self._kind = 0, -1, ""
        self._in_cell = False
        self._top = self._left = _LAST_ROW
        self._bottom = self._right = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Takes an element in."""
        # Of the two namespaces that workbooks use, under any prefix, either counts.
        name = tag.rpartition(":")[2] if ":" in tag else tag
        if name == "c":
            self._start_cell(attributes)
        elif name == "row":
            number = attributes.get("r")
            self._row = int(number) if number else self._row + 1
            self._column = -1
        elif self._in_cell:
            self._fill_cell(name)

    def _fill_cell(self, name: str) -> None:
        if name in {"v", "is"}:
            self._stretch()
            found, row = self.survey, self._row
            found.first_column = min(
                found.first_column if found.first_row else self._column, self._column
            )
            found.first_row = min(found.first_row or row, row)
            found.last_row = max(found.last_row, row)
            if self._kind == "e":
                found.errors.setdefault(self._column, []).append(row)
        elif name == "f":
            self._stretch()
            self.survey.formulas.setdefault(self._column, []).append(self._row)
        else:
            # The rules for colours and entries that follow the cells have an `f` too.
            self._in_cell = False

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        if reference:
            matched = _REFERENCE.fullmatch(reference)
            if not matched:
                _damaged(self._label, "a cell that is nowhere")
            # The cell's own word counts, whatever row it stands in.
            self._column, self._row = _column(matched[1]), int(matched[2])
        else:
            self._column += 1
        if self._column >= _LAST_COLUMN or not 0 < self._row <= _LAST_ROW:
            _damaged(self._label, "a cell that is nowhere")
        self._kind = attributes.get("t", "n")
        self._in_cell = True

    def _stretch(self) -> None:
        """Counts the block from the first cell to the last, blank ones included."""
        row, column = self._row, self._column
        self._top, self._bottom = min(self._top, row), max(self._bottom, row)
        self._left, self._right = min(self._left, column), max(self._right, column)
        width = self._right - self._left + 1
        if (self._bottom - self._top + 1) * width > self._most_cells:
            msg = f"{self._label}: a sheet of over {self._most_cells} cells: too large"
            raise ArchiveError(msg, Refusal.TOO_LARGE)


def _targets(archive: Archive, label: str) -> dict[str, str]:
    """Where each worksheet is, by the identifier that the workbook gives it."""
    by_name: dict[str, str] = {}
    for name in archive.names:
        # Readers do not tell capitals: which of two they take is not ours to guess.
        if by_name.setdefault(name.lower(), name) != name:
            _damaged(label, "two files have one name")
    found: dict[str, str] = {}
    for node in _root(archive, _RELATIONS, label):
        identifier = str(node.get("Id"))
        if identifier in found:
            _damaged(label, "two relations have one name")
        target = str(node.get("Target")).replace("\\", "/")
        is_whole = target.startswith(("/", "xl/"))
        path = target.lstrip("/") if is_whole else f"xl/{target}"
        if str(node.get("Type")).endswith("/worksheet"):
            found[identifier] = by_name[path.lower()]
    return found


def _identifier(node: Any) -> str:
    names = (n for n in node.attrib if _local(n) == "id" and n != "id")
    return str(node.get(next(names, "id")))


def _root(archive: Archive, name: str, label: str) -> Any:
    with archive.open(name) as stream:
        body = b""
        while piece := stream.read():
            body += piece
            if len(body) > _LARGEST_INDEX:
                msg = f"{label}: {name} is too large"
                raise ArchiveError(msg, Refusal.TOO_LARGE)
    return etree.fromstring(body, etree.XMLParser(**_SAFE))


def _texts_claimed(archive: Archive) -> int:
    """How many texts the cells may share, as the workbook says it."""
    name = next((name for name in archive.names if name.lower() == _TEXTS), None)
    if name is None:
        return 0
    with archive.open(name) as stream:
        _, root = next(iter(etree.iterparse(stream, events=("start",), **_SAFE)))
        return int(root.get("uniqueCount") or 0)


def _column(letters: str) -> int:
    """The place of a column by its letters, from 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _local(tag: str) -> str:
    """A name without its namespace: of the two that workbooks use, either counts."""
    return tag.rpartition("}")[2]


def _damaged(label: str, what: str) -> NoReturn:
    msg = f"{label}: no Excel workbook that can be read: {what}"
    raise ArchiveError(msg, Refusal.DAMAGED)


@contextmanager
def _readable(label: str) -> Iterator[None]:
    """Turns what damaged XML raises into an ArchiveError."""
    try:
        yield
    except _DAMAGES as error:
        msg = f"{label}: no Excel workbook that can be read: {type(error).__name__}"
        raise ArchiveError(msg, Refusal.DAMAGED) from error
