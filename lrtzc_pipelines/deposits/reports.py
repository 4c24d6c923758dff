"""The answer to a partner: a text to read and the same for a program, in French."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lrtzc_pipelines.deposits.forms import Form
from lrtzc_pipelines.deposits.problems import Problem
from lrtzc_pipelines.deposits.receipts import Receipt
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.storage import write_bytes, write_json

ANSWERS = "answers"
_ZONE = ZoneInfo("Europe/Paris")
_MODE = 0o640
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


def write_answer(
    inbox: Path, form: Form, receipt: Receipt, *, again: bool = False
) -> Path:
    """Writes the answer to a deposit beside the inbox; returns the text's path.

    Args:
        inbox: Folder of the form's inbox.
        form: The form.
        receipt: What became of the file.
        again: Whether these very bytes had been deposited before.

    Raises:
        LrtzcError: the folder of the answers leads elsewhere.
    """
    folder = inbox / ANSWERS
    if folder.is_symlink():
        msg = f"{folder}: is a link: answers are not written where it leads"
        raise LrtzcError(msg)
    folder.mkdir(exist_ok=True)
    path = folder / f"{receipt.name}.txt"
    text = "\n".join(answer_lines(form, receipt, again=again))
    # Whoever may enter the inbox may read; the folder's own mode says who.
    write_bytes(path, f"{text}\n".encode(), mode=_MODE)
    document = as_document(form, receipt, again=again)
    write_json(folder / f"{receipt.name}.json", document, mode=_MODE)
    return path


def answer_lines(form: Form, receipt: Receipt, *, again: bool = False) -> Iterator[str]:
    """The lines of an answer."""
    said = "ACCEPTÉ" if receipt.accepted else "REFUSÉ"
    prefix = "DÉJÀ REÇU, " if again else ""
    yield f"Dépôt « {receipt.name} » : {prefix}{said}"
    yield f"Formulaire : {form.title} ({form.id})"
    yield f"Reçu le {moment(receipt.received_at)}"
    yield f"Empreinte (SHA-256) : {receipt.sha256}"
    yield ""
    if again:
        yield (
            "Ce fichier, au contenu identique, avait déjà été déposé : il n'est pas "
            "compté deux fois. Voici ce qui lui avait été répondu."
        )
        yield ""
    yield from _accepted(receipt) if receipt.accepted else _refused(receipt)
    yield ""
    yield f"Une question ? {form.contact}"


def _accepted(receipt: Receipt) -> Iterator[str]:
    yield f"Lignes prises en compte : {receipt.row_count}"
    yield f"Période : {period(receipt.periods)}"
    if receipt.sheet:
        yield f"Feuille lue : « {receipt.sheet} »"
    yield f"Licence : {receipt.licence}"
    yield f"Diffusion : {_TIERS[receipt.tier]}"
    for remark in receipt.remarks:
        yield f"Remarque : {remark}"


def _refused(receipt: Receipt) -> Iterator[str]:
    yield "Rien n'a été pris en compte. Corrigez le fichier et redéposez-le."
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


def as_document(form: Form, receipt: Receipt, *, again: bool = False) -> dict[str, Any]:
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
    return {**document, "already_received": again, "contact": form.contact}


def moment(value: datetime) -> str:
    """A moment as people in La Rochelle tell it."""
    local = value.astimezone(_ZONE)
    return f"{day(local.date())} à {local.hour} h {local.minute:02d}"


def day(value: date) -> str:
    """A day, such as « 1er mars 2026 »."""
    number = "1er" if value.day == 1 else str(value.day)
    return f"{number} {_MONTHS[value.month - 1]} {value.year}"


def period(periods: tuple[date, ...]) -> str:
    """The periods a file covers, by the months in which they begin."""
    names = [f"{_MONTHS[first.month - 1]} {first.year}" for first in periods]
    if len(names) <= 3:  # noqa: PLR2004 - more are told by their ends
        return ", ".join(names)
    return f"de {names[0]} à {names[-1]} ({len(names)} périodes)"
