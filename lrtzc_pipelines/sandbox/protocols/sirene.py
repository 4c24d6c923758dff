"""INSEE's Sirene 3.11: cursors, masked establishments, and 404 for nothing found.

The quota (30 a minute, HTTP 429) belongs to the sandbox's faults.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lrtzc_pipelines.sandbox.listed import listed_records
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sandbox.versions import published_at
from lrtzc_pipelines.sources.protocols import SireneConnector

COLLECTIONS = ("Unités Légales", "Établissements", "Liens de succession")
"""What the service tells the freshness of."""

MASKED = "[ND]"
"""What stands for a value of an establishment that is only partly public."""

_PARIS = ZoneInfo("Europe/Paris")
_BEFORE = timedelta(hours=7)
_MAX_SIZE = 1000
_DEFAULT_SIZE = 20
_KEPT_WHEN_MASKED = ("commune", "codeCommune", "codePostal")
_MASKED_PARTS = ("adresseEtablissement", "adresse2Etablissement")
_MASKED_NAMES = ("denomination", "nom", "prenom", "sigle", "pseudonyme")


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the establishments that match `q`, or how new they are.

    None at another path.
    """
    if question.path.strip("/") == "informations":
        return _informations(tables)
    if question.path.strip("/") != "siret":
        return None
    query = question.query
    size = number(query.get("nombre"), _DEFAULT_SIZE)
    if size is None or size > _MAX_SIZE:
        return _header(400, f"nombre : entre 0 et {_MAX_SIZE}")
    cursor = query.get("curseur", "*")
    after = _position(cursor)
    if after is None:
        return _header(400, "curseur : valeur inconnue")
    found = _found(tables, query.get("q", ""))
    if not found:
        return _header(404, f"Aucun élément trouvé pour q={query.get('q')}")
    rows = [row for row in found if str(row["siret"]) > after]
    page = rows[:size]
    following = _cursor(str(page[-1]["siret"])) if page else cursor
    fields = query["champs"].split(",") if query.get("champs") else None
    header = {
        "statut": 200,
        "message": "OK",
        "total": len(found),
        "debut": len(found) - len(rows),
        "nombre": len(page),
        "curseur": cursor,
        "curseurSuivant": following,
    }
    return json_answer(
        {
            "header": header,
            "etablissements": [_shown(row, fields) for row in page],
        }
    )


def _informations(tables: Mapping[str, Table]) -> Answer:
    """The state of the service; moments are those of Paris, without a zone."""
    published = max(published_at(table) for table in tables.values())
    available = published.astimezone(_PARIS).replace(tzinfo=None)
    return json_answer(
        {
            "header": {"statut": 200, "message": "OK"},
            "etatService": "UP",
            "etatsDesServices": [
                {"Collection": name, "etatCollection": "UP"} for name in COLLECTIONS
            ],
            "versionService": "3.11.95",
            "journalDesModifications": "",
            "datesDernieresMisesAJourDesDonnees": [
                {
                    "collection": name,
                    "dateDerniereMiseADisposition": _written(available),
                    "dateDernierTraitementMaximum": _written(available - _BEFORE),
                    "dateDernierTraitementDeMasse": None,
                }
                for name in COLLECTIONS
            ],
        }
    )


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _found(tables: Mapping[str, Table], query: str) -> list[dict[str, Any]]:
    """The establishments of the source that asks with this query, by number."""
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, SireneConnector) and connector.query == query:
            return sorted(listed_records(table), key=lambda row: str(row["siret"]))
    return []


def _cursor(siret: str) -> str:
    return base64.b64encode(siret.encode()).decode()


def _position(cursor: str) -> str | None:
    """The number after which a cursor goes on; None if it is no cursor."""
    if cursor == "*":
        return ""
    try:
        return base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _shown(row: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    """An establishment as everyone may see it, with the fields asked for."""
    if row.get("statutDiffusionEtablissement") == "P":
        row = _masked(row)
    if fields is None:
        return row
    wanted = set(fields)
    return {
        name: kept
        for name, value in row.items()
        if (kept := _chosen(name, value, wanted)) is not None
    }


def _chosen(name: str, value: Any, wanted: set[str]) -> Any:
    """A field, or what is asked for inside it; fields are named without their path."""
    if name in wanted or not isinstance(value, dict | list):
        return value if name in wanted else None
    if isinstance(value, list):
        items = [_chosen("", item, wanted) for item in value]
        return items if any(item is not None for item in items) else None
    inside = {
        key: kept
        for key, item in value.items()
        if (kept := _chosen(key, item, wanted)) is not None
    }
    return inside or None


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    shown = dict(row)
    for part in _MASKED_PARTS:
        if isinstance(row.get(part), dict):
            shown[part] = {
                name: value if name.startswith(_KEPT_WHEN_MASKED) else MASKED
                for name, value in row[part].items()
            }
    if isinstance(row.get("uniteLegale"), dict):
        shown["uniteLegale"] = {
            name: MASKED if name.startswith(_MASKED_NAMES) else value
            for name, value in row["uniteLegale"].items()
        }
    return shown


def _header(status: int, message: str) -> Answer:
    return json_answer({"header": {"statut": status, "message": message}}, status)
