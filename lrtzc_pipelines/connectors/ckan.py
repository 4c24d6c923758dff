"""CKAN `datastore_search`, as the Data4Citizen portal serves it.

`_links.next` is present even on the page after the last, so the end is taken from the
records and the announced total, and a total that is not reached is an error.
"""

from __future__ import annotations

from typing import Any

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
from lrtzc_pipelines.sources.protocols import CkanConnector


def pages(connector: CkanConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of a resource, ordered by its row number.

    Raises:
        FetchError: the portal reports a failure, answers something else than CKAN
            JSON, repeats a page or a row, or sends fewer or more records than it
            announces.
    """
    label = f"resource {connector.resource_id}"
    progress = Progress(client, label)
    while True:
        name, before = f"offset-{progress.received}", progress.received
        answer = client.get(
            at(client.target.base_url, "datastore_search"),
            {
                "resource_id": connector.resource_id,
                "limit": connector.page_size,
                "offset": progress.received,
                "sort": "_id",
            },
            known=known.get(name),
            fault=incomplete_json,
        )
        if answer.not_modified:
            progress.held(known[name])
        else:
            result = _result(client, label, answer.body)
            progress.add(
                result["records"],
                ids=map(_row_number, result["records"]),
                total=_announced(result),
            )
        items = progress.received - before
        if items or before == 0:
            yield Page(
                name, "json", answer, items=items, announced_total=progress.total
            )
        # `limit` in the answer may be lower than asked, so a short page proves
        # nothing: only the total, or a page without records, ends the resource.
        if items == 0 or progress.is_complete:
            break
    progress.check()


def _result(client: HttpClient, label: str, body: bytes) -> dict[str, Any]:
    answer = json_object(client, label, body)
    if answer.get("success") is not True:
        fault = answer.get("error") or "no reason given"
        raise refused(client, label, f"the portal reports a failure: {fault}")
    result = answer.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("records"), list):
        raise refused(client, label, "the answer has no result.records")
    return result


def _row_number(record: object) -> object:
    return record.get("_id") if isinstance(record, dict) else None


def _announced(result: dict[str, Any]) -> object:
    """The announced total, unless it is only an estimate."""
    return None if result.get("total_was_estimated") else result.get("total")
