"""Zip archives and workbooks of partners: what is read of them, or why nothing is.

The suspicion is that of every archive (`parsers.archives`, `parsers.workbooks`). What
belongs here is what only deposits ask for: one file in an archive, a sheet with values
and no formula in a workbook, and the reasons in French.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from lrtzc_pipelines.deposits.problems import DepositRefused, Problem, at_cells, refuse
from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers import archives, workbooks
from lrtzc_pipelines.parsers.archives import Archive, ArchiveLimits
from lrtzc_pipelines.parsers.refusals import ArchiveError, Refusal
from lrtzc_pipelines.parsers.tables import sheet_cells

LABEL = "deposit"
_MOST_MEMBERS = 2_000
_MOST_CELLS = 5_000_000
_LONGEST_SHEET = 31
_SAVE_AGAIN = "Enregistrez le fichier à nouveau et redéposez-le."
_VALUES = "Copiez les valeurs dans un nouveau classeur (collage spécial, valeurs)."
_SAID: Mapping[Refusal, tuple[str, str]] = {
    Refusal.DAMAGED: ("l'archive ou le classeur est abîmé ou incomplet", _SAVE_AGAIN),
    Refusal.ABSENT: ("l'archive ou le classeur est abîmé ou incomplet", _SAVE_AGAIN),
    Refusal.TOO_LARGE: (
        "le contenu est trop volumineux une fois décompressé",
        "Déposez un fichier par période, sans autre contenu ni cellules éparses.",
    ),
    Refusal.ENCRYPTED: (
        "l'archive est protégée par un mot de passe",
        "Déposez-la sans mot de passe : ce dossier n'est ouvert qu'à vous.",
    ),
    Refusal.PACKING: (
        "l'archive emploie une compression qui n'est pas reconnue",
        "Compressez le fichier au format zip ordinaire.",
    ),
    Refusal.NAME: (
        "l'archive contient un nom de fichier qui mène hors d'elle",
        "Compressez le fichier seul, sans dossier.",
    ),
    Refusal.NESTED: (
        "l'archive contient une autre archive",
        "Compressez un seul fichier, CSV ou XLSX, et une seule fois.",
    ),
}
_FOREIGN = {
    "vbaproject": (
        "le classeur contient des macros",
        "Enregistrez-le au format « Classeur Excel (.xlsx) », sans macros.",
    ),
    "xl/macrosheets/": (
        "le classeur contient des macros",
        "Copiez le tableau dans un nouveau classeur (collage spécial, valeurs).",
    ),
    "xl/externallinks/": (
        "le classeur contient des liens vers d'autres fichiers",
        _VALUES,
    ),
    "xl/connections.xml": (
        "le classeur contient des connexions à des données extérieures",
        _VALUES,
    ),
    "xl/embeddings/": (
        "le classeur contient des objets incorporés",
        "Retirez-les et ne gardez que le tableau.",
    ),
    "xl/activex/": (
        "le classeur contient des contrôles ActiveX",
        "Retirez-les et ne gardez que le tableau.",
    ),
}
"""What a table never needs, by what the names of such parts hold."""


@dataclass(frozen=True)
class SheetTable:
    """The cells of a sheet, and where they are in it.

    Attributes:
        name: Name of the sheet, fit to be shown.
        cells: Text of the cells, one row for each of the sheet's.
        rows: Number of each row in the sheet; 0 where it cannot be told.
        first_column: Place of the first column in the sheet, from 0.
        has_others: Whether the workbook has sheets that were not read.
    """

    name: str
    cells: pl.DataFrame
    rows: Sequence[int]
    first_column: int
    has_others: bool


@contextmanager
def opened(body: bytes, max_bytes: int) -> Iterator[Archive]:
    """The archive in `body`, its bounds checked.

    Args:
        body: The bytes.
        max_bytes: Most bytes that may come out of it.

    Raises:
        DepositRefused: not an archive, damaged, or one that would not fit; also what
            comes to light while it is read.
    """
    limits = ArchiveLimits(
        members=_MOST_MEMBERS,
        member_bytes=max_bytes,
        total_bytes=max_bytes,
        may_hold_workbooks=True,
    )
    try:
        with archives.opened(body, LABEL, limits) as archive:
            yield archive
    except ArchiveError as error:
        refuse(*_SAID[error.refusal])
    except ParseError:
        refuse(*_SAID[Refusal.DAMAGED])


def only_member(archive: Archive) -> tuple[str, bytes]:
    """Name and bytes of the one file of an archive.

    Raises:
        DepositRefused: there is none, or there are several.
        ArchiveError: it cannot be read; `opened` tells that.
    """
    # What macOS adds of its own.
    names = [name for name in archive.names if not name.startswith("__MACOSX/")]
    if len(names) != 1:
        why = f"l'archive contient {len(names)} fichiers au lieu d'un seul"
        refuse(why, "Compressez un seul fichier, CSV ou XLSX.")
    return PurePosixPath(names[0]).name, archive.read(names[0])


def read_sheet(archive: Archive, body: bytes, wanted: str | None) -> SheetTable:
    """The sheet of a workbook that holds the table.

    Args:
        archive: The workbook.
        body: Its bytes.
        wanted: Name of the sheet; the first one that a person sees if None.

    Raises:
        DepositRefused: the workbook holds what a table does not need, or no such sheet,
            or formulas and errors instead of values.
        ParseError: it is damaged or too large; `opened` tells that.
    """
    for name in archive.names:
        for part, reason in _FOREIGN.items():
            if part in name.lower():
                refuse(*reason)
    sheets = workbooks.worksheets(archive, LABEL)
    sheet = _chosen(sheets, wanted)
    shown = _shown(sheet.name)
    found = workbooks.survey(archive, sheet, LABEL, most_cells=_MOST_CELLS)
    _require_values(found, shown)
    cells = sheet_cells(body, LABEL, sheet.name)
    rows: Sequence[int] = range(found.first_row, found.last_row + 1)
    # A reader that counts otherwise must not send the partner to a wrong row.
    rows = rows if len(rows) == cells.height else [0] * cells.height
    return SheetTable(shown, cells, rows, found.first_column, len(sheets) > 1)


def _chosen(sheets: Sequence[workbooks.Sheet], wanted: str | None) -> workbooks.Sheet:
    found = [
        sheet
        for sheet in sheets
        if sheet.name == wanted or (wanted is None and not sheet.is_hidden)
    ]
    if found:
        return found[0]
    why, fix = "le classeur n'a aucune feuille visible", _SAVE_AGAIN
    if wanted is not None:
        why = f"le classeur n'a pas de feuille « {wanted} »"
        fix = f"Nommez « {wanted} » la feuille qui contient le tableau."
    raise DepositRefused(Problem(why=why, fix=fix))


def _require_values(found: workbooks.Survey, sheet: str) -> None:
    if found.formulas:
        why = "des cellules contiennent une formule et non une valeur"
        fix = "Copiez le tableau et collez-le par « Collage spécial, Valeurs »."
        raise DepositRefused(*at_cells(why, fix, found.formulas, sheet=sheet))
    if found.errors:
        why = "des cellules contiennent une erreur d'Excel, comme #N/A ou #REF!"
        fix = "Remplacez chaque erreur par la valeur, ou videz la cellule."
        raise DepositRefused(*at_cells(why, fix, found.errors, sheet=sheet))


def _shown(name: str) -> str:
    """A sheet's name as an answer may repeat it: Excel's own bounds, and no more."""
    cleaned = "".join(char if char.isprintable() else "_" for char in name)
    return cleaned[:_LONGEST_SHEET]
