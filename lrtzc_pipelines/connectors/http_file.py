"""One file behind one address, with no protocol but HTTP's own."""

from __future__ import annotations

from pathlib import PurePosixPath

from lrtzc_pipelines.connectors.base import Known, Page, Pages, at
from lrtzc_pipelines.connectors.bodies import looks_like_html
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.sources.protocols import HttpFileConnector


def pages(connector: HttpFileConnector, client: HttpClient, known: Known) -> Pages:
    """The file, as one page.

    Raises:
        FetchError: refused, empty, or a web page in place of the file.
    """
    key = client.target.key
    answer = client.get(
        at(client.target.base_url, connector.path),
        connector.query,
        known=known.get("file"),
        fault=_incomplete,
        headers={connector.key_header: key} if connector.key_header and key else None,
    )
    suffix = PurePosixPath(connector.path).suffix.lstrip(".").lower() or "bin"
    yield Page("file", suffix, answer)


def _incomplete(body: bytes) -> str | None:
    if not body.strip():
        return "an empty file"
    if looks_like_html(body):
        return "an HTML page instead of the file"
    return None
