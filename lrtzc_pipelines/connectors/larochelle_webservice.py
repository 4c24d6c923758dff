"""The legacy web service of La Rochelle: XML pages by offset, errors inside HTTP 200.

Pages are not sorted: they overlap, leave holes and repeat ids, so nothing is concluded
from a page but its number of rows. The dataset ends with the first page that is not
full. The key travels in the query and comes back in the body.
"""

from __future__ import annotations

import itertools
import re
from urllib.parse import urlsplit

from lrtzc_pipelines.connectors.base import Known, Page, Pages
from lrtzc_pipelines.connectors.bodies import looks_like_html
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.repeats import Repeats
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import WebserviceConnector

_STATUS = re.compile(
    rb"<status>\s*code=(-?\d{1,9})\s+message=(.*?)</status>", re.DOTALL
)
_HEAD_BYTES = 20_000
"""Where the status is, before the rows: it is not looked for among them."""

_ROW_TAGS = (b"<row>", b"<row/>", b"<row ")
_SUCCESS = 0


def pages(connector: WebserviceConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of a table, in the order of its offsets.

    Raises:
        FetchError: the service refused the request (a `code` other than 0), answered
            something else than its XML, or never came to an end.
    """
    url = client.target.base_url
    if urlsplit(url).path in {"", "/"}:
        url = f"{url.rstrip('/')}/webservice/"
    repeats = Repeats(client, f"table {connector.database}.{connector.table}")
    for number in itertools.count():
        offset = 1 + number * connector.page_size
        name = f"offset-{offset}"
        answer = client.get(
            url,
            {
                "service": "getData",
                "key": client.target.key,
                "db": connector.database,
                "table": connector.table,
                "format": "xml",
                "offset": offset,
                "limit": connector.page_size,
            },
            known=known.get(name),
            fault=_incomplete,
        )
        if answer.not_modified:
            items = known[name].items or 0
        else:
            _refuse_errors(connector, client, answer.body)
            items = sum(map(answer.body.count, _ROW_TAGS))
            repeats.refuse(name, [_data(answer.body)] if items else [])
        if items or number == 0:
            yield Page(name, "xml", answer, items=items)
        if items < connector.page_size:
            return


def _label(connector: WebserviceConnector, client: HttpClient) -> str:
    table = f"{connector.database}.{connector.table}"
    return f"{client.target.endpoint_id}: table {table}"


def _data(body: bytes) -> str:
    """What a page holds, without the request that it echoes."""
    return body.partition(b"<data>")[2].decode("latin-1")


def _incomplete(body: bytes) -> str | None:
    if looks_like_html(body):
        return "an HTML page instead of XML"
    if not body.rstrip().endswith(b"</opendata>"):
        return f"the XML ends early, after {len(body)} bytes"
    return None


def _refuse_errors(
    connector: WebserviceConnector, client: HttpClient, body: bytes
) -> None:
    """Raises FetchError where HTTP 200 hides a failure; an empty table is none."""
    status = _STATUS.search(body, 0, _HEAD_BYTES)
    if status is None:
        msg = f"{_label(connector, client)}: the answer has no status"
        raise FetchError(msg)
    code = int(status[1])
    message = client.target.shown(status[2].decode("utf-8", "replace"))
    if code != _SUCCESS:
        msg = (
            f"{_label(connector, client)}: the service answered code={code}: {message}"
        )
        raise FetchError(msg)
    if b"<data>" not in body and b"<data/>" not in body:
        msg = f"{_label(connector, client)}: code=0 but no <data> element"
        raise FetchError(msg)
