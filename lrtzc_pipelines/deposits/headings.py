"""The first row of a deposited table against the columns that its source declares."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from lrtzc_pipelines.deposits.forms import DEPOSITOR
from lrtzc_pipelines.deposits.problems import (
    DepositRefused,
    Problem,
    at_rows,
    position,
    quoted,
)
from lrtzc_pipelines.sources.formats import CsvFormat
from lrtzc_pipelines.sources.spec import SourceSpec

_MOST_COLUMNS = 200
_SEPARATORS = {
    ";": "le point-virgule",
    ",": "la virgule",
    "\t": "la tabulation",
    "|": "la barre verticale",
}
_NO_WORD = re.compile(r"[^0-9a-z]+")


@dataclass(frozen=True)
class Headings:
    """The row of a table that names its columns.

    Attributes:
        texts: Its cells.
        row: Its number in the partner's file.
        sheet: Sheet of the workbook it is in.
        first_column: Place of the first of its cells in that sheet, from 0.
        has_others: Whether the workbook has sheets that are not read.
    """

    texts: Sequence[str]
    row: int
    sheet: str | None = None
    first_column: int = 0
    has_others: bool = False

    def position(self, index: int) -> str:
        """A column by its place in the partner's file."""
        return position(self.first_column + index)


@dataclass
class _Found:
    """Which heading is which of the form's, and what is wrong with the others."""

    names: list[str | None]
    problems: list[Problem] = field(default_factory=list)

    def complain(self, why: str, fix: str, column: str | None = None) -> None:
        self.problems.append(Problem(why=why, fix=fix, column=column))


def matched(headings: Headings, spec: SourceSpec) -> list[str | None]:
    """The headings as the source spells them, in the order they came.

    Capitals, accents, spaces, hyphens and underscores do not matter; a blank heading
    is None. Headings that are not the form's are told by their place: a file without
    headings has personal values there.

    Raises:
        DepositRefused: headings are missing, there twice or not the form's.
    """
    wanted = _wanted(spec)
    texts = headings.texts
    if len(texts) > _MOST_COLUMNS:
        why = f"le tableau a {len(texts)} colonnes, au lieu de {len(wanted)}"
        fix = "Ne gardez que les colonnes du formulaire."
        raise DepositRefused(Problem(why=why, fix=fix, sheet=headings.sheet))
    known = {_folded(name): name for name in (*wanted, *spec.ignored_columns)}
    found = _Found([known.get(_folded(text)) for text in texts])
    if any(found.names):
        _complain_of_names(headings, wanted, found)
        _complain_of_repeats(headings, found)
    else:
        why = "aucun des titres de colonne attendus n'est sur la première ligne"
        fix = _first_row_fix(texts, spec, wanted)
        if headings.has_others:
            fix += " Si le tableau est sur une autre feuille, placez-la en premier."
        found.complain(why, fix)
    if found.problems:
        raise DepositRefused(*(_placed(p, headings) for p in found.problems))
    return found.names


def _wanted(spec: SourceSpec) -> list[str]:
    """The headings that a partner has to give."""
    names = dict.fromkeys(c.source for c in spec.columns if c.source)
    return [name for name in names if name != DEPOSITOR]


def _folded(heading: str) -> str:
    """A heading without what people write in several ways."""
    plain = unicodedata.normalize("NFKD", heading.casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return _NO_WORD.sub("_", letters).strip("_")


def _complain_of_names(
    headings: Headings, wanted: Sequence[str], found: _Found
) -> None:
    """Tells the headings that are missing, misspelt, or too many."""
    missing = [name for name in wanted if name not in found.names]
    for index, name in enumerate(found.names):
        text = headings.texts[index]
        if name is not None or not text.strip():
            continue
        close = difflib.get_close_matches(
            _folded(text), [_folded(name) for name in missing], n=1, cutoff=0.8
        )
        meant = next((n for n in missing if _folded(n) in close), None)
        if meant:
            missing.remove(meant)
            why = "le titre de la colonne est mal écrit"
            found.complain(why, f"Écrivez {quoted(meant)}.", headings.position(index))
        else:
            why = "le titre de la colonne n'est pas au formulaire"
            fix = "Retirez la colonne : rien d'autre ne doit être transmis."
            found.complain(why, fix, headings.position(index))
    shown = ", ".join(quoted(name) for name in wanted)
    for name in missing:
        fix = f"Ajoutez-la. Les colonnes sont : {shown}."
        found.complain("la colonne manque", fix, quoted(name))


def _complain_of_repeats(headings: Headings, found: _Found) -> None:
    for index, name in enumerate(found.names):
        if name and name in found.names[:index]:
            column = f"{quoted(name)}, {headings.position(index)}"
            why = "le titre de la colonne est déjà celui d'une autre"
            found.complain(why, "Ne gardez que l'une des deux.", column)


def _first_row_fix(
    texts: Sequence[str], spec: SourceSpec, wanted: Sequence[str]
) -> str:
    declared = spec.format.separator if isinstance(spec.format, CsvFormat) else ";"
    for other, name in _SEPARATORS.items():
        if len(texts) == 1 and other in texts[0] and other != declared:
            right = _SEPARATORS.get(declared, quoted(declared))
            return (
                f"Le séparateur est {right} et non {name} : enregistrez au format "
                "« CSV (séparateur : point-virgule) », ou déposez le classeur .xlsx."
                if declared == ";"
                else f"Le séparateur est {right} et non {name}."
            )
    shown = ", ".join(quoted(name) for name in wanted)
    return f"Écrivez sur la première ligne, une par cellule : {shown}."


def _placed(problem: Problem, headings: Headings) -> Problem:
    """The problem in the row of the headings."""
    return at_rows(
        problem.why,
        problem.fix,
        [headings.row],
        sheet=headings.sheet,
        column=problem.column,
    )
