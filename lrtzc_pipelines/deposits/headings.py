"""The first row of a deposited table against the columns that its source declares."""

from __future__ import annotations

from collections.abc import Sequence

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
_OTHER_SEPARATORS = {
    ",": "la virgule",
    "\t": "la tabulation",
    "|": "la barre verticale",
}


def matched(
    headings: Sequence[str], spec: SourceSpec, *, row: int, sheet: str | None
) -> list[str]:
    """The headings as the source spells them, in the order they came.

    Capitals and spaces around do not matter. Headings that are not the form's are told
    by their place: a file without headings has personal values there.

    Raises:
        DepositRefused: headings are missing, blank, there twice or not the form's.
    """
    if len(headings) > _MOST_COLUMNS:
        why = f"le tableau a {len(headings)} colonnes, au lieu de {len(_wanted(spec))}"
        fix = "Ne gardez que les colonnes du formulaire."
        raise DepositRefused(Problem(why=why, fix=fix, sheet=sheet))
    known = {_folded(name): name for name in (*_wanted(spec), *spec.ignored_columns)}
    found = [known.get(_folded(heading)) for heading in headings]
    problems = _missing(headings, found, spec) or [
        *_repeated(found, headings),
    ]
    if problems:
        raise DepositRefused(*(_at(problem, row, sheet) for problem in problems))
    return [name for name in found if name]


def _wanted(spec: SourceSpec) -> list[str]:
    return list(dict.fromkeys(c.source for c in spec.columns if c.source))


def _folded(heading: str) -> str:
    return " ".join(heading.casefold().split())


def _missing(
    headings: Sequence[str], found: Sequence[str | None], spec: SourceSpec
) -> list[Problem]:
    wanted = _wanted(spec)
    shown = ", ".join(quoted(name) for name in wanted)
    if not any(found):
        why = "aucun des titres de colonne attendus n'est sur la première ligne"
        return [Problem(why=why, fix=_first_row_fix(headings, spec, shown))]
    problems = [
        Problem(
            why="la colonne manque",
            fix=f"Les colonnes sont : {shown}.",
            column=quoted(name),
        )
        for name in wanted
        if name not in found
    ]
    problems += [
        Problem(
            why="le titre de la colonne n'est pas au formulaire",
            fix="Retirez la colonne : rien d'autre ne doit être transmis.",
            column=position(index),
        )
        for index, name in enumerate(found)
        if name is None and headings[index].strip()
    ]
    return problems + [
        Problem(
            why="la colonne n'a pas de titre",
            fix="Donnez-lui son titre, ou retirez-la.",
            column=position(index),
        )
        for index, heading in enumerate(headings)
        if not heading.strip()
    ]


def _first_row_fix(headings: Sequence[str], spec: SourceSpec, shown: str) -> str:
    separator = spec.format.separator if isinstance(spec.format, CsvFormat) else ";"
    for other, name in _OTHER_SEPARATORS.items():
        if len(headings) == 1 and other in headings[0] and other != separator:
            return f"Le séparateur est {quoted(separator)}, et non {name}."
    return f"Écrivez sur la première ligne : {shown}."


def _repeated(found: Sequence[str | None], headings: Sequence[str]) -> list[Problem]:
    return [
        Problem(
            why="le titre de la colonne est déjà celui d'une autre",
            fix="Ne gardez que l'une des deux.",
            column=f"{quoted(name)}, {position(index)}",
        )
        for index, name in enumerate(found[: len(headings)])
        if name and name in found[:index]
    ]


def _at(problem: Problem, row: int, sheet: str | None) -> Problem:
    placed = at_rows(problem.why, problem.fix, [row], sheet=sheet)
    return placed.model_copy(update={"column": problem.column})
