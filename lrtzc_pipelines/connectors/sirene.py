"""INSEE's Sirene 3.11: establishments that match a query, by cursor.

The cursor of a page stands in the page before it, so no page can be asked for only if
it changed. The last page is the one whose next cursor is its own; HTTP 404 with a
Sirene header means that nothing matches. The key travels in a header.
"""

from __future__ import annotations

from typing import Any

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    at,
    check_total,
    incomplete_json,
    json_object,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.connectors.paging import refused
from lrtzc_pipelines.connectors.repeats import Repeats
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import SireneConnector

KEY_HEADER = "X-INSEE-Api-Key-Integration"
_LABEL = "siret"
_FIRST_CURSOR = "*"
_OK, _NOTHING_FOUND = 200, 404

_COLLECTIONS = frozenset({"Établissements", "Unités Légales"})
_DATES = (
    "dateDerniereMiseADisposition",
    "dateDernierTraitementMaximum",
    "dateDernierTraitementDeMasse",
)
"""What `informations` tells of a collection; the first of them always."""


def pages(connector: SireneConnector, client: HttpClient, known: Known) -> Pages:  # noqa: ARG001 - a cursor must be read
    """Every page of the establishments, in the order of the service's cursor.

    Raises:
        FetchError: the service refuses the query, answers something else, sends a
            cursor or a page twice, or more or fewer establishments than it announces.
    """
    repeats = Repeats(client, _LABEL)
    cursors = {_FIRST_CURSOR}
    cursor, received, total = _FIRST_CURSOR, 0, None
    while True:
        name = f"page-{len(cursors)}"
        answer = _ask(connector, client, cursor)
        header, records = _read(client, answer)
        repeats.refuse(name, records)
        total = _announced(header, total)
        if records or received == 0:
            yield Page(name, "json", answer, len(records), total)
        received += len(records)
        following = header.get("curseurSuivant")
        # Compared one by one: what is no text may have no place in a set.
        if not records or following is None or following == cursor:
            break
        if not isinstance(following, str) or following in cursors:
            msg = f"{client.target.endpoint_id}: {_LABEL}: the cursor of {name} repeats"
            raise FetchError(msg, permanent=False)
        cursors.add(following)
        cursor = following
    check_total(client, _LABEL, received, total)


def mark(connector: SireneConnector, client: HttpClient) -> str | None:
    """When Insee last made establishments and legal units available.

    Establishments carry fields of their legal unit, so both collections count. None if
    the service does not tell of both.

    Raises:
        FetchError: the service does not answer.
    """
    answer = client.get(
        at(client.target.base_url, "informations"),
        fault=incomplete_json,
        headers=_headers(client),
    )
    document = json_object(client, "informations", answer.body)
    listed = document.get("datesDernieresMisesAJourDesDonnees")
    told = {
        str(entry.get("collection")): [str(entry.get(name)) for name in _DATES]
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get(_DATES[0]), str)
    }
    if not told.keys() >= _COLLECTIONS:
        return None
    return mark_of(connector, *(told[name] for name in sorted(_COLLECTIONS)))


def _headers(client: HttpClient) -> dict[str, str] | None:
    return {KEY_HEADER: client.target.key} if client.target.key else None


def _ask(connector: SireneConnector, client: HttpClient, cursor: str) -> Answer:
    query: dict[str, str | int] = {
        "q": connector.query,
        "nombre": connector.page_size,
        "curseur": cursor,
    }
    if connector.fields:
        query["champs"] = ",".join(connector.fields)
    return client.get(
        at(client.target.base_url, "siret"),
        query,
        fault=incomplete_json,
        headers=_headers(client),
        accept=(_OK, _NOTHING_FOUND),
    )


def _read(client: HttpClient, answer: Answer) -> tuple[dict[str, Any], list[Any]]:
    """Header and establishments of an answer; none where nothing matches."""
    document = json_object(client, _LABEL, answer.body)
    label = f"{client.target.endpoint_id}: {_LABEL}"
    header = document.get("header")
    status = header.get("statut") if isinstance(header, dict) else None
    if not isinstance(header, dict) or status != answer.status:
        reason = "no header of Sirene" if status is None else f"statut {status}"
        raise refused(client, _LABEL, f"HTTP {answer.status} with {reason}")
    if status == _NOTHING_FOUND:
        return {"total": 0}, []
    records = document.get("etablissements")
    if not isinstance(records, list):
        msg = f"{label}: the answer has no etablissements"
        raise FetchError(msg)
    return header, records


def _announced(header: dict[str, Any], previous: int | None) -> int | None:
    total = header.get("total")
    return total if isinstance(total, int) else previous
