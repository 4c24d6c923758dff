"""A layer of an ArcGIS feature service: attributes, page by page.

Errors come as an `error` object inside HTTP 200. Dates are milliseconds since 1970.
Geometries are not asked for: the layers read here repeat positions as attributes.
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
from lrtzc_pipelines.connectors.http import RETRIED_STATUSES, HttpClient
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import ArcgisConnector


def pages(connector: ArcgisConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of a layer, after its number of features.

    Raises:
        FetchError: the service reports an error or answers something else than a
            feature set, or another number of features comes than it counts.
    """
    label = f"layer {connector.path}"
    progress = Progress(client, label)
    counted = _ask(connector, client, label, {"returnCountOnly": "true"})
    if not isinstance(counted.get("count"), int):
        raise refused(client, label, "the service does not count the features")
    progress.total = counted["count"]
    while True:
        name = f"offset-{progress.received}"
        answer = client.get(
            at(client.target.base_url, f"{connector.path}/query"),
            {
                "where": connector.where,
                "outFields": "*",
                "returnGeometry": "false",
                "orderByFields": connector.order_by,
                "resultOffset": progress.received,
                "resultRecordCount": connector.page_size,
                "f": "json",
            },
            known=known.get(name),
            fault=incomplete_json,
            headers=_authorization(client),
        )
        before, more = progress.received, False
        if answer.not_modified:
            progress.held(known[name])
        else:
            found = _checked(client, label, answer.body)
            more = found.get("exceededTransferLimit") is True
            _count(client, label, found, progress)
        items = progress.received - before
        if items or before == 0:
            yield Page(
                name, "json", answer, items=items, announced_total=progress.total
            )
        if items == 0 or (progress.is_complete and not more):
            break
    progress.check()


def mark(connector: ArcgisConnector, client: HttpClient) -> str | None:
    """A mark of the last edit of the layer; None where edits are not tracked.

    Raises:
        FetchError: the layer cannot be read.
    """
    if "current_" in connector.where.lower():
        return None
    label = f"layer {connector.path}"
    answer = client.get(
        at(client.target.base_url, connector.path),
        {"f": "json"},
        fault=incomplete_json,
        headers=_authorization(client),
    )
    editing = _checked(client, label, answer.body).get("editingInfo")
    last = editing.get("lastEditDate") if isinstance(editing, dict) else None
    return mark_of(connector, last) if isinstance(last, int) else None


def _authorization(client: HttpClient) -> dict[str, str]:
    key = client.target.key
    return {"X-Esri-Authorization": f"Bearer {key}"} if key else {}


def _ask(
    connector: ArcgisConnector, client: HttpClient, label: str, query: dict[str, str]
) -> dict[str, Any]:
    answer = client.get(
        at(client.target.base_url, f"{connector.path}/query"),
        {"where": connector.where, **query, "f": "json"},
        fault=incomplete_json,
        headers=_authorization(client),
    )
    return _checked(client, label, answer.body)


def _checked(client: HttpClient, label: str, body: bytes) -> dict[str, Any]:
    """The object in an answer that reports no error."""
    found = json_object(client, label, body)
    error = found.get("error")
    if error is not None:
        error = error if isinstance(error, dict) else {}
        code = error.get("code")
        raise refused(
            client,
            label,
            f"the service reports error {code}",
            error.get("message"),
            permanent=not (isinstance(code, int) and code in RETRIED_STATUSES),
        )
    return found


def _count(
    client: HttpClient, label: str, found: dict[str, Any], progress: Progress
) -> None:
    features = found.get("features")
    if not isinstance(features, list) or not all(
        isinstance(f, dict) and isinstance(f.get("attributes"), dict) for f in features
    ):
        raise refused(client, label, "the answer has no features with attributes")
    key = str(found.get("objectIdFieldName"))
    progress.add(features, ids=(feature["attributes"].get(key) for feature in features))
