"""The Agence ORE file of dwellings' electricity, every value of it invented.

Kept from the real file: headers, quoting, decimals as R writes them, EPCIs served by
several operators, and the column labelled MWh that holds kWh.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrtzc_pipelines.sandbox.draws import generator
from lrtzc_pipelines.sandbox.perimeter import DEPARTMENTS, Epci
from lrtzc_pipelines.sandbox.territory import EPCI_SIREN

HEADER = (
    "Id",
    "OPERATEUR",
    "Code.EPCI",
    "Nom.EPCI",
    "Code.Département",
    "Nom.Département",
    "Code.Région",
    "Nom.Région",
    "Nb.sites",
    "Conso.totale..MWh.",
    "Conso.moyenne..MWh.",
    "Part.thermosensible....",
    "Conso.totale.à.usages.thermosensibles..MWh.",
    "Conso.totale.corrigée.de.l.aléa.climatique.à.usages.thermose",
    "Conso.moyenne.à.usages.thermosensibles..MWh.",
    "Conso.moyenne.corrigée.de.l.aléa.climatique.à.usages.thermos",
    "Nombre.d.habitants",
    "Taux.de.logements.collectifs",
    "Taux.de.résidences.principales",
    "Superficie.des.logements..30.m2",
    "Superficie.des.logements.30.à.40.m2",
    "Superficie.des.logements.40.à.60.m2",
    "Superficie.des.logements.60.à.80.m2",
    "Superficie.des.logements.80.à.100.m2",
    "Superficie.des.logements..100.m2",
    "Résidences.principales.avant.1919",
    "Résidences.principales.de.1919.à.1945",
    "Résidences.principales.de.1946.à.1970",
    "Résidences.principales.de.1971.à.1990",
    "Résidences.principales.de.1991.à.2005",
    "Résidences.principales.de.2006.à.2015",
    "Résidences.principales.après.2016",
    "Taux.de.chauffage.électrique",
)
NATIONAL_OPERATOR = "Enedis"
NO_EPCI = "ZZZZZZZZZ"
_FIRST_ID = 43_532
_THIRD_OPERATORS = 27
_AREA_SHARES = (0.05, 0.06, 0.14, 0.21, 0.22, 0.32)
_AGE_SHARES = (0.13, 0.08, 0.18, 0.24, 0.17, 0.15, 0.05)

Value = str | int | float


def consumption_csv(seed: int, epcis: Sequence[Epci]) -> bytes:
    """The file: one line per operator and EPCI, and two outside any EPCI."""
    rng = generator(seed, "electricity")
    lines = [_quoted(HEADER)]
    for number, row in enumerate(_rows(rng, epcis)):
        lines.append(_quoted((_FIRST_ID + number, *row)))
    return "".join(f"{line}\n" for line in lines).encode()


def _rows(rng: np.random.Generator, epcis: Sequence[Epci]) -> list[list[Value]]:
    """Rows without their id, by operator as in the real file."""
    rows = []
    fictive = [epci for epci in epcis if epci.siren != EPCI_SIREN]
    for number, epci in enumerate(fictive[:_THIRD_OPERATORS]):
        rows.append(
            _row(rng, f"Régie Fictive d'électricité n° {number + 1}", epci, 0.04)
        )
    for number, epci in enumerate(fictive):
        rows.append(_row(rng, f"SICAE Imaginaire {number % 9 + 1}", epci, 0.11))
    for epci in epcis:
        alone = epci.siren == EPCI_SIREN
        rows.append(_row(rng, NATIONAL_OPERATOR, epci, 1.0 if alone else 0.85))
    for department in ("29", "85"):
        nowhere = Epci(
            department, NO_EPCI, "Sans objet", "", "", fictive[0].members[:3]
        )
        rows.append(_row(rng, NATIONAL_OPERATOR, nowhere, 0.5))
    return rows


def _row(
    rng: np.random.Generator, operator: str, epci: Epci, share: float
) -> list[Value]:
    inhabitants = round(epci.population_municipal * rng.uniform(0.96, 0.99))
    dwellings = round(inhabitants / rng.uniform(1.7, 2.1))
    sites = max(10, round(dwellings * share * rng.uniform(0.97, 1.05)))
    mean_mwh = (
        rng.uniform(3.9, 4.4) if epci.siren == EPCI_SIREN else rng.uniform(3.6, 6)
    )
    total_mwh = round(sites * mean_mwh, 3)
    # Only the national operator estimates heat-dependent use, and publishes it in kWh
    # under a header that says MWh; share and mean inherit the factor of 1000.
    heat_kwh = 0.0
    if operator == NATIONAL_OPERATOR:
        heat_kwh = round(total_mwh * 1000 * rng.uniform(0.15, 0.27), 6)
    corrected_kwh = round(heat_kwh * rng.uniform(1.12, 1.19), 6)
    return [
        operator,
        epci.siren,
        epci.name,
        *_department(epci.department),
        sites,
        total_mwh,
        total_mwh / sites,
        heat_kwh / total_mwh,
        heat_kwh,
        corrected_kwh,
        heat_kwh / sites,
        corrected_kwh / sites,
        inhabitants,
        rng.uniform(2, 30),
        rng.uniform(55, 92),
        *_parts(rng, dwellings, _AREA_SHARES),
        *_parts(rng, dwellings, _AGE_SHARES),
        rng.uniform(8, 40),
    ]


def _parts(rng: np.random.Generator, total: int, shares: Sequence[float]) -> list[int]:
    noisy = np.array(shares) * rng.uniform(0.8, 1.2, len(shares))
    parts: list[int] = (total * noisy / noisy.sum()).astype(int).tolist()
    return parts


def _department(code: str) -> tuple[str, str, str, str]:
    return next(department for department in DEPARTMENTS if department[0] == code)


def _quoted(values: Sequence[Value]) -> str:
    """A line as R's `write.csv` makes it: texts quoted, numbers to 15 digits."""
    cells = []
    for value in values:
        if isinstance(value, str):
            doubled = value.replace('"', '""')
            cells.append(f'"{doubled}"')
        else:
            cells.append(f"{value:.15g}")
    return ",".join(cells)
