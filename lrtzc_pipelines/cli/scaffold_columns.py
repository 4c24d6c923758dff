"""What the columns of a sample seem to be: names, types, key and privacy rules.

Silence is not consent: a column is kept only where its name and its values both look
like a number, a date or a code. Everything else is dropped until a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from lrtzc_pipelines.cli.scaffold_sample import NUMBER, Sample, filled
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.checking import PLACEHOLDER
from lrtzc_pipelines.sources.columns import Column, ColumnType

TIMEZONE = "Europe/Paris"
_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y")
_DATETIMES = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
)
_OFFSET = r"(?:Z|[+-]\d{2}:\d{2})$"
_TRUTHS = r"(?i)^(?:true|false|t|f|y|n|oui|non)$"
_CODE = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,19}$"
_LONGEST_INTEGER = 18
# Months written before days would make six dates of ten unreadable.
_TOLERATED = 0.3


def _words(*words: str) -> re.Pattern[str]:
    """Matches a snake_case name that has one of the words in it."""
    return re.compile(rf"(?:^|_)({'|'.join(' '.join(words).split())})(?:_|$)")


_CODES = _words(
    "code siren insee iris epci naf dep dept departement region cp postal postcode uai"
)
"""Names of columns whose digits are no quantity."""

_IDENTIFIERS = _words("id identifiant ref reference num numero")
_PERSON_NAMES = _words(
    "prenoms? firstname lastname surname civilite sexe genre gender age naissance",
    "birth mail email mel courriel tel telephone phone portable mobile fax prm pdl",
    "pce nir secu iban rib bic immatriculation plaque matricule badge agent usager",
    "client abonne titulaire proprietaire locataire occupant demandeur declarant",
    "signataire login user utilisateur ip imei mac",
)
"""Names of columns that only a table about persons has."""

_PERSONAL_NAMES = _words(
    "noms? name adresse address adr voie rue street lat latitude lon lng long",
    "longitude x y coords? coordonnees geom geometry geo wkt parcelle cadastre",
    "logement compteur siret contact responsable commentaires? comments?",
    "observations? remarques?",
)
"""Names of columns that may be about persons, or about places where they live."""

_PERSONAL_VALUES = {
    "mail addresses": r"@",
    "telephone numbers": r"^(?:\+33|0033|0)\s?[1-9](?:[\s.-]?\d{2}){4}$",
    "meter or SIRET numbers": r"^\d{3}[\s]?\d{3}[\s]?\d{3}[\s]?\d{5}$|^\d{14}$",
    "social security numbers": r"^[12]\d{12}(?:\d{2})?$",
    "licence plates": r"^[A-Z]{2}[\s-]?\d{3}[\s-]?[A-Z]{2}$",
    "bank accounts": r"^FR\d{2}[\sA-Z0-9]{23,}$",
    "network addresses": r"^\d{1,3}(?:\.\d{1,3}){3}$",
}


@dataclass(frozen=True)
class Draft:
    """A column as the sample suggests it, and why its privacy rule is what it is."""

    column: Column
    why: str


def draft_columns(
    sample: Sample, *, key: Sequence[str] = (), keep: Collection[str] = ()
) -> tuple[list[Draft], tuple[str, ...]]:
    """The columns of a sample, and the names that make its primary key.

    Args:
        sample: What to learn from.
        key: Columns a person chose as key, by either name.
        keep: Columns a person chose to publish, by either name.

    Raises:
        SpecError: a chosen column does not exist, or no column can be the key.
    """
    frame = sample.frame
    names = dict(zip(frame.columns, _platform_names(frame.columns), strict=True))
    chosen = [_source_name(name, names) for name in key] or _find_key(frame, names)
    _check_key(frame, chosen)
    kept = {_source_name(name, names) for name in keep}
    of_persons = _is_of_persons(frame, names)
    drafts = []
    for source, name in names.items():
        values = filled(frame[source])
        fields = _type(name, values)
        privacy, why = _privacy(name, values, fields["type"])
        tells_apart = source in chosen or _IDENTIFIERS.search(name)
        if privacy == "keep" and of_persons and tells_apart:
            privacy, why = "drop", "tells rows apart that look like persons"
        if source in kept:
            privacy, why = "keep", "chosen with --keep"
        column = Column(
            name=name,
            source=source,
            required=source in chosen,
            description=f"{PLACEHOLDER} : colonne « {source} ».",
            privacy=privacy,
            **fields,
        )
        drafts.append(Draft(column, why))
    return drafts, tuple(names[source] for source in chosen)


def _is_of_persons(frame: pl.DataFrame, names: dict[str, str]) -> bool:
    """Whether a column's name or values are such as only persons have."""
    return any(
        _PERSON_NAMES.search(name) or _looks_personal(filled(frame[source]))
        for source, name in names.items()
    )


def _source_name(name: str, names: dict[str, str]) -> str:
    for source, own in names.items():
        if name in {source, own}:
            return source
    msg = f"no column {name!r} in the sample (there are: {', '.join(names)})"
    raise SpecError(msg)


def _platform_names(sources: Sequence[str]) -> list[str]:
    """Distinct snake_case names that need no quotes in SQL."""
    names: list[str] = []
    for source in sources:
        joined = source.translate({ord("œ"): "oe", ord("Œ"): "Oe", ord("æ"): "ae"})
        plain = unicodedata.normalize("NFKD", joined).encode("ascii", "ignore").decode()
        parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
        name = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_") or "column"
        if not name[0].isalpha():
            name = f"column_{name}"
        if name in _reserved():
            name = f"{name}_value"
        while name in names:
            name = f"{name}_again"
        names.append(name)
    return names


def _reserved() -> set[str]:
    rows = duckdb.sql(
        "select keyword_name from duckdb_keywords() "
        "where keyword_category in ('reserved', 'type_function')"
    ).fetchall()
    return {name for (name,) in rows}


def _find_key(frame: pl.DataFrame, names: dict[str, str]) -> list[str]:
    """The first column that tells every row apart and is no measured value."""
    for source, name in names.items():
        values = filled(frame[source])
        kind = _type(name, values)["type"]
        measured = kind in {ColumnType.NUMBER, ColumnType.BOOLEAN}
        if len(values) == frame.height and not measured:
            return [source]
    msg = "no single column tells the rows apart: name the key with --key A --key B"
    raise SpecError(msg)


def _check_key(frame: pl.DataFrame, key: list[str]) -> None:
    values = frame.select(pl.col(key).str.strip_chars())
    blank = values.filter(pl.any_horizontal(pl.all().fill_null("") == "")).height
    repeated = values.height - values.unique().height
    if blank or repeated:
        msg = (
            f"key {', '.join(key)}: {blank} rows without a value and {repeated} "
            "repeats in the sample: choose other columns with --key"
        )
        raise SpecError(msg)


def _type(name: str, values: pl.Series) -> dict[str, Any]:
    """Fields of a column that its values suggest."""
    if values.is_empty():
        return {"type": ColumnType.TEXT}
    if values.str.contains(NUMBER).all() and not _CODES.search(name):
        whole = not values.str.contains(r"[.,]").any()
        digits = values.str.len_chars().max()
        if whole and isinstance(digits, int) and digits <= _LONGEST_INTEGER:
            return {"type": ColumnType.INTEGER}
        return {"type": ColumnType.TEXT if whole else ColumnType.NUMBER}
    if values.str.contains(_TRUTHS).all():
        return {"type": ColumnType.BOOLEAN}
    return _moment(values) or {"type": ColumnType.TEXT}


def _moment(values: pl.Series) -> dict[str, Any] | None:
    """Fields of a date or datetime column; None if its values are neither."""
    for form in _DATES:
        if _is_written(values, form, values.str.to_date(form, strict=False)):
            iso = form == _DATES[0]
            named = {} if iso else {"datetime_format": form}
            return {"type": ColumnType.DATE, **named}
    if values.str.contains(_OFFSET).all():
        read = values.str.to_datetime("%+", time_zone="UTC", strict=False)
        if read.null_count() == 0:
            return {"type": ColumnType.DATETIME, "timezone": "UTC"}
    for form in _DATETIMES:
        if _is_written(values, form, values.str.to_datetime(form, strict=False)):
            return {
                "type": ColumnType.DATETIME,
                "timezone": TIMEZONE,
                "datetime_format": form,
            }
    return None


def _is_written(values: pl.Series, form: str, read: pl.Series) -> bool:
    """Whether values have a format, a few days that do not exist among them."""
    shape = re.sub(r"%[mdHMS]", r"\\d{1,2}", form.replace("%Y", r"\d{4}"))
    shape = shape.replace("%.f", r"(?:\.\d+)?")
    looks_so = values.str.contains(f"^{shape}$").all()
    return looks_so and read.null_count() <= _TOLERATED * len(values)


def _privacy(name: str, values: pl.Series, kind: ColumnType) -> tuple[Any, str]:
    """The privacy rule to start with, and why."""
    if personal := _PERSON_NAMES.search(name) or _PERSONAL_NAMES.search(name):
        return "drop", f"the name suggests a person or a home ({personal[1]})"
    if what := _looks_personal(values):
        return "drop", f"some values look like {what}"
    if values.is_empty():
        return "drop", "empty in the sample"
    if kind is not ColumnType.TEXT:
        return "keep", f"{kind}s only"
    named = _CODES.search(name) or _IDENTIFIERS.search(name)
    if values.str.contains(_CODE).all() and (named or values.str.contains(r"\d").all()):
        return "keep", "codes only"
    return "drop", "free text"


def _looks_personal(values: pl.Series) -> str | None:
    """What some of the values look like, if it is something about persons."""
    for what, pattern in _PERSONAL_VALUES.items():
        if values.str.contains(pattern).any():
            return what
    return None
