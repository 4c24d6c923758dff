"""Files behind their addresses, with no protocol but HTTP's own."""

from __future__ import annotations

from pathlib import PurePosixPath

from lrtzc_pipelines.connectors.base import Known, Page, Pages, at
from lrtzc_pipelines.connectors.bodies import looks_like_html
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.sources.protocols import HttpFileConnector


def pages(connector: HttpFileConnector, client: HttpClient, known: Known) -> Pages:
    """The file as one page, or one page per part.

    Raises:
        FetchError: refused, empty, or a web page in place of a file.
    """
    key, header = client.target.key, connector.key_header
    headers = {header: key} if header and key else None
    suffix = PurePosixPath(connector.path).suffix.lstrip(".").lower() or "bin"
    for name, path in connector.files.items():
        answer = client.get(
            at(client.target.base_url, path),
            connector.query,
            known=known.get(name),
            fault=_incomplete,
            headers=headers,
        )
        yield Page(name, suffix, answer)


def _incomplete(body: bytes) -> str | None:
    if not body.strip():
        return "an empty file"
    if looks_like_html(body):
        return "an HTML page instead of the file"
    return None
