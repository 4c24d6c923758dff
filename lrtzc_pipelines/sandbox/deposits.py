"""Invented files in the inboxes, as partners would have left them.

One would be accepted and one refused, so that a demonstration shows both answers. What
is invented is noted beside the deposits, out of a partner's reach.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from lrtzc_pipelines.canaries.invented import Canary
from lrtzc_pipelines.deposits.depositors import open_inbox
from lrtzc_pipelines.deposits.forms import find_form
from lrtzc_pipelines.deposits.intake import READY
from lrtzc_pipelines.deposits.receipts import Deposits
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sandbox.canary_deposits import planted_depositor, planted_table
from lrtzc_pipelines.sandbox.draws import AS_OF, generator
from lrtzc_pipelines.sandbox.territory import COMMUNES, Commune
from lrtzc_pipelines.storage import write_bytes

_WASTES = (
    ("150101", "R3", 12.0),
    ("150102", "R3", 6.0),
    ("170107", "R5", 80.0),
    ("200108", "R3", 9.0),
    ("200301", "D1", 25.0),
    ("130205*", "R9", 0.8),
)
"""Code of the European list, treatment, and usual tonnes in a month."""

DEPOSITOR = "partenaire_invente"

_WASTE_FORM, _TRIPS_FORM = "valorisation_waste", "mobility_trips"
_TO_CORRECT = "a-corriger.csv"

_ESTABLISHMENTS = 60
_TRIPS, _USERS = 3000, 400
_SPOTS = ((0, 0), (4, 2), (-6, 3), (9, -5), (-3, -8), (12, 10))
"""Where vehicles stand, in thousandths of a degree from the middle of a commune."""


@dataclass(frozen=True)
class InventedFile:
    """A file as a partner would leave it, and the canaries in it."""

    form_id: str
    depositor: str
    name: str
    text: str
    canaries: tuple[Canary, ...] = ()


def write_inbox(data_dir: Path, seed: int, *, canaries: bool = False) -> list[Path]:
    """Leaves invented files in the inboxes, marked as complete; their paths.

    Equal seeds leave equal files, which then are told to have come already.

    Args:
        data_dir: Data directory.
        seed: Seed of the files.
        canaries: Whether canaries are planted in them.
    """
    files = planted_files(seed) if canaries else invented_files(seed)
    return [_leave(Layout(data_dir), file) for file in files]


def invented_files(seed: int) -> list[InventedFile]:
    """The files of a seed: two that would be accepted, and one that would not."""
    month = _last_month()
    return [
        InventedFile(form_id, DEPOSITOR, name, make(seed, month))
        for form_id, name, make in (
            (_WASTE_FORM, f"dechets-{month:%Y-%m}.csv", _waste),
            (_WASTE_FORM, "dechets-a-corriger.csv", _faulty_waste),
            (_TRIPS_FORM, f"trajets-{month:%Y-%m}.csv", _trips),
        )
    ]


def planted_files(seed: int) -> list[InventedFile]:
    """The same files with canaries in them, and trips that are to be refused too."""
    month = _last_month()
    trips = InventedFile(_TRIPS_FORM, DEPOSITOR, "", _trips(seed + 1, month))
    files = [*invented_files(seed), replace(trips, name="trajets-a-corriger.csv")]
    return [_planted(file, seed) for file in files]


def _planted(file: InventedFile, seed: int) -> InventedFile:
    refused = file.name.endswith(_TO_CORRECT)
    # Other persons than those of the file that is accepted.
    own = seed + 1 if refused else seed
    text, canaries = planted_table(file.form_id, file.text, own, refused=refused)
    depositor = planted_depositor(file.form_id, seed)
    return replace(
        file,
        depositor=depositor.value,
        text=text,
        canaries=(*canaries, depositor),
    )


def _leave(layout: Layout, file: InventedFile) -> Path:
    body = file.text.encode()
    inbox = open_inbox(layout, find_form(file.form_id), file.depositor)
    deposits = Deposits(layout.deposits(file.form_id, file.depositor))
    deposits.note_invented(hashlib.sha256(body).hexdigest())
    path = inbox / file.name
    write_bytes(path, body)
    path.with_name(path.name + READY).touch()
    return path


def _last_month() -> date:
    first = AS_OF.date().replace(day=1)
    return (first - timedelta(days=1)).replace(day=1)


Make = Callable[[int, date], str]


def _waste(seed: int, month: date) -> str:
    rng = generator(seed, "deposits waste")
    lines = ["siret;code_commune;code_naf;mois;code_dechet;code_traitement;tonnes"]
    for siret, commune, activity in _establishments(rng):
        handed = rng.choice(len(_WASTES), size=int(rng.integers(1, 4)), replace=False)
        for index in sorted(int(chosen) for chosen in handed):
            code, treatment, usual = _WASTES[index]
            mass = f"{rng.gamma(2, usual / 2):.3f}".replace(".", ",")
            cells = (siret, commune, activity, f"{month}", code, treatment, mass)
            lines.append(";".join(cells))
    return "\n".join(lines) + "\n"


def _faulty_waste(seed: int, month: date) -> str:
    """A table with what partners get wrong: names for codes, lost zeros, units."""
    header, *rows = _waste(seed + 1, month).splitlines()
    table = [row.split(";") for row in rows]
    for first in range(0, len(table) - 3, 10):
        table[first][1] = "La Rochelle"
        table[first + 1][4] = table[first + 1][4][1:]
        table[first + 2][6] += " t"
    rows = [";".join(cells) for cells in table]
    return "\n".join([header, *rows]) + "\n"


def _establishments(rng: np.random.Generator) -> list[tuple[str, str, str]]:
    """SIRETs that exist nowhere (their SIREN begins with 000), commune, activity."""
    activities = ("10.71C", "41.20A", "47.11F", "55.10Z", "56.10A", "38.32Z")
    return [
        (
            f"000{int(rng.integers(10**6)):06d}{number:05d}",
            COMMUNES[int(rng.integers(len(COMMUNES)))].code,
            activities[int(rng.integers(len(activities)))],
        )
        for number in range(1, _ESTABLISHMENTS + 1)
    ]


def _trips(seed: int, month: date) -> str:
    rng = generator(seed, "deposits trips")
    lines = [
        "id_trajet;id_usager;commune_origine;longitude_origine;latitude_origine;"
        "commune_destination;depart"
    ]
    codes = [commune.code for commune in COMMUNES]
    # Most trips begin or end in the city itself.
    weights = np.array([20.0 if code == "17300" else 1.0 for code in codes])
    weights /= weights.sum()
    days = 28
    for number in range(_TRIPS):
        origin, destination = (
            COMMUNES[index] for index in rng.choice(len(codes), size=2, p=weights)
        )
        where = _spot(rng, origin)
        minute = int(np.clip(rng.normal(14 * 60, 4 * 60), 0, 24 * 60 - 1))
        day = month + timedelta(days=int(rng.integers(days)))
        depart = f"{day} {minute // 60:02d}:{minute % 60:02d}:00"
        user = f"usager-invente-{int(rng.integers(_USERS)):03d}"
        cells = (f"trajet-{number:05d}", user, origin.code, *where)
        lines.append(";".join((*cells, destination.code, depart)))
    return "\n".join(lines) + "\n"


def _spot(rng: np.random.Generator, commune: Commune) -> tuple[str, str]:
    """Longitude and latitude of a departure, blank where the vehicle does not say."""
    drawn = min(int(rng.geometric(0.4)) - 1, len(_SPOTS))
    if drawn == len(_SPOTS):
        return "", ""
    east, north = _SPOTS[drawn]
    place = (commune.longitude + east / 1000, commune.latitude + north / 1000)
    longitude, latitude = (f"{degrees:.3f}".replace(".", ",") for degrees in place)
    return longitude, latitude
