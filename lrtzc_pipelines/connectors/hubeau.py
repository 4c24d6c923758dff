"""A Hub'Eau operation: HTTP 206 while pages follow, 200 for the last or only one.

The next page stands behind `next`, by page number or by cursor as the operation likes;
`count` is the number of all records.
"""

from __future__ import annotations

from typing import Any

import httpx

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
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import HubeauConnector

_PARTIAL = httpx.codes.PARTIAL_CONTENT
_BAD = httpx.codes.BAD_REQUEST


def pages(
    connector: HubeauConnector,
    client: HttpClient,
    known: Known,  # noqa: ARG001 - the link to the next page is in the body
) -> Pages:
    """Every page of an operation, oldest records first unless asked otherwise.

    Raises:
        FetchError: a refused parameter, an answer of another shape, a next link to
            another service or in circles, or another number of records than counted.
    """
    label = f"operation {connector.path}"
    progress = Progress(client, label)
    url = at(client.target.base_url, connector.path)
    query: dict[str, str | int] = {
        "sort": "asc",
        **connector.query,
        "size": connector.page_size,
    }
    number = 0
    while True:
        number += 1
        answer = client.get(
            url, query, fault=incomplete_json, accept=(httpx.codes.OK, _PARTIAL, _BAD)
        )
        found = _data(client, label, answer)
        progress.add(found["data"], total=found.get("count"))
        if found["data"] or number == 1:
            yield Page(
                f"page-{number}",
                "json",
                answer,
                items=len(found["data"]),
                announced_total=progress.total,
            )
        following = next_link(client, url, found.get("next"))
        if following is None or not found["data"]:
            _check_end(client, label, answer, progress)
            break
        url, query = following, {}
    progress.check()


def _data(client: HttpClient, label: str, answer: Answer) -> dict[str, Any]:
    found = json_object(client, label, answer.body)
    if answer.status == _BAD:
        raise refused(client, label, "HTTP 400", *_complaints(found))
    records = found.get("data")
    if not isinstance(records, list) or not all(
        isinstance(record, dict) for record in records
    ):
        raise refused(
            client, label, "the answer has no list of data", found.get("message")
        )
    return found


def _complaints(found: dict[str, Any]) -> list[object]:
    """What the service says is wrong with the question, field by field."""
    errors = found.get("field_errors")
    named = [
        f"{error.get('field')} {error.get('code')}"
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]
    return [found.get("code"), found.get("message"), ", ".join(named)]


def _check_end(
    client: HttpClient, label: str, answer: Answer, progress: Progress
) -> None:
    """Raises FetchError if the last page says that others follow it."""
    if answer.status == _PARTIAL and not progress.is_complete:
        reason = "HTTP 206, but no next page"
        raise refused(client, label, reason, permanent=False)
