"""The answer to a partner: a text to read and the same for a program, in French."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lrtzc_pipelines.deposits.answers import holds, write_files
from lrtzc_pipelines.deposits.checking import Verdict
from lrtzc_pipelines.deposits.forms import Form
from lrtzc_pipelines.deposits.problems import Problem
from lrtzc_pipelines.deposits.receipts import Receipt

_ZONE = ZoneInfo("Europe/Paris")
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_TIERS = {
    "open": "données ouvertes",
    "partners": "partenaires de la démarche",
    "restricted": "accès restreint",
}
_LICENCES = {
    "LicenseRef-partner-agreement": "celle de la convention signée avec vous",
    "etalab-2.0": "Licence ouverte 2.0 (Etalab)",
}


def write_answer(
    inbox: Path, form: Form, receipt: Receipt, *, again: datetime | None = None
) -> None:
    """Writes the answer to a deposit into the inbox, by the name of the file.

    Args:
        inbox: Folder of the depositor.
        form: The form.
        receipt: What became of the file.
        again: When these very bytes came anew, if they had been deposited before.

    Raises:
        LrtzcError: something else is in the way of the answers.
    """
    text = "\n".join(answer_lines(form, receipt, again=again))
    document = json.dumps(
        as_document(form, receipt, again=again), ensure_ascii=False, indent=2
    )
    files = {
        f"{receipt.name}.txt": f"{text}\n".encode(),
        f"{receipt.name}.json": f"{document}\n".encode(),
    }
    write_files(inbox, files)


def write_notice(inbox: Path, form: Form, name: str, *, is_file: bool) -> None:
    """Says, once, that something in an inbox is not taken.

    Args:
        inbox: Folder of the depositor.
        form: The form.
        name: Name of what is there.
        is_file: Whether it is a file, which then is too large; else a folder or link.

    Raises:
        LrtzcError: something else is in the way of the answers.
    """
    why = "Ce n'est pas un fichier : les dossiers et les liens ne sont pas lus."
    fix = "Déposez le fichier lui-même, hors de tout dossier."
    if is_file:
        why = f"Le fichier dépasse de loin {form.max_megabytes} Mo : il est resté là."
        fix = "Retirez-le, et déposez un fichier par période."
    said = (
        f"« {name} » : NON RELEVÉ",
        f"Formulaire : {form.title} ({form.id})",
        "",
        why,
        f"   → {fix}",
        "",
        f"Une question ? {form.contact}",
        "",
    )
    content = "\n".join(said).encode()
    if not holds(inbox, f"{name}.txt", content):
        write_files(inbox, {f"{name}.txt": content})


def answer_lines(
    form: Form, receipt: Receipt, *, again: datetime | None = None
) -> Iterator[str]:
    """The lines of an answer."""
    said = "ACCEPTÉ" if receipt.accepted else "REFUSÉ"
    prefix = "DÉJÀ REÇU, " if again else ""
    yield f"Dépôt « {receipt.name} » : {prefix}{said}"
    yield f"Formulaire : {form.title} ({form.id})"
    yield f"Reçu le {moment(receipt.received_at)}"
    if again:
        yield f"Redéposé à l'identique le {moment(again)} : il n'est compté qu'une fois"
    yield f"Empreinte (SHA-256) : {receipt.sha256}"
    yield ""
    yield from _accepted(form, receipt) if receipt.accepted else _refused(receipt)
    yield ""
    yield f"Une question ? {form.contact}"


def _accepted(form: Form, receipt: Receipt) -> Iterator[str]:
    yield f"Lignes prises en compte : {receipt.row_count}"
    yield f"Période : {period(receipt.periods, form)}"
    if receipt.sheet:
        yield f"Feuille lue : « {receipt.sheet} »"
    yield f"Licence : {_LICENCES.get(receipt.licence, receipt.licence)}"
    yield f"Diffusion : {_TIERS[receipt.tier]}"
    yield f"Usage : {form.purpose}"
    for remark in receipt.remarks:
        yield f"Remarque : {remark}"


def _refused(receipt: Receipt) -> Iterator[str]:
    count = len(receipt.problems)
    many = f"{count} points sont à corriger" if count > 1 else "Un point est à corriger"
    yield f"Rien n'a été pris en compte. {many} ; redéposez ensuite le fichier entier."
    yield ""
    for number, problem in enumerate(receipt.problems, start=1):
        yield from problem_lines(number, problem)


def problem_lines(number: int, problem: Problem) -> Iterator[str]:
    """A problem on two lines: where and what, then how to correct it."""
    place = problem.place
    where = f"{place[0].upper()}{place[1:]} : " if place else ""
    why = problem.why if where else f"{problem.why[0].upper()}{problem.why[1:]}"
    yield f"{number}. {where}{why}."
    yield f"   → {problem.fix}"


def verdict_lines(name: str, form: Form, verdict: Verdict) -> Iterator[str]:
    """What would be answered to a file, in French."""
    if verdict.problems:
        yield f"« {name} » serait refusé :"
        for number, problem in enumerate(verdict.problems, start=1):
            yield from problem_lines(number, problem)
        return
    many = "s" if verdict.row_count > 1 else ""
    covered = period(verdict.periods, form)
    yield f"« {name} » serait accepté : {verdict.row_count} ligne{many}, {covered}"
    for remark in verdict.remarks:
        yield f"Remarque : {remark}"


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The same for a program."""
    return {
        "accepted": not verdict.problems,
        "rows": verdict.row_count,
        "periods": [first.isoformat() for first in verdict.periods],
        "problems": [problem.model_dump(mode="json") for problem in verdict.problems],
        "remarks": list(verdict.remarks),
    }


def overlap(earlier: Receipt, form: Form) -> Problem:
    """What is wrong with a file that covers only part of an earlier one."""
    return Problem(
        why=(
            f"le fichier ne couvre qu'une partie du dépôt « {earlier.name} », accepté "
            f"le {_date(earlier.checked_at)} pour : {period(earlier.periods, form)}"
        ),
        fix=(
            "Pour le corriger, redéposez toute sa période dans un seul fichier ; pour "
            "le compléter, ne déposez que les périodes suivantes."
        ),
    )


def replaced(earlier: Receipt) -> str:
    """That a file takes the place of an earlier one."""
    return (
        f"Ce fichier remplace votre dépôt « {earlier.name} » du "
        f"{_date(earlier.received_at)}, qui ne compte plus."
    )


def as_document(
    form: Form, receipt: Receipt, *, again: datetime | None = None
) -> dict[str, Any]:
    """The answer for a program."""
    kept = {
        "form",
        "name",
        "sha256",
        "received_at",
        "accepted",
        "row_count",
        "periods",
        "sheet",
        "licence",
        "tier",
        "problems",
        "remarks",
    }
    document = receipt.model_dump(mode="json", include=kept)
    deposited_again = again.isoformat(timespec="seconds") if again else None
    return {**document, "deposited_again_at": deposited_again, "contact": form.contact}


def moment(value: datetime) -> str:
    """A moment as people in La Rochelle tell it."""
    local = value.astimezone(_ZONE)
    return f"{_date(value)} à {local.hour} h {local.minute:02d}"


def _date(value: datetime) -> str:
    return day(value.astimezone(_ZONE).date())


def day(value: date) -> str:
    """A day, such as « 1er mars 2026 »."""
    number = "1er" if value.day == 1 else str(value.day)
    return f"{number} {_MONTHS[value.month - 1]} {value.year}"


def period(periods: Sequence[date], form: Form) -> str:
    """The periods that a file covers."""
    names = [_PERIODS[form.period.each](first) for first in periods]
    if len(names) <= 3:  # noqa: PLR2004 - more are told by their ends
        return ", ".join(names)
    return f"de {names[0]} à {names[-1]} ({len(names)} périodes)"


def _quarter(first: date) -> str:
    number = (first.month + 2) // 3
    return f"{number}{'er' if number == 1 else 'e'} trimestre {first.year}"


_PERIODS: Mapping[str, Callable[[date], str]] = {
    "month": lambda first: f"{_MONTHS[first.month - 1]} {first.year}",
    "quarter": _quarter,
    "year": lambda first: str(first.year),
}
