"""Zip archives and workbooks, looked into with suspicion before anything is read.

Nothing is ever unpacked to the disk. Sizes are bounded by what is declared and by what
comes; a workbook with formulas, macros or links to elsewhere is refused, because its
values are not in it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from lrtzc_pipelines.deposits.problems import DepositRefused, at_rows, refuse

_MOST_MEMBERS = 2_000
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_MOST_CELLS = 5_000_000
_LARGEST_INDEX = 5_000_000
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_SAVE_AGAIN = "Enregistrez le fichier à nouveau et redéposez-le."
_FOREIGN = {
    "vbaproject": (
        "le classeur contient des macros",
        "Enregistrez-le au format « Classeur Excel (.xlsx) », sans macros.",
    ),
    "xl/externallinks/": (
        "le classeur contient des liens vers d'autres fichiers",
        "Copiez les valeurs dans un nouveau classeur (collage spécial, valeurs).",
    ),
    "xl/connections.xml": (
        "le classeur contient des connexions à des données extérieures",
        "Copiez les valeurs dans un nouveau classeur (collage spécial, valeurs).",
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
class Sheet:
    """The sheet that is read, and where its rows are.

    Attributes:
        name: Name of the sheet.
        rows: Numbers of the rows that hold a value, the headings' first.
        others: Sheets that are not read.
    """

    name: str
    rows: tuple[int, ...]
    others: int


@dataclass
class _Cells:
    """What is met while a sheet streams by."""

    rows: list[int] = field(default_factory=list)
    formulas: list[int] = field(default_factory=list)
    number: int = 0
    cells: int = 0
    has_value: bool = False
    has_formula: bool = False

    def add_cell(self, node: Any) -> None:
        """Notes a cell of the row that is being read."""
        self.cells += 1
        if self.cells > _MOST_CELLS:
            why = f"la feuille a plus de {_MOST_CELLS} cellules"
            refuse(why, "Déposez un fichier par période.")
        self.has_value = self.has_value or _holds_value(node)
        self.has_formula = self.has_formula or node.find(f"{_MAIN}f") is not None

    def end_row(self, node: Any) -> None:
        """Notes the row itself; rows without a number follow the one before."""
        self.number = int(node.get("r") or self.number + 1)
        if self.has_value:
            self.rows.append(self.number)
        if self.has_formula:
            self.formulas.append(self.number)
        self.has_value = self.has_formula = False


@contextmanager
def opened(body: bytes, max_bytes: int) -> Iterator[zipfile.ZipFile]:
    """The archive in `body`, its bounds checked.

    Raises:
        DepositRefused: not an archive, damaged, or one that would not fit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            _check_members(archive, max_bytes)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        why = "l'archive est abîmée ou incomplète"
        refuse(why, _SAVE_AGAIN)


def _check_members(archive: zipfile.ZipFile, max_bytes: int) -> None:
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > _MOST_MEMBERS or total > max_bytes:
        limit = max_bytes // 1_000_000
        why = (
            f"l'archive est trop volumineuse une fois décompressée (plus de {limit} Mo)"
        )
        refuse(why, "Déposez un fichier par période, sans autre contenu.")
    for member in members:
        if member.flag_bits & 1:
            why = "l'archive est protégée par un mot de passe"
            refuse(why, "Déposez-la sans mot de passe : l'accès est protégé.")
        if member.compress_type not in _METHODS:
            why = "l'archive emploie une compression qui n'est pas reconnue"
            refuse(why, "Compressez-la au format zip ordinaire.")
        if _leads_elsewhere(member.filename):
            why = "l'archive contient un nom de fichier qui mène hors d'elle"
            refuse(why, "Compressez le fichier seul, sans dossier.")


def _leads_elsewhere(name: str) -> bool:
    path = name.replace("\\", "/")
    has_drive = path[1:2] == ":"
    return path.startswith("/") or has_drive or ".." in path.split("/")


def only_member(archive: zipfile.ZipFile, max_bytes: int) -> tuple[str, bytes]:
    """Name and bytes of the one file of an archive.

    Raises:
        DepositRefused: there is none, or there are several.
    """
    files = [
        member
        for member in archive.infolist()
        # What macOS adds of its own.
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(files) != 1:
        why = f"l'archive contient {len(files)} fichiers au lieu d'un"
        refuse(why, "Compressez un seul fichier, CSV ou XLSX.")
    name = PurePosixPath(files[0].filename.replace("\\", "/")).name
    return name, read_member(archive, files[0].filename, max_bytes)


def read_member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """The bytes of a file of an archive, whatever size it declares.

    Raises:
        DepositRefused: there are more than allowed.
    """
    with archive.open(name) as member:
        body = member.read(max_bytes + 1)
    if len(body) > max_bytes:
        limit = max_bytes // 1_000_000
        why = f"le fichier dépasse {limit} Mo une fois décompressé"
        refuse(why, "Déposez un fichier par période.")
    return body


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether an archive is an Excel workbook."""
    return "xl/workbook.xml" in archive.namelist()


def inspect_workbook(
    archive: zipfile.ZipFile, wanted: str | None, max_bytes: int
) -> Sheet:
    """The sheet to read.

    Raises:
        DepositRefused: the workbook holds what a table does not need, or no such sheet,
            or formulas in it.
    """
    names = [name.lower() for name in archive.namelist()]
    for part, (why, fix) in _FOREIGN.items():
        if any(part in name for name in names):
            refuse(why, fix)
    try:
        sheets = _sheets(archive, max_bytes)
        name = wanted or next(iter(sheets), "")
        if name not in sheets:
            sheet = f"la feuille « {wanted} »" if wanted else "aucune feuille"
            why = f"le classeur n'a pas {sheet}" if wanted else f"{sheet} à lire"
            refuse(why, "Renommez ou ajoutez la feuille demandée.")
        found = _Cells()
        _read_cells(archive, sheets[name], found)
    except (etree.XMLSyntaxError, KeyError, ValueError):
        refuse("le classeur est abîmé", _SAVE_AGAIN)
    if found.formulas:
        why = "des cellules contiennent une formule et non une valeur"
        fix = "Copiez le tableau et collez-le par « Collage spécial, Valeurs »."
        raise DepositRefused(at_rows(why, fix, found.formulas, sheet=name))
    return Sheet(name, tuple(found.rows), len(sheets) - 1)


def _sheets(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, str]:
    """Where each sheet is, by its name, in the order of the workbook."""
    relations = {
        node.get("Id"): node.get("Target")
        for node in _root(archive, "xl/_rels/workbook.xml.rels", max_bytes)
    }
    book = _root(archive, "xl/workbook.xml", max_bytes)
    found = {}
    for node in book.iter(f"{_MAIN}sheet"):
        target = relations[node.get(_RELATION)]
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        found[str(node.get("name"))] = path
    return found


def _root(archive: zipfile.ZipFile, name: str, max_bytes: int) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    body = read_member(archive, name, min(max_bytes, _LARGEST_INDEX))
    return etree.fromstring(body, parser)


def _read_cells(archive: zipfile.ZipFile, path: str, found: _Cells) -> None:
    with archive.open(path) as stream:
        events = etree.iterparse(
            stream,
            events=("end",),
            tag=(f"{_MAIN}c", f"{_MAIN}row"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
        )
        for _, node in events:
            if node.tag.endswith("}c"):
                found.add_cell(node)
                continue
            found.end_row(node)
            # What was read is let go, or a large sheet would not fit in memory.
            node.clear()
            while node.getprevious() is not None:
                del node.getparent()[0]


def _holds_value(cell: Any) -> bool:
    return any(
        text.strip()
        for name in ("v", "is")
        for part in cell.findall(f"{_MAIN}{name}")
        for text in part.itertext()
    )
