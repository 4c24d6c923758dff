"""`records/1.0/search` as the agglomeration's gateway serves it.

Unlike Opendatasoft's own version 1, the question is part of the path
(`search/dataset=<id>&rows=…&start=…`, no `?`), and an `api-key` among it is asked of
some callers and not of others. `rows` has a small default and may be cut down, so only
the announced total, or a page without records, ends a dataset. The gateway says
nothing of the version of its data: there is no mark.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

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
from lrtzc_pipelines.sources.protocols import OdsV1Connector


def pages(connector: OdsV1Connector, client: HttpClient, known: Known) -> Pages:
    """Every page of a dataset, by the number of records before it.

    Raises:
        FetchError: the gateway reports a failure, answers something else than
            records, repeats a page, or sends another number of records than it
            announces, or another number on one page than on the one before.
    """
    label = f"dataset {connector.dataset}"
    progress = Progress(client, label)
    while True:
        name, before = f"offset-{progress.received}", progress.received
        held = known.get(name)
        answer = client.get(
            _address(connector, client, before),
            # A page whose records were not counted would end the dataset unseen.
            known=held if held and held.items is not None else None,
            fault=incomplete_json,
        )
        if answer.not_modified:
            progress.held(known[name])
        else:
            _add(client, label, progress, answer.body)
        items = progress.received - before
        if items or before == 0:
            yield Page(
                name, "json", answer, items=items, announced_total=progress.total
            )
        if items == 0 or progress.is_complete:
            break
    progress.check()


def _address(connector: OdsV1Connector, client: HttpClient, start: int) -> str:
    asked = {
        "dataset": connector.dataset,
        "rows": str(connector.page_size),
        "start": str(start),
    }
    if connector.sort:
        asked["sort"] = connector.sort
    if client.target.key:
        asked["api-key"] = client.target.key
    question = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    return at(client.target.base_url, f"search/{question}")


def _add(client: HttpClient, label: str, progress: Progress, body: bytes) -> None:
    answer = json_object(client, label, body)
    records = answer.get("records")
    if not isinstance(records, list):
        raise refused(client, label, _complaint(answer))
    total, earlier = answer.get("nhits"), progress.total
    progress.add(records, ids=map(_id, records), total=total)
    if earlier is not None and progress.total != earlier:
        reason = f"the total went from {earlier} to {progress.total} while it was read"
        raise refused(client, label, reason, permanent=False)


def _complaint(answer: dict[str, Any]) -> str:
    told = answer.get("error") or answer.get("message") or answer.get("errorcode")
    return f"the gateway reports a failure: {told}" if told else "no records"


def _id(record: object) -> object:
    """The identifier of a record; the gateway leaves it null more often than not."""
    return record.get("recordid") if isinstance(record, dict) else None
