"""Opendatasoft Explore v2.1: a dataset exported whole, and its metadata.

`records` is never asked: it ends at 10,000 rows, in silence for whoever takes an
error for the end. An export has no such end, but a failure on the way is written into
the file, after HTTP 200 was sent. So its tail is looked at, and its rows are counted
against the metadata wherever nothing is filtered out.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from lrtzc_pipelines.connectors.exports import COUNTS, FAULTS
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.connectors.memo import asked_once
from lrtzc_pipelines.connectors.paging import refused
from lrtzc_pipelines.sources.protocols import OdsConnector

_CSV_OPTIONS = {"delimiter": ";", "use_labels": "false", "with_bom": "false"}
"""Said, since their defaults differ between portals."""


def pages(connector: OdsConnector, client: HttpClient, known: Known) -> Pages:
    """The export, as one page.

    Raises:
        FetchError: refused, damaged, ended by an error message, or with another
            number of rows than the metadata tell.
    """
    total = _total(connector, client)
    announced = None if connector.where else total
    answer = client.get(
        f"{_address(connector, client)}/exports/{connector.export}",
        _query(connector),
        known=known.get("export"),
        fault=FAULTS[connector.export],
    )
    if answer.not_modified:
        items = known["export"].items
        yield Page("export", connector.export, answer, items, announced)
        return
    rows = COUNTS[connector.export](answer.body)
    if total is not None and not _adds_up(connector, rows, total):
        # Real-time datasets grow between the two requests.
        client.memo.clear()
        total = _total(connector, client)
        if total is not None and not _adds_up(connector, rows, total):
            reason = f"{rows} rows in the export, {total} in the metadata"
            raise refused(client, _label(connector), reason, permanent=False)
        announced = None if connector.where else total
    yield Page("export", connector.export, answer, rows, announced)


def mark(connector: OdsConnector, client: HttpClient) -> str | None:
    """When the portal last processed the data; None if it does not say.

    `modified` alone proves nothing, since producers write it by hand. A filter that
    counts from now leaves other rows every day.
    """
    found = _metadata(connector, client)
    if not found.get("data_processed") or "now(" in (connector.where or "").lower():
        return None
    names = ("data_processed", "modified", "records_count")
    return mark_of(connector, *(found.get(name) for name in names))


def _label(connector: OdsConnector) -> str:
    return f"dataset {connector.dataset}"


def _address(connector: OdsConnector, client: HttpClient) -> str:
    path = "api/explore/v2.1/catalog/datasets"
    return at(client.target.base_url, f"{path}/{quote(connector.dataset, safe='')}")


def _query(connector: OdsConnector) -> dict[str, str | int]:
    asked = {
        "select": connector.select,
        "where": connector.where,
        "order_by": connector.order_by,
    }
    options = _CSV_OPTIONS if connector.export == "csv" else {}
    return {**{name: text for name, text in asked.items() if text}, **options}


def _adds_up(connector: OdsConnector, rows: int, total: int) -> bool:
    """Whether so many rows can be all of a dataset, or of what a filter leaves."""
    return rows <= total if connector.where else rows == total


def _total(connector: OdsConnector, client: HttpClient) -> int | None:
    total = _metadata(connector, client).get("records_count")
    return total if isinstance(total, int) and not isinstance(total, bool) else None


def _metadata(connector: OdsConnector, client: HttpClient) -> Mapping[str, Any]:
    """The dataset's default metadata.

    Raises:
        FetchError: the answer is not about a dataset.
    """
    address = _address(connector, client)
    answer = asked_once(client, address, fault=incomplete_json)
    document = json_object(client, _label(connector), answer.body)
    metas = document.get("metas")
    found = metas.get("default") if isinstance(metas, dict) else None
    if not isinstance(found, dict):
        told = document.get("message") or document.get("error_code")
        raise refused(client, _label(connector), "no metadata", told)
    return found
