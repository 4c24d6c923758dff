"""Sirene as the sandbox speaks it: cursors, masking, and 404 for nothing found."""

from __future__ import annotations

from typing import Any

import pytest
from invented import ask, body_of, invented

from lrtzc_pipelines.sandbox.protocols.sirene import COLLECTIONS, answer
from lrtzc_pipelines.sandbox.tables import Table

QUERY = "codeCommuneEtablissement:17300"


def table(rows: int = 5) -> Table:
    return invented(
        [
            {
                "siret": f"{rows - n:014}",
                "statutDiffusionEtablissement": "P" if n == 0 else "O",
                "uniteLegale.denominationUniteLegale": f"Société {n}",
                "uniteLegale.categorieEntreprise": "PME",
                "adresseEtablissement.codeCommuneEtablissement": "17300",
                "adresseEtablissement.libelleVoieEtablissement": "RUE INVENTEE",
                "periodesEtablissement.activitePrincipaleEtablissement": "62.01Z",
            }
            for n in range(rows)
        ],
        {"kind": "sirene", "query": QUERY},
        records="etablissements",
        first_of=("periodesEtablissement",),
    )


def page(**query: str) -> Any:
    return body_of(ask(answer, table(), "siret", q=QUERY, **query))


def test_establishments_come_in_the_order_of_their_numbers() -> None:
    numbers = [row["siret"] for row in page(nombre="9")["etablissements"]]
    assert numbers == sorted(numbers)
    assert len(numbers) == 5


def test_the_last_cursor_is_its_own_next() -> None:
    cursor, pages = "*", []
    while True:
        found = page(nombre="2", curseur=cursor)
        pages.append(len(found["etablissements"]))
        assert found["header"]["total"] == 5
        if found["header"]["curseurSuivant"] == cursor:
            break
        cursor = found["header"]["curseurSuivant"]
    assert pages == [2, 2, 1, 0]


def test_a_partly_public_establishment_is_masked_but_for_its_commune() -> None:
    by_status = {
        row["statutDiffusionEtablissement"]: row
        for row in page(nombre="9")["etablissements"]
    }
    masked, shown = by_status["P"], by_status["O"]
    assert masked["uniteLegale"] == {
        "denominationUniteLegale": "[ND]",
        "categorieEntreprise": "PME",
    }
    assert masked["adresseEtablissement"] == {
        "codeCommuneEtablissement": "17300",
        "libelleVoieEtablissement": "[ND]",
    }
    assert shown["adresseEtablissement"]["libelleVoieEtablissement"] == "RUE INVENTEE"


def test_only_the_fields_asked_for_are_sent_wherever_they_are() -> None:
    fields = "siret,codeCommuneEtablissement,activitePrincipaleEtablissement"
    (row, *_) = page(champs=fields)["etablissements"]
    assert row == {
        "siret": f"{1:014}",
        "adresseEtablissement": {"codeCommuneEtablissement": "17300"},
        "periodesEtablissement": [{"activitePrincipaleEtablissement": "62.01Z"}],
    }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"q": "siret:0"}, 404),
        ({"q": QUERY, "nombre": "1001"}, 400),
        ({"q": QUERY, "nombre": "x"}, 400),
        ({"q": QUERY, "curseur": "?"}, 400),
    ],
)
def test_a_refusal_has_sirenes_header(query: dict[str, str], status: int) -> None:
    found = ask(answer, table(), "siret", **query)
    assert found is not None
    assert found.status == body_of(found)["header"]["statut"] == status


def test_there_is_nothing_at_another_path() -> None:
    assert ask(answer, table(), "siren", q=QUERY) is None


# How new the data are


def test_the_state_of_the_service_names_every_collection() -> None:
    found = body_of(ask(answer, table(), "informations"))
    dates = found["datesDernieresMisesAJourDesDonnees"]
    assert [entry["collection"] for entry in dates] == list(COLLECTIONS)
    assert all(
        entry["dateDernierTraitementMaximum"] < entry["dateDerniereMiseADisposition"]
        for entry in dates
    )


def test_other_rows_were_published_at_another_moment() -> None:
    one, again, other = (
        body_of(ask(answer, table(rows), "informations")) for rows in (5, 5, 6)
    )
    assert one == again != other
