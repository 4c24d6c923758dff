"""Documents of a Kuzzle collection: one search, then a scroll through its results.

A scroll sees the collection as it was when it began, so its pages fit together. It
cannot be gone through twice: an answer lost on the way is missing from the sum, which
the announced total shows.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    at,
    incomplete_json,
    json_object,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import KuzzleConnector

_SCROLL = "1m"
_OK = 200
_TOLD = (_OK, 400, 401, 403, 404, 412)
"""Statuses whose body says what is wrong."""

_LOST_SCROLL = "services.storage.unknown_scroll_id"


def pages(
    connector: KuzzleConnector,
    client: HttpClient,
    known: Known,  # noqa: ARG001 - a scroll has no addresses to come back to
) -> Pages:
    """Every page of a search.

    Raises:
        FetchError: Kuzzle reports an error, answers something else, ends the scroll
            early, or gives another number of documents than its total.
    """
    label = f"collection {connector.index}/{connector.collection}"
    progress = Progress(client, label)
    answer = _search(connector, client)
    number = 0
    while True:
        number += 1
        result = _result(client, label, answer)
        hits = result["hits"]
        progress.add(
            hits, ids=(hit.get("_id") for hit in hits), total=result.get("total")
        )
        _check_remaining(client, label, result, progress)
        if hits or number == 1:
            yield Page(
                f"page-{number}",
                "json",
                answer,
                items=len(hits),
                announced_total=progress.total,
            )
        if not hits or progress.is_complete:
            break
        answer = _scroll(client, label, result.get("scrollId"))
    progress.check()


def _search(connector: KuzzleConnector, client: HttpClient) -> Answer:
    document: dict[str, Any] = {"query": connector.query}
    if connector.sort:
        document["sort"] = list(connector.sort)
    collection = f"{quote(connector.index)}/{quote(connector.collection)}"
    return client.post(
        at(client.target.base_url, f"{collection}/_search"),
        document,
        {"size": connector.page_size, "scroll": _SCROLL},
        fault=incomplete_json,
        headers=_authorization(client),
        accept=_TOLD,
    )


def _scroll(client: HttpClient, label: str, scroll_id: object) -> Answer:
    if not isinstance(scroll_id, str) or not scroll_id or not scroll_id.isascii():
        raise refused(client, label, "no scroll leads to the rest", permanent=False)
    return client.get(
        at(client.target.base_url, f"_scroll/{quote(scroll_id, safe='')}"),
        {"scroll": _SCROLL},
        fault=incomplete_json,
        headers=_authorization(client),
        accept=_TOLD,
    )


def _authorization(client: HttpClient) -> dict[str, str]:
    key = client.target.key
    return {"Authorization": f"Bearer {key}"} if key else {}


def _result(client: HttpClient, label: str, answer: Answer) -> dict[str, Any]:
    found = json_object(client, label, answer.body)
    error = found.get("error")
    status = found.get("status", answer.status)
    if error is not None or status != _OK or answer.status != _OK:
        error = error if isinstance(error, dict) else {}
        raise refused(
            client,
            label,
            f"Kuzzle reports status {status}",
            error.get("id"),
            error.get("message"),
            permanent=error.get("id") != _LOST_SCROLL,
        )
    result = found.get("result")
    hits = result.get("hits") if isinstance(result, dict) else None
    if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits):
        raise refused(client, label, "the answer has no result.hits")
    return {**(result if isinstance(result, dict) else {}), "hits": hits}


def _check_remaining(
    client: HttpClient, label: str, result: dict[str, Any], progress: Progress
) -> None:
    remaining = result.get("remaining")
    if not isinstance(remaining, int) or progress.total is None:
        return
    if progress.received + remaining != progress.total:
        reason = (
            f"{progress.received} documents received and {remaining} remaining "
            f"do not make {progress.total}"
        )
        raise refused(client, label, reason, permanent=False)
