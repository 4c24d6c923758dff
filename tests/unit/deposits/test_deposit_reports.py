"""What a partner reads: plain French, places, and no value of the file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from partner import NOW, channel
from test_deposit_receipts import MARCH, receipt

from lrtzc_pipelines.deposits.checking import Verdict
from lrtzc_pipelines.deposits.problems import (
    Problem,
    at_rows,
    lines,
    listed,
    position,
)
from lrtzc_pipelines.deposits.reports import (
    answer_lines,
    as_document,
    day,
    moment,
    period,
    problem_lines,
    verdict_document,
    verdict_lines,
)

FORM = channel().form
PROBLEM = at_rows("la valeur manque", "Remplissez-la.", [3, 5], column="« mois »")


def text(**changes: Any) -> str:
    return "\n".join(answer_lines(FORM, receipt(1, MARCH, **changes)))


def test_an_accepted_file_is_told_as_on_a_receipt() -> None:
    found = text(row_count=12, sheet="Registre", remarks=("Une remarque.",))
    assert found == (
        "Dépôt « Dupont.csv » : ACCEPTÉ\n"
        "Formulaire : Volumes de déchets valorisés, par établissement et par mois "
        "(valorisation_waste)\n"
        "Reçu le 10 juillet 2026 à 15 h 00\n"
        f"Empreinte (SHA-256) : {1:064d}\n"
        "\n"
        "Lignes prises en compte : 12\n"
        "Période : mars 2026\n"
        "Feuille lue : « Registre »\n"
        "Licence : celle de la convention signée avec vous\n"
        "Diffusion : partenaires de la démarche\n"
        f"Usage : {FORM.purpose}\n"
        "Remarque : Une remarque.\n"
        "\n"
        f"Une question ? {FORM.contact}"
    )


def test_a_refused_file_is_told_with_what_to_correct() -> None:
    whole = Problem(why="le fichier est vide", fix="Refaites l'export.")
    found = text(accepted=False, problems=(PROBLEM, whole)).splitlines()
    assert found[0] == "Dépôt « Dupont.csv » : REFUSÉ"
    assert found[5:-2] == [
        "Rien n'a été pris en compte. 2 points sont à corriger ; redéposez ensuite le "
        "fichier entier.",
        "",
        "1. Lignes 3 et 5, colonne « mois » : la valeur manque.",
        "   → Remplissez-la.",
        "2. Le fichier est vide.",
        "   → Refaites l'export.",
    ]


def test_a_single_point_is_told_in_the_singular() -> None:
    assert "Un point est à corriger ;" in text(accepted=False, problems=(PROBLEM,))


def test_the_same_bytes_again_are_told_as_such() -> None:
    found = "\n".join(answer_lines(FORM, receipt(1, MARCH), again=NOW))
    assert "« Dupont.csv » : DÉJÀ REÇU, ACCEPTÉ" in found
    assert "Redéposé à l'identique le 10 juillet 2026 à 14 h 00" in found


def test_a_program_reads_the_same() -> None:
    refused = receipt(1, accepted=False, problems=(PROBLEM,))
    document = as_document(FORM, refused, again=NOW)
    assert document["accepted"] is False
    assert document["problems"] == [
        {
            "why": "la valeur manque",
            "fix": "Remplissez-la.",
            "sheet": None,
            "column": "« mois »",
            "rows": [3, 5],
            "count": 2,
        }
    ]
    assert document["deposited_again_at"] == "2026-07-10T12:00:00+00:00"
    assert document["contact"] == FORM.contact
    assert as_document(FORM, refused)["deposited_again_at"] is None


def test_a_verdict_is_told_before_any_deposit() -> None:
    refused = Verdict((PROBLEM,))
    assert list(verdict_lines("a.csv", FORM, refused)) == [
        "« a.csv » serait refusé :",
        *problem_lines(1, PROBLEM),
    ]
    accepted = Verdict((), 1, (MARCH,), ("Une remarque.",))
    assert list(verdict_lines("a.csv", FORM, accepted)) == [
        "« a.csv » serait accepté : 1 ligne, mars 2026",
        "Remarque : Une remarque.",
    ]
    assert verdict_document(accepted) == {
        "accepted": True,
        "rows": 1,
        "periods": ["2026-03-01"],
        "problems": [],
        "remarks": ["Une remarque."],
    }


def test_moments_are_those_of_la_rochelle() -> None:
    assert moment(datetime(2026, 2, 28, 23, 5, tzinfo=UTC)) == "1er mars 2026 à 0 h 05"
    assert day(date(2026, 8, 15)) == "15 août 2026"


@pytest.mark.parametrize(
    ("each", "months", "said"),
    [
        ("month", [3], "mars 2026"),
        ("month", [1, 2, 3], "janvier 2026, février 2026, mars 2026"),
        ("month", [1, 2, 3, 12], "de janvier 2026 à décembre 2026 (4 périodes)"),
        ("quarter", [1, 4], "1er trimestre 2026, 2e trimestre 2026"),
        ("quarter", [10], "4e trimestre 2026"),
        ("year", [1], "2026"),
    ],
)
def test_periods_are_called_as_people_call_them(
    each: str, months: list[int], said: str
) -> None:
    form = FORM.model_copy(
        update={"period": FORM.period.model_copy(update={"each": each})}
    )
    assert period([date(2026, month, 1) for month in months], form) == said


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([7], "ligne 7"),
        ([9, 7], "lignes 7 et 9"),
        (range(1, 11), "lignes 1, 2, 3, 4, 5, 6, 7, 8, 9 et 10"),
        (range(1, 12), "lignes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 et 1 autre"),
        (range(1, 99), "lignes 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 et 88 autres"),
        ([0, 0], ""),
    ],
)
def test_rows_are_told_as_people_list_them(rows: list[int], place: str) -> None:
    assert at_rows("x", "y", rows).place == place


def test_names_are_listed_as_people_do() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a et b", "a, b et c"]
    assert lines([4], 1) == "ligne 4"


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (0, "A (n° 1)"),
        (25, "Z (n° 26)"),
        (26, "AA (n° 27)"),
        (701, "ZZ (n° 702)"),
        (702, "AAA (n° 703)"),
    ],
)
def test_columns_have_the_letters_of_a_spreadsheet(index: int, said: str) -> None:
    assert position(index) == said
