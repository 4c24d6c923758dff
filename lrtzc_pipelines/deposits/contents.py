"""The table in a deposited file, whatever it came in, as one plain CSV.

CSV, XLSX and a zip of either become the CSV that the source declares, with the form's
own headings and without blank rows. For each row the place it came from is kept, so
that what is wrong can be found again in the partner's own file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from lrtzc_pipelines.deposits import packages
from lrtzc_pipelines.deposits.forms import Form
from lrtzc_pipelines.deposits.headings import matched
from lrtzc_pipelines.deposits.problems import DepositRefused, at_rows, refuse
from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.registry import PAGE, ROW, parse
from lrtzc_pipelines.raw_store import StoredPage
from lrtzc_pipelines.sources.formats import CsvFormat, XlsxFormat
from lrtzc_pipelines.sources.spec import SourceSpec

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ACCEPTED = "Déposez un fichier .csv, .xlsx, ou un .zip qui contient l'un des deux."
_AS_XLSX = "Enregistrez-le au format « Classeur Excel (.xlsx) »."
_AS_UTF8 = "Enregistrez-le au format « CSV UTF-8 », ou déposez le classeur .xlsx."


@dataclass(frozen=True)
class Content:
    """A table ready to go through its source's checks.

    Attributes:
        body: CSV as the source declares it.
        rows: For each row, its number in the partner's file; a file whose rows cannot
            be told apart has none.
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


Records = Iterator[tuple[int, list[str]]]
"""Rows of cells with their numbers in the partner's file, headings first."""


def read_content(name: str, body: bytes, form: Form, spec: SourceSpec) -> Content:
    """The table in a file.

    Args:
        name: Name of the file, whose extension must be that of its content.
        body: Its bytes.
        form: Form it was deposited for.
        spec: Source that the form feeds.

    Raises:
        DepositRefused: it is not a file that can be taken; says why.
    """
    limit = form.max_megabytes * 1_000_000
    if not body.strip():
        refuse("le fichier est vide", "Vérifiez l'export et redéposez-le.")
    suffix = PurePath(name).suffix.lower()
    if body.startswith(b"PK"):
        # An export of 50 MB is a workbook of several times that, unpacked.
        with packages.opened(body, 4 * limit) as archive:
            if packages.is_workbook(archive):
                _require_suffix(suffix, ".xlsx", "un classeur Excel")
                sheet = packages.inspect_workbook(archive, form.sheet, 4 * limit)
                return _of_workbook(body, sheet, spec)
            _require_suffix(suffix, ".zip", "une archive zip")
            inner, content = packages.only_member(archive, limit)
        if content.startswith(b"PK") and PurePath(inner).suffix.lower() == ".zip":
            refuse("l'archive contient une autre archive", _ACCEPTED)
        return read_content(inner, content, form, spec)
    _refuse_foreign(suffix, body)
    return _of_csv(body, spec)


def _require_suffix(suffix: str, expected: str, what: str) -> None:
    if suffix == ".xlsm":
        refuse("le classeur peut contenir des macros", _AS_XLSX)
    if suffix != expected:
        why = f"le contenu est {what}, mais le nom ne finit pas par {expected}"
        refuse(why, f"Renommez le fichier en {expected}, ou refaites l'export.")


def _refuse_foreign(suffix: str, body: bytes) -> None:
    """Refuses what is no CSV, by its content first."""
    if body.startswith(_OLE):
        if _ENCRYPTED in body:
            why = "le classeur est protégé par un mot de passe"
            refuse(why, "Retirez la protection : le dépôt est déjà protégé.")
        refuse("le classeur est à l'ancien format .xls", _AS_XLSX)
    if suffix in {".xlsx", ".zip"}:
        why = f"le contenu n'est pas celui d'un fichier {suffix}"
        refuse(why, "Refaites l'export, sans changer l'extension à la main.")
    if suffix != ".csv":
        why = f"l'extension « {suffix or 'aucune'} » n'est pas acceptée"
        refuse(why, _ACCEPTED)
    if body.startswith(_UTF16) or b"\0" in body[:10_000]:
        refuse("le fichier n'est pas du texte en UTF-8", _AS_UTF8)


def _of_csv(body: bytes, spec: SourceSpec) -> Content:
    form = _csv_format(spec)
    try:
        text = body.decode(form.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        row = body[: error.start].count(b"\n") + 1
        why = "un caractère n'est pas encodé en UTF-8"
        raise DepositRefused(at_rows(why, _AS_UTF8, [row])) from error
    if "\0" in text:
        refuse("le fichier contient des caractères nuls", _AS_UTF8)
    try:
        return _clean(_csv_records(text, form), spec, sheet=None)
    except csv.Error as error:
        why = "un guillemet ouvert n'est pas fermé, ou une cellule est démesurée"
        fix = "Vérifiez les guillemets de cette ligne et des précédentes."
        row = text.count("\n") if "end of data" in str(error) else 0
        problem = at_rows(why, fix, [row] if row else [])
        raise DepositRefused(problem) from error


def _csv_format(spec: SourceSpec) -> CsvFormat:
    assert isinstance(spec.format, CsvFormat)  # noqa: S101 - forms.disagreements
    return spec.format


def _csv_records(text: str, form: CsvFormat) -> Records:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=form.separator,
        quotechar=form.quote,
        strict=True,
    )
    before = 0
    for cells in reader:
        yield before + 1, cells
        before = reader.line_num


def _of_workbook(body: bytes, sheet: packages.Sheet, spec: SourceSpec) -> Content:
    as_sheet = spec.model_copy(
        update={"format": XlsxFormat(kind="xlsx", sheet=sheet.name)}
    )
    sha256 = hashlib.sha256(body).hexdigest()
    page = StoredPage("file", "xlsx", sha256, sha256, len(body))
    try:
        (frame,) = parse(as_sheet, [(page, body)])
    except ParseError:
        why = "la feuille ne peut pas être lue comme un tableau"
        fix = "Ne gardez que le tableau, ses titres sur la première ligne."
        refuse(why, fix, sheet=sheet.name)
    table = frame.drop(PAGE, ROW)
    numbers = _numbers(sheet, table.height)
    first = sheet.rows[0] if sheet.rows else 1
    cells = ([value or "" for value in row] for row in table.iter_rows())
    records = [(first, list(table.columns)), *zip(numbers, cells, strict=True)]
    content = _clean(iter(records), spec, sheet=sheet.name)
    remarks = (f"Seule la feuille « {sheet.name} » a été lue.",) if sheet.others else ()
    return Content(content.body, content.rows, sheet.name, remarks)


def _numbers(sheet: packages.Sheet, height: int) -> Sequence[int]:
    """Numbers of the rows in the sheet; 0 where they cannot be told."""
    headings, *rows = sheet.rows or (1,)
    if len(rows) == height:
        return rows
    if rows and rows[-1] - headings == height:
        return range(headings + 1, headings + 1 + height)
    return [0] * height


def _clean(records: Records, spec: SourceSpec, *, sheet: str | None) -> Content:
    """The records as the CSV that the source declares.

    Raises:
        DepositRefused: headings or widths of rows that do not fit.
    """
    form = _csv_format(spec)
    first = next(records, None)
    if first is None:
        refuse("le fichier est vide", "Vérifiez l'export et redéposez-le.")
    row, headings = first
    names = matched(headings, spec, row=row, sheet=sheet)
    out = io.StringIO(newline="")
    # Every cell between quotes: whatever is in one, it is read as it was.
    writer = csv.writer(
        out,
        delimiter=form.separator,
        quotechar=form.quote,
        quoting=csv.QUOTE_ALL,
        lineterminator="\n",
    )
    writer.writerow(names)
    rows: list[int] = []
    ragged: list[int] = []
    for number, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            ragged.append(number)
            continue
        writer.writerow(cells)
        rows.append(number)
    if ragged:
        why = f"la ligne n'a pas {len(names)} cellules comme la ligne des titres"
        fix = (
            f"Vérifiez le séparateur « {form.separator} » et les guillemets de ces "
            "lignes."
        )
        raise DepositRefused(at_rows(why, fix, ragged, sheet=sheet))
    if not rows:
        why = "le tableau n'a pas de ligne sous ses titres"
        refuse(why, "Vérifiez l'export et redéposez-le.", sheet=sheet)
    return Content(out.getvalue().encode(form.encoding), tuple(rows), sheet)
