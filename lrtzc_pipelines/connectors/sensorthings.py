"""A collection of an OGC SensorThings service, as FROST serves it.

Where the next page is, only the service knows: its link is followed as it stands, on
the same origin. Records are told apart by `@iot.id` alone, since two results may have
one and the same time.
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
    next_link,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import SensorThingsConnector


def pages(
    connector: SensorThingsConnector,
    client: HttpClient,
    known: Known,  # noqa: ARG001 - the link to the next page is in the body
) -> Pages:
    """Every page of a collection, in the order of its identifiers.

    Raises:
        FetchError: something else than a collection, a next link to another service
            or in circles, or another number of entities than counted.
    """
    label = f"collection {connector.path}"
    first = at(client.target.base_url, connector.path)
    progress = Progress(client, label)
    url, query = first, _query(connector, 0)
    number = 0
    while True:
        number += 1
        answer = client.get(
            url, query, fault=incomplete_json, headers=_authorization(client)
        )
        found = _collection(client, label, answer.body)
        entities = found["value"]
        progress.add(
            entities,
            ids=(entity.get("@iot.id") for entity in entities),
            total=found.get("@iot.count"),
        )
        if entities or number == 1:
            yield Page(
                f"page-{number}",
                "json",
                answer,
                items=len(entities),
                announced_total=progress.total,
            )
        following = next_link(client, url, found.get("@iot.nextLink"))
        if not entities or (following is None and _is_over(progress)):
            break
        # Some services leave the link out when `$top` is asked for.
        url, query = (
            (following, {})
            if following
            else (first, _query(connector, progress.received))
        )
    progress.check()


def _query(connector: SensorThingsConnector, skip: int) -> dict[str, str | int]:
    return {
        "$orderby": "@iot.id asc",
        **connector.query,
        "$top": connector.page_size,
        "$skip": skip,
        "$count": "true",
    }


def _is_over(progress: Progress) -> bool:
    return progress.total is None or progress.is_complete


def _authorization(client: HttpClient) -> dict[str, str]:
    key = client.target.key
    return {"Authorization": f"Bearer {key}"} if key else {}


def _collection(client: HttpClient, label: str, body: bytes) -> dict[str, Any]:
    found = json_object(client, label, body)
    entities = found.get("value")
    if not isinstance(entities, list) or not all(
        isinstance(entity, dict) for entity in entities
    ):
        raise refused(
            client, label, "the answer has no list of values", found.get("message")
        )
    return found
