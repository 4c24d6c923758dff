"""The catalogue of data.gouv.fr (udata): which resources a source is made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from lrtzc_pipelines.connectors.base import (
    at,
    incomplete_json,
    json_object,
    next_link,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.memo import asked_once
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import DataGouvConnector

_PAGE_SIZE = 100
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_HASHES = {"sha1": "sha1", "sha2": "sha256", "sha256": "sha256", "md5": "md5"}


@dataclass(frozen=True)
class Resource:
    """One file of the catalogue.

    Attributes:
        id: Stable id.
        title: Its producer's words.
        format: Format that its producer declares, such as `csv`.
        schema_name: Schema that it declares, or an empty text.
        is_hosted: Whether data.gouv.fr itself keeps the file.
        last_modified: As told, ISO 8601.
        filesize: Bytes, if told.
        checksum: Kind of digest and its value, if told.
    """

    id: str
    title: str
    format: str
    schema_name: str
    is_hosted: bool
    last_modified: str
    filesize: int | None
    checksum: tuple[str, str] | None

    @property
    def version(self) -> list[object] | None:
        """What tells this version of the file from others; None if nothing does."""
        if not self.is_hosted or not (self.checksum or self.last_modified):
            return None
        return [self.id, self.checksum or self.last_modified, self.filesize]

    def matches(self, body: bytes) -> bool:
        """Whether a body has the digest that the catalogue tells of a hosted file."""
        kind, value = self.checksum or ("", "")
        if not self.is_hosted or kind not in _HASHES:
            return True
        found = hashlib.new(_HASHES[kind], body, usedforsecurity=False).hexdigest()
        return found == value.lower()


def find(connector: DataGouvConnector, client: HttpClient) -> list[Resource]:
    """The resources that a connector asks for, the last modified first.

    Raises:
        FetchError: there are none, or the catalogue contradicts itself.
    """
    listed = _listed(connector, client)
    wanted = {r.id: r for r in listed if _is_wanted(connector, r)}
    if not wanted:
        reason = "no resource matches"
        raise refused(client, _label(connector), reason)
    # Two stable sorts: what was modified at one moment keeps the order of the ids.
    by_id = sorted(wanted.values(), key=lambda resource: resource.id)
    if connector.latest:
        # Not by their dates: a file of long ago may have been sent again yesterday.
        by_id = sorted(by_id, key=lambda resource: resource.title)[-connector.latest :]
    return sorted(by_id, key=lambda resource: resource.last_modified, reverse=True)


def _label(connector: DataGouvConnector) -> str:
    if connector.resource:
        return f"resource {connector.resource}"
    if connector.dataset:
        return f"dataset {connector.dataset}"
    return f"schema {connector.schema_name}"


def _is_wanted(connector: DataGouvConnector, resource: Resource) -> bool:
    if connector.schema_name and resource.schema_name != connector.schema_name:
        return False
    pattern = connector.title_pattern
    return not pattern or bool(re.search(pattern, resource.title))


def _listed(connector: DataGouvConnector, client: HttpClient) -> Iterator[Resource]:
    if connector.resource:
        path = f"api/2/datasets/resources/{quote(connector.resource, safe='')}/"
        document = _document(connector, client, at(client.target.base_url, path))
        yield _resource(connector, client, document.get("resource"))
        return
    if connector.dataset:
        path = f"api/1/datasets/{quote(connector.dataset, safe='')}/"
        document = _document(connector, client, at(client.target.base_url, path))
        yield from _of_dataset(connector, client, document)
        return
    for dataset in _datasets(connector, client):
        yield from _of_dataset(connector, client, dataset)


def _datasets(
    connector: DataGouvConnector, client: HttpClient
) -> Iterator[dict[str, Any]]:
    """Every dataset with a resource of a schema, over all pages of the catalogue."""
    label = _label(connector)
    progress = Progress(client, label)
    first = at(client.target.base_url, "api/1/datasets/")
    query: dict[str, str | int] = {
        "schema": connector.schema_name or "",
        "page": 1,
        "page_size": _PAGE_SIZE,
    }
    following: str | None = first
    while following:
        document = _document(connector, client, following, query)
        datasets = document.get("data")
        if not isinstance(datasets, list):
            raise refused(client, label, "the catalogue answers without data")
        ids = (item.get("id") for item in datasets if isinstance(item, dict))
        progress.add(datasets, ids=ids, total=document.get("total"))
        yield from (item for item in datasets if isinstance(item, dict))
        following = next_link(client, first, document.get("next_page"))
        following, query = (following if datasets else None), {}
    if progress.total is None:
        raise refused(client, label, "the catalogue announces no total")
    progress.check()


def _of_dataset(
    connector: DataGouvConnector, client: HttpClient, dataset: dict[str, Any]
) -> Iterator[Resource]:
    resources = dataset.get("resources")
    if not isinstance(resources, list):
        raise refused(client, _label(connector), "a dataset without resources")
    for item in resources:
        yield _resource(connector, client, item)


def _document(
    connector: DataGouvConnector,
    client: HttpClient,
    url: str,
    query: dict[str, str | int] | None = None,
) -> dict[str, Any]:
    answer = asked_once(client, url, query, fault=incomplete_json)
    return json_object(client, _label(connector), answer.body)


def _resource(
    connector: DataGouvConnector, client: HttpClient, item: object
) -> Resource:
    """A resource as the catalogue describes it.

    Raises:
        FetchError: it has no id that could be part of an address.
    """
    fields = item if isinstance(item, dict) else {}
    found = fields.get("id")
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise refused(client, _label(connector), "a resource without id")
    schema = fields.get("schema")
    size = fields.get("filesize")
    checksum = _checksum(fields.get("checksum"))
    # Older answers do not say where a file is; only hosted ones have a digest.
    place = fields.get("filetype") or ("file" if checksum else "remote")
    return Resource(
        id=found,
        title=str(fields.get("title") or ""),
        format=str(fields.get("format") or ""),
        schema_name=str(schema.get("name") or "") if isinstance(schema, dict) else "",
        is_hosted=place == "file",
        last_modified=str(fields.get("last_modified") or ""),
        filesize=size if isinstance(size, int) else None,
        checksum=checksum,
    )


def _checksum(found: object) -> tuple[str, str] | None:
    if not isinstance(found, dict) or not found.get("value"):
        return None
    return str(found.get("type") or "").lower(), str(found["value"])
