"""Files listed on data.gouv.fr: one resource, those of a dataset, or all of a schema.

Each file is asked for at its stable address (`/fr/datasets/r/<id>`), which redirects
to wherever its producer keeps it; that the place is public is the client's to check.
Archives and gzip files pass through as they are.

**A file that cannot be had.** A resource or a dataset has one producer, and its files
belong together: one that is missing is an error, and the last good snapshot stays. A
schema is published by hundreds of producers, some of whose servers are down on any
night: were each an error, there would never be a snapshot. There, and only there, the
collection goes on without a file, and the snapshot says so:

- a file held from an earlier collection is taken over (a page that is not modified):
  an outage never takes a producer's rows away;
- one that was never had is an empty page under its own name, which the parser turns
  into a row for quarantine;
- each is logged with its reason, and noted in the manifest (`x-lrtzc-unreachable`);
- more than one file in five, and the collection fails: then it is us, or the portal.

Marks are for a resource or a dataset only: a catalogue that did not change does not
bring back the file that could not be had yesterday.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from lrtzc_pipelines.connectors.answers import UNREACHABLE, Answer
from lrtzc_pipelines.connectors.base import Known, Page, Pages, at
from lrtzc_pipelines.connectors.bodies import looks_like_html
from lrtzc_pipelines.connectors.data_gouv_catalogue import Resource, find
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.marks import mark_of
from lrtzc_pipelines.connectors.paging import refused
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import DataGouvConnector

_SHARE_TOLERATED = 0.2
_LONGEST_SUFFIX = 12
_NOTHING = hashlib.sha256(b"").hexdigest()
_log = logging.getLogger(__name__)


def pages(connector: DataGouvConnector, client: HttpClient, known: Known) -> Pages:
    """One page per resource, named by its id, the last modified first.

    Raises:
        FetchError: no resource matches, the catalogue contradicts itself, or files
            cannot be had (see above).
    """
    resources = find(connector, client)
    if not connector.schema_name:
        for resource in resources:
            yield _page(client, resource, known)
        return
    yield from _from_many(connector, client, resources, known)


def mark(connector: DataGouvConnector, client: HttpClient) -> str | None:
    """What data.gouv.fr says of the files' versions; None if it cannot know.

    It knows the files that it hosts. Of one that is elsewhere it knows the address,
    and not when somebody last wrote to it.
    """
    if connector.schema_name:
        return None
    versions = [resource.version for resource in find(connector, client)]
    if not all(versions):
        return None
    return mark_of(connector, sorted(map(str, versions)))


def _from_many(
    connector: DataGouvConnector,
    client: HttpClient,
    resources: list[Resource],
    known: Known,
) -> Iterator[Page]:
    tolerated = int(len(resources) * _SHARE_TOLERATED)
    failures = 0
    for resource in resources:
        try:
            page = _page(client, resource, known)
        except FetchError as error:
            failures += 1
            if failures > tolerated:
                reason = (
                    f"{failures} of {len(resources)} files cannot be had, "
                    f"{tolerated} tolerated; the last one"
                )
                label = f"schema {connector.schema_name}"
                raise refused(client, label, reason, error, permanent=False) from error
            page = _stand_in(client, resource, known, error)
        yield page


def _page(client: HttpClient, resource: Resource, known: Known) -> Page:
    answer = client.get(
        _address(client, resource),
        known=known.get(resource.id),
        fault=_fault(resource),
    )
    return Page(resource.id, _suffix(answer.url, resource), answer)


def _stand_in(
    client: HttpClient, resource: Resource, known: Known, error: FetchError
) -> Page:
    """What goes on in place of a file: the one that is held, or an empty one."""
    before = known.get(resource.id)
    held = before is not None and before.sha256 != _NOTHING
    _log.warning(
        "resource %s: %s: %s",
        resource.id,
        "the file held from before goes on" if held else "no file yet",
        error,
    )
    answer = Answer(
        url=_address(client, resource),
        status=HTTPStatus.NOT_MODIFIED if held else HTTPStatus.NO_CONTENT,
        headers={UNREACHABLE: " ".join(str(error).split())},
        body=b"",
        fetched_at=datetime.now(UTC),
    )
    return Page(resource.id, _suffix("", resource), answer)


def _address(client: HttpClient, resource: Resource) -> str:
    return at(client.target.base_url, f"fr/datasets/r/{resource.id}")


def _fault(resource: Resource) -> Callable[[bytes], str | None]:
    """Tells what keeps a body from being the file that the catalogue lists."""

    def fault(body: bytes) -> str | None:
        if not body.strip():
            return "an empty file"
        if looks_like_html(body):
            return "an HTML page instead of the file"
        if not resource.matches(body):
            return "not the file whose checksum is listed"
        return None

    return fault


def _suffix(url: str, resource: Resource) -> str:
    """The file's extension, by its address or else by what its producer declares."""
    for name in (urlsplit(url).path, f"file.{resource.format}"):
        suffix = PurePosixPath(name).suffix.lstrip(".").lower()
        if suffix.isascii() and suffix.isalnum() and len(suffix) <= _LONGEST_SUFFIX:
            return suffix
    return "bin"
