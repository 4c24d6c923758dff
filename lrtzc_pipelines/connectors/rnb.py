"""Buildings of the RNB: pages that each name the next one, without a total.

The address of a page stands in the page before it, so no page can be asked for only if
it changed. Only a page that names no other ends the dataset.
"""

from __future__ import annotations

import httpx

from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    at,
    check_total,
    incomplete_json,
    json_object,
    next_link,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.repeats import Repeats
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import RnbConnector

_LABEL = "buildings"


def pages(connector: RnbConnector, client: HttpClient, known: Known) -> Pages:  # noqa: ARG001 - an address must be read
    """Every page of the buildings that match the query.

    Raises:
        FetchError: the service answers something else, sends us elsewhere, names a
            page twice, or goes on after a page without buildings.
    """
    repeats = Repeats(client, _LABEL)
    query = {**connector.query, "limit": connector.page_size}
    url: str | None = str(
        httpx.URL(at(client.target.base_url, "buildings/"), params=query)
    )
    asked: set[str] = set()
    received, total = 0, None
    while url is not None:
        if url in asked:
            msg = f"{client.target.endpoint_id}: {_LABEL}: a page names an earlier one"
            raise FetchError(msg, permanent=False)
        asked.add(url)
        name = f"page-{len(asked)}"
        answer = client.get(url, fault=incomplete_json)
        document = json_object(client, _LABEL, answer.body)
        records = document.get("results")
        if not isinstance(records, list):
            msg = f"{client.target.endpoint_id}: {_LABEL}: the answer has no results"
            raise FetchError(msg)
        repeats.refuse(name, records)
        total = document["count"] if isinstance(document.get("count"), int) else total
        if records or received == 0:
            yield Page(name, "json", answer, len(records), total)
        received += len(records)
        url = next_link(client, url, document.get("next"))
        if url is not None and not records:
            msg = f"{client.target.endpoint_id}: {_LABEL}: {name} is empty, yet goes on"
            raise FetchError(msg, permanent=False)
    check_total(client, _LABEL, received, total)
