"""CKAN `datastore_search`, as the Data4Citizen portal serves it.

`_links.next` is present even on the page after the last, so the end is taken from the
records and the announced total, and a total that is not reached is an error.
"""

from __future__ import annotations

import json
from typing import Any

from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    at,
    check_total,
    incomplete_json,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import CkanConnector


def pages(connector: CkanConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of a resource, ordered by its row number.

    Raises:
        FetchError: the portal reports a failure, answers something else than CKAN
            JSON, or sends fewer or more records than it announces.
    """
    label = f"{client.target.endpoint_id}: resource {connector.resource_id}"
    received = 0
    total: int | None = None
    while True:
        name = f"offset-{received}"
        answer = client.get(
            at(client.target.base_url, "datastore_search"),
            {
                "resource_id": connector.resource_id,
                "limit": connector.page_size,
                "offset": received,
                "sort": "_id",
            },
            known=known.get(name),
            fault=incomplete_json,
        )
        if answer.not_modified:
            items = known[name].items or 0
        else:
            result = _result(label, answer.body)
            items = len(result["records"])
            total = _announced(result, total)
        if items or received == 0:
            yield Page(name, "json", answer, items=items, announced_total=total)
        received += items
        # `limit` in the answer may be lower than asked, so a short page proves
        # nothing: only the total, or a page without records, ends the resource.
        if items == 0 or (total is not None and received >= total):
            break
    check_total(client, f"resource {connector.resource_id}", received, total)


def _result(label: str, body: bytes) -> dict[str, Any]:
    answer = json.loads(body)
    if not isinstance(answer, dict) or answer.get("success") is not True:
        fault = answer.get("error") if isinstance(answer, dict) else None
        msg = f"{label}: the portal reports a failure: {fault or 'no reason given'}"
        raise FetchError(msg)
    result = answer.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("records"), list):
        msg = f"{label}: the answer has no result.records"
        raise FetchError(msg)
    return result


def _announced(result: dict[str, Any], previous: int | None) -> int | None:
    """The announced total, unless it is only an estimate."""
    total = result.get("total")
    if not isinstance(total, int) or result.get("total_was_estimated"):
        return previous
    return total
