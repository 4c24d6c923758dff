"""Lines of a data-fair dataset (ADEME, Enedis), by its cursor.

`next` is followed as the service writes it: counting pages ends at its window of
10,000 rows, with an HTTP 400 that is no end of the data. A body without `next` is the
last one, and the rows must then be as many as `total` announced.
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
    next_link,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import DataFairConnector

_HINTS = {
    400: "the question is wrong or beyond the window; this is no end of the data",
    410: (
        "the dataset is gone from here; the compatibility API "
        "(api/explore/v2.1, connector ods) may still have it"
    ),
}


def pages(connector: DataFairConnector, client: HttpClient, known: Known) -> Pages:  # noqa: ARG001 - a page that is held does not tell where the next one is
    """Every page of a dataset's lines, `page-1` first.

    Raises:
        FetchError: refused, no lines, no total or another one than on the page
            before, a page or row twice, a next page at another service, or another
            number of lines than announced.
    """
    label = _label(connector)
    progress = Progress(client, label)
    url, query = f"{_address(connector, client)}/lines", _query(connector)
    following: str | None = url
    number = 0
    while following:
        number += 1
        answer = _get(connector, client, following, query if number == 1 else {})
        document = json_object(client, label, answer.body)
        lines = _lines(client, label, document)
        _add(client, label, progress, lines, document.get("total"))
        yield Page(
            f"page-{number}",
            "json",
            answer,
            items=len(lines),
            announced_total=progress.total,
        )
        following = next_link(client, url, document.get("next")) if lines else None
    progress.check()


def mark(connector: DataFairConnector, client: HttpClient) -> str | None:
    """When the dataset's data were last updated; None if the service does not say."""
    answer = _get(connector, client, _address(connector, client), {})
    document = json_object(client, _label(connector), answer.body)
    updated = document.get("dataUpdatedAt")
    return mark_of(connector, updated, document.get("count")) if updated else None


def _label(connector: DataFairConnector) -> str:
    return f"dataset {connector.dataset}"


def _address(connector: DataFairConnector, client: HttpClient) -> str:
    # ADEME's ids have parentheses.
    path = f"data-fair/api/v1/datasets/{quote(connector.dataset, safe='')}"
    return at(client.target.base_url, path)


def _query(connector: DataFairConnector) -> dict[str, str | int]:
    asked = {
        "select": ",".join(connector.select),
        "qs": connector.qs,
        "sort": connector.sort,
    }
    return {
        "size": connector.page_size,
        **{name: text for name, text in asked.items() if text},
    }


def _get(
    connector: DataFairConnector,
    client: HttpClient,
    url: str,
    query: dict[str, str | int],
) -> Answer:
    try:
        return client.get(url, query, fault=incomplete_json)
    except FetchError as error:
        hint = _HINTS.get(error.status or 0)
        if not hint:
            raise
        reason = f"HTTP {error.status}: {hint}"
        raise refused(client, _label(connector), reason) from error


def _lines(client: HttpClient, label: str, document: dict[str, Any]) -> list[Any]:
    lines = document.get("results")
    if not isinstance(lines, list):
        told = document.get("message") or document.get("error")
        raise refused(client, label, "the answer has no results", told)
    return lines


def _add(
    client: HttpClient,
    label: str,
    progress: Progress,
    lines: list[Any],
    total: object,
) -> None:
    """Counts a page.

    Raises:
        FetchError: the total is absent or moved, or more lines came than it says.
    """
    earlier = progress.total
    ids = (line.get("_id") for line in lines if isinstance(line, dict))
    progress.add(lines, ids=ids, total=total)
    if progress.total is None:
        raise refused(client, label, "the answer announces no total")
    if earlier is not None and progress.total != earlier:
        reason = f"the total went from {earlier} to {progress.total} while it was read"
        raise refused(client, label, reason, permanent=False)
    if progress.received > progress.total:
        progress.check()
