"""The perimeter file of the DGCL: La Rochelle's true lines among fictive EPCIs.

Fictive EPCIs and communes say so in their names; their communes have numbers no
department reaches. The layout is the real one: Windows-1252, CRLF, a space for the
thousands, and an empty line of separators at the end.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrtzc_pipelines.sandbox.draws import chance, generator
from lrtzc_pipelines.sandbox.territory import COMMUNES, EPCI_NAME, EPCI_SIREN

FICTIVE_EPCIS = 60
HEADER = (
    "dept",
    "siren",
    "raison_sociale",
    "nature_juridique",
    "mode_financ",
    "nb_membres",
    "total_pop_tot",
    "total_pop_mun",
    "dep_com",
    "insee",
    "siren_membre",
    "nom_membre",
    "ptot_2025",
    "pmun_2025",
)
# True codes and names of departments and regions.
DEPARTMENTS = (
    ("01", "Ain", "84", "Auvergne-Rhône-Alpes"),
    ("02", "Aisne", "32", "Hauts-de-France"),
    ("03", "Allier", "84", "Auvergne-Rhône-Alpes"),
    ("09", "Ariège", "76", "Occitanie"),
    ("11", "Aude", "76", "Occitanie"),
    ("14", "Calvados", "28", "Normandie"),
    ("16", "Charente", "75", "Nouvelle-Aquitaine"),
    ("17", "Charente-Maritime", "75", "Nouvelle-Aquitaine"),
    ("18", "Cher", "24", "Centre-Val de Loire"),
    ("2A", "Corse-du-Sud", "94", "Corse"),
    ("21", "Côte-d'Or", "27", "Bourgogne-Franche-Comté"),
    ("22", "Côtes-d'Armor", "53", "Bretagne"),
    ("24", "Dordogne", "75", "Nouvelle-Aquitaine"),
    ("25", "Doubs", "27", "Bourgogne-Franche-Comté"),
    ("26", "Drôme", "84", "Auvergne-Rhône-Alpes"),
    ("29", "Finistère", "53", "Bretagne"),
    ("33", "Gironde", "75", "Nouvelle-Aquitaine"),
    ("34", "Hérault", "76", "Occitanie"),
    ("38", "Isère", "84", "Auvergne-Rhône-Alpes"),
    ("44", "Loire-Atlantique", "52", "Pays de la Loire"),
    ("45", "Loiret", "24", "Centre-Val de Loire"),
    ("49", "Maine-et-Loire", "52", "Pays de la Loire"),
    ("50", "Manche", "28", "Normandie"),
    ("54", "Meurthe-et-Moselle", "44", "Grand Est"),
    ("59", "Nord", "32", "Hauts-de-France"),
    ("64", "Pyrénées-Atlantiques", "75", "Nouvelle-Aquitaine"),
    ("67", "Bas-Rhin", "44", "Grand Est"),
    ("79", "Deux-Sèvres", "75", "Nouvelle-Aquitaine"),
    ("85", "Vendée", "52", "Pays de la Loire"),
    ("86", "Vienne", "75", "Nouvelle-Aquitaine"),
)
_FIRST_FICTIVE_NUMBER = 950
_MEMBERS = (11, 25)
_SETTINGS = (
    "-sur-Étier",
    "-les-Œillets",
    "-d'Aunis Rêvé",
    "",
    "-en-Plaine",
    "-la-Forêt",
)


@dataclass(frozen=True)
class Member:
    """A commune of an EPCI."""

    department: str
    code: str
    siren: str
    name: str
    population_municipal: int
    population_total: int


@dataclass(frozen=True)
class Epci:
    """An EPCI with its own tax, and its members by falling population."""

    department: str
    siren: str
    name: str
    legal_form: str
    funding: str
    members: tuple[Member, ...]

    @property
    def population_municipal(self) -> int:
        """Municipal inhabitants of all members."""
        return sum(member.population_municipal for member in self.members)

    @property
    def population_total(self) -> int:
        """Total inhabitants of all members."""
        return sum(member.population_total for member in self.members)


def epcis(seed: int) -> list[Epci]:
    """La Rochelle among the fictive EPCIs, by department."""
    rng = generator(seed, "perimeter")
    fictive = [_fictive(rng, number) for number in range(FICTIVE_EPCIS)]
    return sorted([la_rochelle(), *fictive], key=lambda epci: epci.department)


def la_rochelle() -> Epci:
    """The true perimeter and populations of the agglomeration."""
    members = [
        Member(
            "17", c.code, c.siren, c.name, c.population_municipal, c.population_total
        )
        for c in COMMUNES
    ]
    members.sort(key=lambda member: -member.population_total)
    return Epci("17", EPCI_SIREN, EPCI_NAME, "CA", "FPU", tuple(members))


def _fictive(rng: np.random.Generator, number: int) -> Epci:
    department = DEPARTMENTS[number % len(DEPARTMENTS)][0]
    form = str(rng.choice(["CC", "CC", "CC", "CC", "CA", "CU"]))
    name = f"{form} Fictive n° {number + 1}"
    if number == 0:
        # One name holds quotes, as real ones do, and so must be quoted in the file.
        name = f'{name} "Terres inventées"'
    second = number // len(DEPARTMENTS)
    codes = _FIRST_FICTIVE_NUMBER + second * _MEMBERS[1] + np.arange(_MEMBERS[1])
    count = int(rng.integers(*_MEMBERS))
    people = np.sort(np.exp(rng.normal(6.7, 1.0, count)))[::-1].astype(int) + 40
    members = tuple(
        _member(rng, department, int(code), int(municipal))
        for code, municipal in zip(codes[:count], people, strict=True)
    )
    siren = _siren(f"2999{number + 1:04d}")
    funding = "FPU" if chance(rng, 0.8) else "FA"
    return Epci(department, siren, name, form, funding, members)


def _member(
    rng: np.random.Generator, department: str, code: int, municipal: int
) -> Member:
    setting = str(rng.choice(_SETTINGS))
    digits = department.replace("A", "0")
    return Member(
        department=department,
        code=f"{department}{code}",
        siren=_siren(f"21{digits}0{code}"),
        name=f"Fictive{setting} {department}-{code}",
        population_municipal=municipal,
        population_total=municipal + int(municipal * rng.uniform(0.005, 0.04)),
    )


def _siren(first_eight: str) -> str:
    """The eight digits with their Luhn check digit."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(first_eight)]
    total = sum(sum(divmod(value, 10)) for value in doubled)
    return f"{first_eight}{-total % 10}"


def perimeter_csv(found: Sequence[Epci]) -> bytes:
    """The file as the DGCL publishes it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for epci in found:
        writer.writerows(_line(epci, member) for member in epci.members)
    writer.writerow([""] * len(HEADER))
    return text.getvalue().encode("cp1252")


def _line(epci: Epci, member: Member) -> list[str]:
    return [
        epci.department,
        epci.siren,
        epci.name,
        epci.legal_form,
        epci.funding,
        str(len(epci.members)),
        _spaced(epci.population_total),
        _spaced(epci.population_municipal),
        member.department,
        member.code,
        member.siren,
        member.name,
        _spaced(member.population_total),
        _spaced(member.population_municipal),
    ]


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
