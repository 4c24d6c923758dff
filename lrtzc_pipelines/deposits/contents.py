"""The table in a deposited file, whatever it came in, as one plain CSV.

CSV, XLSX and a zip of either become the CSV that the source declares, with the form's
own headings and the depositor before them. For each row the place it came from is
kept, so that what is wrong can be found again in the partner's file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from lrtzc_pipelines.deposits import packages
from lrtzc_pipelines.deposits.forms import Channel
from lrtzc_pipelines.deposits.intake import safe_name
from lrtzc_pipelines.deposits.problems import DepositRefused, at_rows, refuse
from lrtzc_pipelines.deposits.records import (
    Content,
    Record,
    Table,
    csv_format,
    plain_csv,
)
from lrtzc_pipelines.parsers.archives import Archive
from lrtzc_pipelines.parsers.workbooks import is_workbook
from lrtzc_pipelines.sources.formats import CsvFormat

_ZIP = b"PK"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_TAKEN = (".csv", ".xlsx", ".zip")
_ACCEPTED = "Déposez un fichier .csv, .xlsx, ou un .zip qui contient l'un des deux."
_AS_XLSX = "Enregistrez-le au format « Classeur Excel (.xlsx) »."
_AS_UTF8 = "Enregistrez-le au format « CSV UTF-8 », ou déposez le classeur .xlsx."
_LONGEST_CELL = 100_000
_ENDLESS = "une cellule est démesurée : un guillemet ouvert n'est sans doute pas fermé"
_EXPORT_AGAIN = "Vérifiez l'export et redéposez-le."
_AS_WINDOWS = (
    "Le fichier n'est pas en UTF-8 : ses accents ont été lus comme ceux de Windows."
)


def read_content(name: str, body: bytes, channel: Channel, depositor: str) -> Content:
    """The table in a file.

    Args:
        name: Name of the file, whose extension must be that of its content.
        body: Its bytes.
        channel: What it was deposited for.
        depositor: Whose rows they are.

    Raises:
        DepositRefused: it is not a file that can be taken; says why.
    """
    if not body.strip():
        refuse("le fichier est vide", _EXPORT_AGAIN)
    suffix = PurePath(name).suffix.lower()
    _refuse_old_workbook(body)
    _refuse_suffix(suffix)
    limit = channel.form.max_bytes
    if not body.startswith(_ZIP):
        if suffix != ".csv":
            why = f"le contenu n'est pas celui d'un fichier {suffix}"
            refuse(why, "Refaites l'export, sans changer l'extension à la main.")
        return _of_csv(body, channel, depositor)
    # An export of 50 MB is a workbook of several times that, unpacked.
    with packages.opened(body, 4 * limit) as archive:
        if is_workbook(archive):
            _require_suffix(suffix, ".xlsx", "celui d'un classeur Excel")
            return _of_workbook(archive, body, channel, depositor)
        _require_suffix(suffix, ".zip", "celui d'une archive zip")
        inner, content = packages.only_member(archive)
    if len(content) > limit:
        why = f"le fichier dépasse {channel.form.max_megabytes} Mo une fois décompressé"
        refuse(why, "Déposez un fichier par période.")
    if content.startswith(_ZIP) and PurePath(inner).suffix.lower() != ".xlsx":
        refuse("l'archive contient une autre archive", _ACCEPTED)
    return read_content(safe_name(inner), content, channel, depositor)


def _require_suffix(suffix: str, expected: str, what: str) -> None:
    if suffix != expected:
        why = f"le contenu est {what}, mais le nom ne finit pas par {expected}"
        refuse(why, f"Renommez le fichier en {expected}, ou refaites l'export.")


def _refuse_old_workbook(body: bytes) -> None:
    """Refuses what Excel wrote before 2007, and since then for workbooks with a key."""
    if not body.startswith(_OLE):
        return
    if _ENCRYPTED in body:
        why = "le classeur est protégé par un mot de passe"
        refuse(why, "Retirez le mot de passe : ce dossier n'est ouvert qu'à vous.")
    refuse("le fichier est à l'ancien format d'Excel (.xls)", _AS_XLSX)


def _refuse_suffix(suffix: str) -> None:
    if suffix == ".xlsm":
        refuse("le classeur peut contenir des macros", _AS_XLSX)
    if suffix in {".ods", ".xlsb", ".xls", ".numbers"}:
        refuse(f"le format {suffix} n'est pas accepté", _AS_XLSX)
    if suffix not in _TAKEN:
        kind = f"un fichier {suffix}" if suffix else "un fichier sans extension"
        refuse(f"{kind} n'est pas accepté", _ACCEPTED)


def _of_csv(body: bytes, channel: Channel, depositor: str) -> Content:
    if body.startswith(_UTF16) or b"\0" in body:
        refuse("le fichier n'est pas du texte en UTF-8", _AS_UTF8)
    remarks: tuple[str, ...] = ()
    try:
        text = body.decode(csv_format(channel.spec).encoding)
    except UnicodeDecodeError:
        # What Excel in French writes as « CSV », and many programs with it.
        remarks = (_AS_WINDOWS,)
        try:
            text = body.decode("cp1252")
        except UnicodeDecodeError:
            refuse("le fichier n'est pas du texte en UTF-8", _AS_UTF8)
    records = _csv_records(text.removeprefix("\ufeff"), csv_format(channel.spec))
    content = plain_csv(Table(records), channel, depositor)
    return replace(content, remarks=remarks)


def _csv_records(text: str, form: CsvFormat) -> Iterator[Record]:
    """The rows of a CSV, each with the line on which it begins.

    Raises:
        DepositRefused: a row cannot be told from the next.
    """
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=form.separator,
        quotechar=form.quote,
        strict=True,
    )
    before = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            why = "un guillemet est mal placé, ou ouvert et jamais fermé"
            fix = (
                "Vérifiez les guillemets de cette ligne ; dans une cellule, un "
                "guillemet s'écrit deux fois."
            )
            raise DepositRefused(at_rows(why, fix, [before + 1])) from error
        if cells is None:
            return
        if max(map(len, cells), default=0) > _LONGEST_CELL:
            # The reader's own bound is the process's: others raise it.
            fix = "Vérifiez les guillemets de cette ligne et des précédentes."
            raise DepositRefused(at_rows(_ENDLESS, fix, [before + 1]))
        yield before + 1, cells
        before = reader.line_num


def _of_workbook(
    archive: Archive, body: bytes, channel: Channel, depositor: str
) -> Content:
    sheet = packages.read_sheet(archive, body, channel.form.sheet)
    texts = ([cell or "" for cell in row] for row in sheet.cells.iter_rows())
    records = zip(sheet.rows, texts, strict=True)
    table = Table(records, sheet.name, sheet.first_column, sheet.has_others)
    content = plain_csv(table, channel, depositor)
    said = f"Seule la feuille « {sheet.name} » a été lue."
    return replace(content, remarks=(said,) if sheet.has_others else ())
