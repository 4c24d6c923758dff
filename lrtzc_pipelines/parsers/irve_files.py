"""One producer's file of charging points, read for what it is and not for its name.

Zip archives named `.csv`, gzip, Excel's `;` and Windows letters, headers of the first
version of the schema: all are recognised. Rows come out in the columns of the national
schema, version 2.3, with the spelling of values brought to the schema's where there is
no doubt; what is in doubt stays as it came, for the typing step to refuse.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Protocol

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.undeclared import decoded, unpacked

KEY = "id_pdc_itinerance"
POSITION = "coordonneesXY"
SWAPPED = "coordonnees_inversees"
FAULT = "ligne_illisible"
"""Why a row, or the file that it stands for, could not be read."""

STATIC_COLUMNS = (
    "nom_amenageur",
    "siren_amenageur",
    "contact_amenageur",
    "nom_operateur",
    "contact_operateur",
    "telephone_operateur",
    "nom_enseigne",
    "id_station_itinerance",
    "id_station_local",
    "nom_station",
    "implantation_station",
    "adresse_station",
    "code_insee_commune",
    POSITION,
    "nbre_pdc",
    KEY,
    "id_pdc_local",
    "puissance_nominale",
    "prise_type_ef",
    "prise_type_2",
    "prise_type_combo_ccs",
    "prise_type_chademo",
    "prise_type_autre",
    "gratuit",
    "paiement_acte",
    "paiement_cb",
    "paiement_autre",
    "tarification",
    "condition_acces",
    "reservation",
    "horaires",
    "accessibilite_pmr",
    "restriction_gabarit",
    "station_deux_roues",
    "raccordement",
    "num_pdl",
    "date_mise_en_service",
    "observations",
    "date_maj",
    "cable_t2_attache",
)
DYNAMIC_COLUMNS = (
    KEY,
    "etat_pdc",
    "occupation_pdc",
    "horodatage",
    "etat_prise_type_2",
    "etat_prise_type_combo_ccs",
    "etat_prise_type_chademo",
    "etat_prise_type_ef",
)

Row = dict[str, str | None]


class _Reader(Protocol):
    """What `csv.reader` returns: cells line by line, and where it is."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


_RENAMED = {
    "n_amenageur": "nom_amenageur",
    "n_operateur": "nom_operateur",
    "n_enseigne": "nom_enseigne",
    "id_station": "id_station_itinerance",
    "n_station": "nom_station",
    "ad_station": "adresse_station",
    "code_insee": "code_insee_commune",
    "id_pdc": KEY,
    "puiss_max": "puissance_nominale",
    "accessibilité": "horaires",
    "accessibilite": "horaires",
    POSITION.lower(): POSITION,
}
"""Columns of schema version 1 that only changed their name, and one with capitals."""

_LONGITUDE, _LATITUDE, _PLUGS = "xlongitude", "ylatitude", "type_prise"
_PLUG_COLUMNS = {
    "prise_type_ef": re.compile(r"(?i)\bE\s*/?\s*F\b"),
    "prise_type_2": re.compile(r"(?i)\bT(?:ype\s*)?2\b"),
    "prise_type_combo_ccs": re.compile(r"(?i)combo|\bCCS"),
    "prise_type_chademo": re.compile(r"(?i)chademo"),
}
_BOOLEANS = frozenset(
    {
        *_PLUG_COLUMNS,
        "prise_type_autre",
        "gratuit",
        "paiement_acte",
        "paiement_cb",
        "paiement_autre",
        "reservation",
        "station_deux_roues",
        "cable_t2_attache",
    }
)
_TRUE = frozenset({"true", "vrai", "1", "1.0", "oui", "yes", "t"})
_FALSE = frozenset({"false", "faux", "0", "0.0", "non", "no", "f"})
_DATES = frozenset({"date_maj", "date_mise_en_service"})
_FRENCH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s.*)?")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_NO_IDENTIFIER = re.compile(r"(?i)non[ _-]?concern[ée]e?s?")
_LONGITUDES_OF_FRANCE = (-5.5, 9.7)
_LATITUDES_OF_FRANCE = (41.0, 51.5)
_SEPARATORS = (",", ";", "\t", "|")
_FEWEST_COLUMNS = 3


def read_file(body: bytes, label: str, *, dynamic: bool) -> list[Row]:
    """The rows of a file in the schema's columns; a row that is none has `FAULT`.

    Args:
        body: The file as its producer left it.
        label: What messages begin with.
        dynamic: Whether the schema is that of states, or of places.

    Raises:
        ParseError: it is no table of charging points, or of another schema.
    """
    text = decoded(unpacked(body, label)).lstrip("\r\n")
    columns = DYNAMIC_COLUMNS if dynamic else STATIC_COLUMNS
    # Bounded by the file: a cell is part of it.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=_separator(text, columns)
    )
    try:
        header = _header(next(lines, []), columns, label)
        return list(_rows(lines, header, columns))
    except csv.Error as error:
        msg = f"{label}: line {lines.line_num}: {error}"
        raise ParseError(msg) from error


def _rows(lines: _Reader, header: list[str], columns: tuple[str, ...]) -> Iterator[Row]:
    first = lines.line_num + 1
    for line in lines:
        last = lines.line_num
        if not any(cell.strip() for cell in line):
            pass  # what spreadsheets leave below a table
        elif len(line) == len(header):
            yield _row(header, columns, line)
        else:
            # A quote left open swallows the lines up to the next one.
            place = f"lines {first} to {last}" if last > first else f"line {first}"
            fault = f"{place}: {len(line)} values under {len(header)} columns"
            yield unreadable(columns, fault)
        first = last + 1


def _separator(text: str, columns: tuple[str, ...]) -> str:
    """What splits the first line into the most columns of the schema."""
    first = text.partition("\n")[0]
    return max(_SEPARATORS, key=lambda mark: _known(first.split(mark), columns))


def _known(names: list[str], columns: tuple[str, ...]) -> int:
    """How many names are of the schema."""
    return sum(_renamed(_plain(name)) in columns for name in names)


def _plain(name: str) -> str:
    return name.strip().strip('"').strip().lower()


def _renamed(name: str) -> str:
    return _RENAMED.get(name, name)


def _header(names: list[str], columns: tuple[str, ...], label: str) -> list[str]:
    """The columns of a file by the schema's names, others in lower case.

    Raises:
        ParseError: too few are of the schema, the key is absent, or one stands twice.
    """
    plain = [_plain(name) for name in names]
    # Where the names of both versions stand side by side, the newer one counts.
    header = [name if _RENAMED.get(name) in plain else _renamed(name) for name in plain]
    if KEY not in header or sum(n in columns for n in header) < _FEWEST_COLUMNS:
        msg = f"{label}: no table of charging points: its first line is no such header"
        raise ParseError(msg)
    for column in columns:
        if header.count(column) > 1:
            msg = f"{label}: line 1: column {column!r} stands twice in the header"
            raise ParseError(msg)
    return header


def _row(header: list[str], columns: tuple[str, ...], line: list[str]) -> Row:
    cells = {
        name: text.strip() or None for name, text in zip(header, line, strict=True)
    }
    row: Row = {name: _value(name, cells.get(name)) for name in columns}
    if POSITION in columns:
        _complete(row, cells)
    row[FAULT] = None
    return row


def unreadable(columns: tuple[str, ...], fault: str) -> Row:
    """A row that says only why there is none."""
    return {**dict.fromkeys(columns), SWAPPED: None, FAULT: fault}


def _complete(row: Row, cells: Row) -> None:
    """Fills what version 1 wrote elsewhere, and puts the axes in their order."""
    longitude, latitude = cells.get(_LONGITUDE), cells.get(_LATITUDE)
    if row[POSITION] is None and longitude and latitude:
        pair = (longitude.replace(",", "."), latitude.replace(",", "."))
        row[POSITION] = f"[{pair[0]},{pair[1]}]"
    if plugs := cells.get(_PLUGS):
        for name, pattern in _PLUG_COLUMNS.items():
            found = "true" if pattern.search(plugs) else "false"
            row[name] = row[name] or found
    row[POSITION], row[SWAPPED] = _in_order(row[POSITION])


def _in_order(position: str | None) -> tuple[str | None, str | None]:
    """`[lon,lat]` and whether it came the other way round."""
    numbers = _NUMBER.findall(position or "")
    if len(numbers) != 2:  # noqa: PLR2004 - a longitude and a latitude
        return position, None
    longitude, latitude = map(float, numbers)
    west, east = _LONGITUDES_OF_FRANCE
    south, north = _LATITUDES_OF_FRANCE
    if south <= longitude <= north and west <= latitude <= east:
        return f"[{numbers[1]},{numbers[0]}]", "true"
    return f"[{numbers[0]},{numbers[1]}]", "false"


def _value(name: str, text: str | None) -> str | None:
    """A cell in the schema's spelling."""
    if text is None:
        return None
    if name == KEY:
        # Stations outside roaming all write these words; they are no identifier.
        return None if _NO_IDENTIFIER.fullmatch(text) else text
    if name in _BOOLEANS:
        return _boolean(text)
    if name in _DATES:
        return _date(text)
    if name == "puissance_nominale":
        return text.replace(",", ".")
    return text


def _boolean(text: str) -> str:
    lower = text.lower()
    if lower in _TRUE:
        return "true"
    return "false" if lower in _FALSE else text


def _date(text: str) -> str:
    """The day of a date, with or without an hour, the French way round or not."""
    if french := _FRENCH_DATE.fullmatch(text):
        day, month, year = french.groups()
        return f"{year}-{int(month):02}-{int(day):02}"
    return text[:10] if re.match(r"\d{4}-\d\d-\d\d[T ]", text) else text
