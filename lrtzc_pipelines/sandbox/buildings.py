"""Invented municipal buildings, as untidy as the inventory they imitate.

Names and streets are made up; what is imitated is the form: padded fields, the INSEE
code where a postcode should be, half of the surfaces missing.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from lrtzc_pipelines.sandbox.draws import AS_OF, chances, generator
from lrtzc_pipelines.sandbox.territory import CENTRAL_COMMUNE

BUILDINGS = 470
_LAST_ID = 1_012
_NUMBER_WIDTH, _POSTCODE_WIDTH = 8, 10
_MISSING_SURFACES = 0.45

_KINDS = (
    "École",
    "École maternelle",
    "Gymnase",
    "Crèche",
    "Mairie annexe",
    "Salle polyvalente",
    "Bibliothèque",
    "Maison de quartier",
    "Atelier municipal",
    "Poste de secours",
    "Stade : tribunes & vestiaires",
    "Ex. dépôt",
    "Local associatif",
    "Centre social",
)
_PLACES = (
    "des Salicornes",
    "de l'Obione",
    "du Bécasseau",
    "de l'Huîtrier-Pie",
    "des Claires-Voies",
    "du Fier Imaginé",
    "de l'Estran Bleu",
    "des Sternes Rieuses",
    "de la Balise Morte",
    "du Phare Éteint",
    "de l'Aubépine Rousse",
    "des Trois Goémons",
    "du Vieux Cabestan",
    "de la Gabare",
    "des Filets Secs",
    "de l'Amer Jaune",
    "du Sémaphore Gris",
    "de la Vasière Haute",
    "des Grèves Courbes",
    "de l'Échoppe Verte",
    "du Puits aux Mouettes",
    "de la Sirène Muette",
    "des Quatre Ancres",
    "de l'Oyat",
    "du Chenal Fictif",
    "de la Tamarinière",
    "des Ormeaux Plats",
    "de l'Écluse Basse",
    "du Cormoran Distrait",
    "de la Pinasse",
    "des Roches Douces",
    "de l'Embrun",
    "du Radeau Carré",
    "de la Corderie Neuve",
    "des Passes Étroites",
    "de l'Horizon Clair",
)
_WAYS = ("RUE", "AVE", "ALLEE", "PCE", "QUAI", "BD", "CHE", "IMP")
_ELSEWHERE = (
    ("17274", "PERIGNY"),
    ("17180", "PERIGNY"),
    ("17140", "LAGORD"),
    ("17137", "L'HOUMEAU"),
    ("17440", "AYTRE"),
    ("17220", "SAINTE SOULLE"),
)
# Vocabularies of the inventory, with their share of the rows.
_TYPES = {
    "Immeuble": 0.76,
    "Ensemble Bâti": 0.12,
    "Vendu": 0.03,
    "Terrain": 0.025,
    "Demoli": 0.02,
    "Autre": 0.02,
    "Monument": 0.01,
    "Parking": 0.01,
    "Bateau": 0.005,
}
_CATEGORIES = {
    "": 0.78,
    "établissement recevant du public autre que cat.1 à 4. (art. R. 123-14)": 0.12,
    "établissement recevant du public < 301 personnes": 0.06,
    "701 personnes > établissement recevant du public > 300 personnes": 0.02,
    "1501 personnes > établissement recevant du public > 700 personnes": 0.01,
    "établissement recevant du public > 1500 personnes": 0.01,
}
_PURPOSES = {
    "": 0.7,
    "Administrations, banques, bureaux": 0.1,
    "Etablissements d'enseignement, colonies de vacances": 0.08,
    "Etablissements sportifs couverts": 0.05,
    "Musées": 0.03,
    "Bibliothèques, centres de documentation": 0.03,
    "L-R": 0.01,
}
_DEPARTMENTS = {
    "": 0.35,
    "Famille": 0.11,
    "Culture": 0.11,
    "Sports et jeunesse": 0.1,
    "Aménagement, services urbains, environnement": 0.09,
    "Administration Générale": 0.08,
    "Enseignement": 0.07,
    "Sécurité et salubrité publique": 0.05,
    "Interventions sociales et santé": 0.04,
}


def inventory(seed: int) -> pl.DataFrame:
    """Every row of `pat_bati`, in the order of its ids."""
    rng = generator(seed, "buildings")
    ids = np.sort(rng.choice(np.arange(1, _LAST_ID + 1), BUILDINGS, replace=False))
    footprint = np.exp(rng.normal(5.6, 1.1, BUILDINGS)).astype(int)
    floors = rng.choice([1, 1, 2, 2, 3, 4], BUILDINGS)
    postcodes, communes = _addresses(rng)
    return pl.DataFrame(
        {
            "eb_id": [f"{number:06d}" for number in ids],
            "eb_libelle": _names(rng),
            "eb_date_maj": _updates(rng),
            "eb_localisation_numero": _numbers(rng),
            "eb_localisation_voie": _streets(rng),
            "eb_localisation_code_postal": postcodes,
            "eb_localisation_commune": communes,
            "eb_surface": _sometimes(rng, footprint),
            "eb_surface_2": _sometimes(rng, footprint * floors),
            "eb_type": _drawn(rng, _TYPES),
            "eb_categorie": _drawn(rng, _CATEGORIES),
            "eb_destination": _drawn(rng, _PURPOSES),
            "eb_classification": _drawn(rng, _DEPARTMENTS),
        }
    )


def _names(rng: np.random.Generator) -> list[str]:
    combinations = [f"{kind} {place}" for kind in _KINDS for place in _PLACES]
    chosen = rng.permutation(len(combinations))[:BUILDINGS]
    return [combinations[number] for number in chosen]


def _updates(rng: np.random.Generator) -> list[str]:
    """Timestamps in the inventory's three spellings: none, midnight, to the tick."""
    days = np.datetime64(AS_OF.date()) - rng.integers(30, 4_000, BUILDINGS)
    seconds = rng.integers(7 * 3600, 19 * 3600, BUILDINGS)
    ticks = rng.choice(["", ".013", ".2", ".87", ".187"], BUILDINGS)
    spelling = rng.choice(3, BUILDINGS, p=[0.07, 0.25, 0.68])
    texts = []
    for day, second, tick, kind in zip(days, seconds, ticks, spelling, strict=True):
        hour, rest = divmod(int(second), 3600)
        exact = f"{day} {hour:02d}:{rest // 60:02d}:{rest % 60:02d}{tick}"
        texts.append(("", f"{day} 00:00:00", exact)[kind])
    return texts


def _numbers(rng: np.random.Generator) -> list[str]:
    numbers = rng.integers(1, 120, BUILDINGS)
    kinds = rng.choice(3, BUILDINGS, p=[0.42, 0.02, 0.56])
    return [
        ("", " " * _NUMBER_WIDTH, str(number).ljust(_NUMBER_WIDTH))[kind]
        for number, kind in zip(numbers, kinds, strict=True)
    ]


def _streets(rng: np.random.Generator) -> list[str]:
    ways = rng.choice(_WAYS, BUILDINGS)
    places = rng.choice([place.upper() for place in _PLACES], BUILDINGS)
    known = chances(rng, 0.9, BUILDINGS)
    return [
        f"{way} {place}" if given else ""
        for way, place, given in zip(ways, places, known, strict=True)
    ]


def _addresses(rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Postcode and commune columns; the first mostly holds the INSEE code."""
    choices = [
        (CENTRAL_COMMUNE, "LA ROCHELLE"),
        ("17000", "LA ROCHELLE"),
        ("", ""),
        ("", "LA ROCHELLE"),
        *_ELSEWHERE,
    ]
    odds = [0.77, 0.11, 0.04, 0.04, *[0.04 / len(_ELSEWHERE)] * len(_ELSEWHERE)]
    drawn = [choices[number] for number in rng.choice(len(choices), BUILDINGS, p=odds)]
    postcodes = [code and code.ljust(_POSTCODE_WIDTH) for code, _ in drawn]
    return postcodes, [commune for _, commune in drawn]


def _sometimes(rng: np.random.Generator, surfaces: np.ndarray) -> list[str]:
    missing = chances(rng, _MISSING_SURFACES, BUILDINGS)
    return ["" if gone else str(m2) for m2, gone in zip(surfaces, missing, strict=True)]


def _drawn(rng: np.random.Generator, shares: dict[str, float]) -> list[str]:
    values = list(shares)
    picked = rng.choice(len(values), BUILDINGS, p=list(shares.values()))
    return [values[number] for number in picked]
