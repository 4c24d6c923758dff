"""The catalogue of DATAtourisme, page by page; its key travels in a header.

The service gives fewer objects a page than asked if it likes, so the end is taken from
what it announces, never from a page that is not full.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from lrtzc_pipelines.sources.protocols import DatatourismeConnector

KEY_HEADER = "X-API-Key"
_LABEL = "catalog"


@dataclass
class _Announced:
    """What the service says of the whole; None until it does."""

    objects: int | None = None
    pages: int | None = None

    def ends_at(self, number: int, received: int) -> bool:
        """Whether the page with this number is the last."""
        if self.objects is not None and received >= self.objects:
            return True
        return self.pages is not None and number >= self.pages


def pages(connector: DatatourismeConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of the objects that match the query, from page 1.

    Raises:
        FetchError: the service answers something else, a page twice, or more or fewer
            objects than it announces.
    """
    repeats = Repeats(client, _LABEL)
    announced = _Announced()
    number, received = 1, 0
    while True:
        name = f"page-{number}"
        answer = client.get(
            at(client.target.base_url, "catalog"),
            {**connector.query, "page_size": connector.page_size, "page": number},
            known=known.get(name),
            fault=incomplete_json,
            headers={KEY_HEADER: client.target.key} if client.target.key else None,
        )
        if answer.not_modified:
            items = known[name].items or 0
            announced.objects = announced.objects or known[name].total
        else:
            records = _read(client, answer.body, announced)
            repeats.refuse(name, records)
            items = len(records)
        if items or received == 0:
            yield Page(name, "json", answer, items, announced.objects)
        received += items
        if items == 0 or announced.ends_at(number, received):
            break
        number += 1
    check_total(client, _LABEL, received, announced.objects)


def _read(client: HttpClient, body: bytes, announced: _Announced) -> list[object]:
    """The objects of an answer; what it announces goes into `announced`."""
    document = json_object(client, _LABEL, body)
    records, meta = document.get("objects"), document.get("meta")
    if not isinstance(records, list) or not isinstance(meta, dict):
        msg = f"{client.target.endpoint_id}: {_LABEL}: no objects with their meta"
        raise FetchError(msg)
    if isinstance(meta.get("total"), int):
        announced.objects = meta["total"]
    if isinstance(meta.get("totalPages"), int):
        announced.pages = meta["totalPages"]
    return records
