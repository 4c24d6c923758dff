"""Lines of a data-fair dataset (ADEME, Enedis, Agence ORE), by its cursor.

`next` is followed as the service writes it: counting pages ends at its window of
10,000 rows, with an HTTP 400 that is no end of the data. A body without `next` is the
last one, and the rows must then be as many as `total` announced, on the first page at
least. A filter on a column that does not exist is ignored by the service, which then
sends everything: so the columns are looked up first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

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
from lrtzc_pipelines.connectors.memo import asked_once
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import DataFairConnector

_NOW = re.compile(r"\bnow\b", re.IGNORECASE)
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
            before, a page or row twice, a next page at another service, another
            number of lines than announced, or a filter on a column that is not there.
    """
    label = _label(connector)
    _check_filters(connector, client)
    progress = Progress(client, label)
    url, query = f"{_address(connector, client)}/lines", _query(connector)
    following: str | None = url
    number = 0
    while following:
        number += 1
        asked = query if number == 1 else {}
        with _hints(connector, client):
            answer = client.get(following, asked, fault=incomplete_json)
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
    """When the service last finished with the data; None if it does not say.

    `dataUpdatedAt` alone proves nothing: it is set when a file arrives, and until it is
    indexed the lines are the old ones. `finalizedAt` is set after that, and is what the
    service answers 304 by. A filter that counts from now selects other lines every day.
    """
    document = _metadata(connector, client)
    finalized = document.get("finalizedAt")
    if not finalized or _NOW.search(connector.qs or ""):
        return None
    names = ("dataUpdatedAt", "count")
    return mark_of(connector, finalized, *(document.get(name) for name in names))


def _metadata(connector: DataFairConnector, client: HttpClient) -> dict[str, Any]:
    address = _address(connector, client)
    with _hints(connector, client):
        answer = asked_once(client, address, fault=incomplete_json)
    return json_object(client, _label(connector), answer.body)


def _check_filters(connector: DataFairConnector, client: HttpClient) -> None:
    """Raises FetchError for a filter that the service would ignore."""
    if not connector.filters:
        return
    schema = _metadata(connector, client).get("schema")
    fields = schema if isinstance(schema, list) else []
    known = {str(field.get("key")) for field in fields if isinstance(field, dict)}
    wanted = {name.rpartition("_")[0] for name in connector.filters}
    if missing := sorted(wanted - known):
        reason = f"filter on {missing[0]}, which is no column of it"
        raise refused(client, _label(connector), reason)


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
        **connector.filters,
        **{name: text for name, text in asked.items() if text},
    }


@contextmanager
def _hints(connector: DataFairConnector, client: HttpClient) -> Iterator[None]:
    """Says what some refusals mean."""
    try:
        yield
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
