"""Messages that a collector process wrote down: one page per sealed file.

Nothing is asked of anybody. A sealed file never changes, so one that is known is not
read again.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from http import HTTPStatus

from lrtzc_pipelines.collectors.spool import Sealed, sealed_files
from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import Known, Page, Pages
from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError, LrtzcError, NothingYet
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.protocols import SpoolConnector

SUFFIX = "jsonl"
_SYNTHETIC = {"x-lrtzc-sandbox": "synthetic"}


def mark(connector: SpoolConnector, client: HttpClient) -> str | None:
    """A hash of the names of the sealed files, which tell what is in them."""
    names = [sealed.name for sealed in _files(connector, client)]
    return hashlib.sha256("\n".join(names).encode()).hexdigest() if names else None


def pages(connector: SpoolConnector, client: HttpClient, known: Known) -> Pages:
    """The sealed files, oldest first.

    Raises:
        NothingYet: the collector never sealed a file.
        FetchError: files are gone all at once, damaged or too large.
    """
    files = _files(connector, client)
    label = f"{client.target.endpoint_id}: spool {connector.collector}"
    if not files:
        if known:
            msg = f"{label}: empty, and it held {len(known)} files: restore it"
            raise FetchError(msg)
        msg = f"{label}: no sealed file yet: is `lrtzc listen` at work?"
        raise NothingYet(msg)
    for sealed in files:
        headers = dict(_SYNTHETIC) if sealed.invented else {}
        if sealed.name in known:
            items = known[sealed.name].items
            yield Page(sealed.name, SUFFIX, _answer(sealed, b"", headers), items=items)
            continue
        body = _read(sealed, client, label)
        answer = _answer(sealed, body, headers)
        yield Page(sealed.name, SUFFIX, answer, items=body.count(b"\n"))


def _files(connector: SpoolConnector, client: HttpClient) -> list[Sealed]:
    """The files to collect: what a sandbox invented only where there is nothing real.

    Real and invented rows must never be in one dataset.
    """
    if client.target.data_dir is None:
        msg = f"{client.target.endpoint_id}: no data directory"
        raise FetchError(msg)
    found = sealed_files(Layout(client.target.data_dir).spool(connector.collector))
    real = [sealed for sealed in found if not sealed.invented]
    return real or found


def _read(sealed: Sealed, client: HttpClient, label: str) -> bytes:
    size = sealed.path.stat().st_size
    if size > client.limits.max_bytes:
        limit = client.limits.max_bytes / MEGABYTE
        msg = f"{label}: {sealed.path.name}: larger than {limit:.0f} MB"
        raise FetchError(msg)
    try:
        body = sealed.read()
    except LrtzcError as error:
        msg = f"{label}: {error}"
        raise FetchError(msg) from error
    client.bytes_received += len(body)
    return body


def _answer(sealed: Sealed, body: bytes, headers: dict[str, str]) -> Answer:
    """The file as if a service had sent it; 304 where it is known."""
    return Answer(
        url=f"spool:{sealed.path.parent.name}/{sealed.path.name}",
        status=HTTPStatus.OK if body else HTTPStatus.NOT_MODIFIED,
        headers=headers,
        body=body,
        fetched_at=datetime.fromtimestamp(sealed.path.stat().st_mtime, UTC),
    )
