"""Agence Bio's register of organic operators, 20 a page whatever is asked."""

from __future__ import annotations

from typing import Any

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
from lrtzc_pipelines.connectors.repeats import Repeats
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import AgenceBioConnector


def pages(connector: AgenceBioConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of a department's operators, from page 1.

    Raises:
        FetchError: the service answers something else, another page than the one
            asked for, a page twice, or more or fewer operators than it announces.
    """
    label = f"operators of department {connector.department}"
    repeats = Repeats(client, label)
    number, received = 1, 0
    total: int | None = None
    while True:
        name = f"page-{number}"
        answer = client.get(
            at(client.target.base_url, "operateurs/"),
            {"departement": connector.department, "page": number},
            known=known.get(name),
            fault=incomplete_json,
        )
        if answer.not_modified:
            items = known[name].items or 0
            total = known[name].total if total is None else total
        else:
            document = json_object(client, label, answer.body)
            records, total = _read(client, label, document, number)
            repeats.refuse(name, records)
            items = len(records)
        if items or received == 0:
            yield Page(name, "json", answer, items, total)
        received += items
        number += 1
        if items == 0 or (total is not None and received >= total):
            break
    check_total(client, label, received, total)


def _read(
    client: HttpClient, label: str, document: dict[str, Any], number: int
) -> tuple[list[Any], int]:
    """Operators of an answer and the announced total."""
    found = f"{client.target.endpoint_id}: {label}: page {number}"
    records, pagination = document.get("items"), document.get("pagination")
    total = pagination.get("totalCount") if isinstance(pagination, dict) else None
    if not isinstance(records, list) or not isinstance(total, int):
        msg = f"{found}: the answer has no items with pagination.totalCount"
        raise FetchError(msg)
    given = pagination.get("page", number) if isinstance(pagination, dict) else number
    if given != number:
        msg = f"{found}: the service sent another page"
        raise FetchError(msg, permanent=False)
    return records, total
