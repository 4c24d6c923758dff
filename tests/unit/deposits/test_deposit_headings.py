"""The first row of a table: what is understood, and what is told of the rest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from partner import HEADINGS, channel

from lrtzc_pipelines.deposits.headings import Headings, matched
from lrtzc_pipelines.deposits.problems import DepositRefused, Problem

SPEC = channel().spec


def refusals(
    texts: Sequence[str], first_column: int = 0, *, has_others: bool = False
) -> list[Problem]:
    headings = Headings(texts, 3, "Registre", first_column, has_others)
    with pytest.raises(DepositRefused) as refused:
        matched(headings, SPEC)
    return list(refused.value.problems)


def replaced(**changes: str) -> list[str]:
    return [changes.get(name, name) for name in HEADINGS]


def test_headings_are_given_back_as_the_source_spells_them() -> None:
    texts = ["SIRET", " code  Commune", "Code-NAF", "MOIS", "Code déchet", "tonnes"]
    headings = Headings([*texts, "CODE_TRAITEMENT"], 1)
    assert matched(headings, SPEC) == [
        "siret",
        "code_commune",
        "code_naf",
        "mois",
        "code_dechet",
        "tonnes",
        "code_traitement",
    ]


def test_a_column_without_a_heading_is_nobodys() -> None:
    assert matched(Headings([*HEADINGS, "", " "], 1), SPEC) == [*HEADINGS, None, None]


def test_a_missing_column_is_told_with_those_there_should_be() -> None:
    (problem,) = refusals([name for name in HEADINGS if name != "mois"])
    assert problem.why == "la colonne manque"
    assert problem.place == "feuille « Registre », ligne 3, colonne « mois »"
    assert "« siret », « code_commune »" in problem.fix


def test_a_misspelt_heading_is_told_once_by_its_place() -> None:
    (problem,) = refusals(replaced(code_dechet="code_déchets"))
    assert problem.place.endswith("colonne E (n° 5)")
    assert problem.fix == "Écrivez « code_dechet »."


def test_a_heading_too_many_is_told_by_its_place_and_not_repeated() -> None:
    (problem,) = refusals([*HEADINGS, "Nom du conducteur"])
    assert problem.column == "H (n° 8)"
    assert "Retirez la colonne" in problem.fix
    assert "conducteur" not in problem.model_dump_json()


def test_places_count_from_the_edge_of_the_sheet() -> None:
    (problem,) = refusals([*HEADINGS, "Client"], first_column=25)
    assert problem.column == "AG (n° 33)"


def test_a_heading_that_is_there_twice_is_told() -> None:
    (problem,) = refusals([*HEADINGS, "Mois"])
    assert problem.column == "« mois », H (n° 8)"


def test_the_depositors_column_is_not_the_partners_to_give() -> None:
    (problem,) = refusals([*HEADINGS, "deposant"])
    assert "n'est pas au formulaire" in problem.why


def test_several_faults_are_told_together() -> None:
    texts = [*replaced(code_naf="activité", tonnes="tonne")[1:], "Client"]
    assert [(p.column, p.why) for p in refusals(texts)] == [
        ("B (n° 2)", "le titre de la colonne n'est pas au formulaire"),
        ("F (n° 6)", "le titre de la colonne est mal écrit"),
        ("G (n° 7)", "le titre de la colonne n'est pas au formulaire"),
        ("« siret »", "la colonne manque"),
        ("« code_naf »", "la colonne manque"),
    ]


@pytest.mark.parametrize(
    ("separator", "name"),
    [(",", "la virgule"), ("\t", "la tabulation"), ("|", "la barre verticale")],
)
def test_another_separator_is_recognised(separator: str, name: str) -> None:
    (problem,) = refusals([separator.join(HEADINGS)])
    assert f"Le séparateur est le point-virgule et non {name}" in problem.fix


def test_a_table_without_headings_shows_none_of_its_values() -> None:
    (problem,) = refusals(["12345678900012", "17300", "Dupont"])
    assert "aucun des titres" in problem.why
    assert "Dupont" not in problem.model_dump_json()
    assert "« siret »" in problem.fix
    assert "feuille" not in problem.fix


def test_a_workbook_of_several_sheets_may_have_the_table_on_another() -> None:
    (problem,) = refusals(["Consignes"], has_others=True)
    assert problem.fix.endswith("sur une autre feuille, placez-la en premier.")


def test_too_many_columns_are_told_without_listing_them() -> None:
    (problem,) = refusals(["x"] * 201)
    assert problem.why == "le tableau a 201 colonnes, au lieu de 7"
