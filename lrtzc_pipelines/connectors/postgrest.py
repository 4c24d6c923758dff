"""A table behind PostgREST, by limit and offset, ordered and counted.

`Content-Range` tells the range of an answer and, as `Prefer: count=exact` asks, the
total. The server may have a lower limit than ours, so a page that is not full proves
nothing: where it gives no total, a page without rows is the end.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    at,
    check_total,
    incomplete_json,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.connectors.paging import refused
from lrtzc_pipelines.connectors.repeats import Repeats
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import PostgrestConnector

_RANGE = re.compile(r"(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)")
_OK, _PARTIAL, _BEYOND = 200, 206, 416


def pages(connector: PostgrestConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of the rows that pass the filters.

    Raises:
        FetchError: the service refuses the request, answers something else than rows,
            another range than asked, a page twice, or more or fewer rows than it
            announces.
    """
    repeats = Repeats(client, connector.path)
    received = 0
    total: int | None = None
    while True:
        name = f"offset-{received}"
        answer = client.get(
            at(client.target.base_url, connector.path),
            _query(connector, received),
            known=known.get(name),
            fault=incomplete_json,
            headers=_headers(connector, client.target.key),
            accept=(_OK, _PARTIAL, _BEYOND),
        )
        if answer.not_modified:
            # The total is no part of a body, so an old one may be wrong by now.
            items = known[name].items or 0
        else:
            rows = _rows(connector, client, answer)
            repeats.refuse(name, rows)
            items = len(rows)
            total = _total(connector, client, answer, received, total)
        if items or received == 0:
            yield Page(name, "json", answer, items, total)
        received += items
        if items == 0 or (total is not None and received >= total):
            break
    check_total(client, connector.path, received, total)


def mark(connector: PostgrestConnector, client: HttpClient) -> str | None:
    """What the table of versions says; None if there is no such table.

    Raises:
        FetchError: the table is declared, and is not one of rows.
    """
    if not connector.version_path:
        return None
    answer = client.get(
        at(client.target.base_url, connector.version_path),
        fault=incomplete_json,
        headers=_headers(connector, client.target.key),
        accept=(_OK, _PARTIAL),
    )
    rows = _rows(connector, client, answer)
    told = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return mark_of(connector, *told) if told else None


def _headers(connector: PostgrestConnector, key: str) -> dict[str, str]:
    headers = {"Prefer": "count=exact"}
    if connector.key_header and key:
        headers[connector.key_header] = key
    return headers


def _query(connector: PostgrestConnector, offset: int) -> dict[str, str | int]:
    query: dict[str, str | int] = dict(connector.filters)
    if connector.select:
        query["select"] = connector.select
    return query | {
        "order": connector.order,
        "limit": connector.page_size,
        "offset": offset,
    }


def _rows(
    connector: PostgrestConnector, client: HttpClient, answer: Answer
) -> list[Any]:
    """The rows of an answer; none beyond the last."""
    document = json.loads(answer.body)
    if answer.status == _BEYOND:
        return []
    if not isinstance(document, list):
        code = document.get("code") if isinstance(document, dict) else None
        reason = f"error {code}" if isinstance(code, str) else "no list of rows"
        raise refused(client, connector.path, reason)
    return document


def _total(
    connector: PostgrestConnector,
    client: HttpClient,
    answer: Answer,
    offset: int,
    previous: int | None,
) -> int | None:
    """The total that `Content-Range` announces, its range checked on the way."""
    found = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if found is None:
        return previous
    if found[1] is not None and int(found[1]) != offset:
        msg = (
            f"{client.target.endpoint_id}: {connector.path}: "
            f"rows from {found[1]} received, from {offset} asked"
        )
        raise FetchError(msg, permanent=False)
    return previous if found[3] == "*" else int(found[3])
