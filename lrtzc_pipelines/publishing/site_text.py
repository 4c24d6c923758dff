"""French words, numbers and dates of the public page.

What a reader sees as text is made here: cleaned strings, numbers with a comma, dates
in Paris time, labels of axes, licences and states. No data access and no markup.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

PARIS = "Europe/Paris"
THIN_SPACE = "\u202f"
HARD_SPACE = "\u00a0"
MINUS = "\u2212"
NOT_AVAILABLE = "n.\u00a0d."
NOTHING = "\u2013"
NOT_COLLECTED = "Pas encore collecté"

AXES = {
    1: "Participation citoyenne",
    2: "Carbone bleu",
    3: "Efficacité du bâti et des réseaux",
    4: "Autoconsommation collective",
    5: "Nouvelles mobilités",
    6: "Transition des entreprises",
    7: "Agro-alimentaire",
    8: "Tourisme durable",
    9: "Coopérative carbone",
    10: "Données",
}
LICENCES = {
    "etalab-2.0": (
        "Licence Ouverte 2.0",
        "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    ),
    "odbl-1.0": ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "cc0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/deed.fr"),
    "cc-by-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/deed.fr"),
    "cc-by-sa-4.0": (
        "CC BY-SA 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/deed.fr",
    ),
    "apache-2.0": ("Apache 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "licenseref-partner-agreement": ("Convention de partenariat", ""),
}
ORIGINS = {
    "live": "Service du producteur",
    "sandbox": "Générée (démonstration)",
    "replay": "Réponse réelle rejouée",
    "absent": "Aucune",
}
STATES = {
    "computed": "valeur calculée",
    "imputed": "estimation, faute de mesure",
    "secret": "secret statistique",
    "missing": "valeur manquante",
    "not_occurring": "sans objet sur le territoire",
}
METHODS = {
    "electricity_average_mix_location_based": (
        "électricité consommée multipliée par le mix moyen de consommation français, "
        "amont et pertes compris, quel que soit le fournisseur"
    ),
}
MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
    *("septembre", "octobre", "novembre", "décembre"),
)
SHORT_MONTHS = (
    *("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août"),
    *("sept.", "oct.", "nov.", "déc."),
)
# A stray override character in a name would reverse the text that follows it.
_DIRECTION_MARKS = re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """The text in NFC, without control or direction characters, spaces collapsed."""
    text = _DIRECTION_MARKS.sub("", unicodedata.normalize("NFC", text))
    kept = (" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
    return re.sub(r"[ \t]+", " ", "".join(kept)).strip()


def typeset(value: object) -> object:
    """Plain text with French apostrophes; anything else as it is."""
    return value.replace("'", "\u2019") if type(value) is str else value


def number(value: float | None, decimals: int = 0) -> str:
    """The number in French: thin spaces between thousands, decimal comma."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    step = Decimal(1).scaleb(-decimals)
    rounded = Decimal(repr(value)).quantize(step, rounding=ROUND_HALF_UP)
    digits = f"{abs(rounded):,f}".replace(",", THIN_SPACE).replace(".", ",")
    return f"{MINUS}{digits}" if rounded < 0 else digits


def exact(value: float | None) -> str:
    """The number with the decimals it has, six at most."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    exponent = round(Decimal(repr(value)), 6).normalize().as_tuple().exponent
    return number(value, max(0, -exponent) if isinstance(exponent, int) else 0)


def quantity(value: float | None) -> str:
    """The number rounded for reading: three digits, or down to the unit."""
    if not value or not math.isfinite(value):
        return number(value)
    return number(value, max(0, 2 - math.floor(math.log10(abs(value)))))


def percent(share: float | None) -> str:
    """A share of one as a whole percentage."""
    if share is None:
        return NOT_AVAILABLE
    return f"{number(share * 100)}{THIN_SPACE}%"


def unit(text: str | None) -> str:
    """The unit as printed: CO2 with its index."""
    return (text or "").replace("CO2", "CO₂")


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """The count and its noun, in agreement (French: below two is singular)."""
    noun = singular if abs(count) <= 1 else plural or f"{singular}s"
    return f"{number(count)}{HARD_SPACE}{noun}"


def in_paris(moment: datetime) -> datetime:
    """The instant on the clocks of La Rochelle."""
    return moment.astimezone(ZoneInfo(PARIS))


def year(value: int | None) -> str:
    """The year, ungrouped."""
    return NOT_AVAILABLE if value is None else str(value)


def day(value: date | None) -> str:
    """The day written out; an instant is first put in Paris time."""
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, datetime) and value.tzinfo:
        value = in_paris(value)
    number_of_day = "1er" if value.day == 1 else str(value.day)
    return f"{number_of_day}{HARD_SPACE}{MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime | None) -> str:
    """The instant written out in Paris time."""
    if value is None:
        return NOT_AVAILABLE
    local = in_paris(value)
    clock = f"{local.hour}{HARD_SPACE}h{HARD_SPACE}{local.minute:02d}"
    return f"{day(local.date())} à {clock}"


def short_month(value: date) -> str:
    """The month and its year, shortened for an axis."""
    return f"{SHORT_MONTHS[value.month - 1]} {value.year}"


def axis(code: int | None) -> str:
    """The action line a source belongs to, with its number."""
    if code is None:
        return NOT_AVAILABLE
    return f"{code}.{HARD_SPACE}{AXES[code]}" if code in AXES else str(code)


def state(code: str | None) -> str:
    """The state of a figure in French; a word unknown here is shown as it is."""
    if not code:
        return NOT_AVAILABLE
    return STATES.get(code, code)


def method(code: str | None) -> str:
    """The method in French, then its code."""
    if not code:
        return NOT_AVAILABLE
    return f"{METHODS[code]} ({code})" if code in METHODS else code


def origin(code: str | None) -> str:
    """Where the answers came from, in French."""
    return ORIGINS.get(code or "absent", code or NOT_AVAILABLE)


def licence(code: str | None) -> tuple[str, str]:
    """The licence's name and address; the address is empty if it is not known."""
    return LICENCES.get((code or "").lower(), (code or NOT_AVAILABLE, ""))


def web_address(text: str | None) -> str:
    """The address if it is a plain web one, else nothing: no `javascript:` link."""
    return text if text and re.fullmatch(r"https?://[^\s\"'<>]+", text) else ""
