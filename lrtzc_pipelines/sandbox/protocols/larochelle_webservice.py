"""Tables of the legacy La Rochelle web service; the XML itself is `webservice`'s."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from lrtzc_pipelines.sandbox import webservice
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import WebserviceConnector


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of a table; refusals are `code=7` with HTTP 200. None elsewhere."""
    if question.path.strip("/") not in {"", "webservice"}:
        return None
    query = urlencode(question.query)
    request = webservice.read_request(query)
    for table in tables.values() if request else ():
        connector = table.spec.connector
        if (
            request
            and isinstance(connector, WebserviceConnector)
            and (connector.database, connector.table)
            == (request.database, request.table)
        ):
            page = table.frame.slice(request.offset - 1, request.limit)
            rows = webservice.rows_xml(page)
            return Answer(webservice.success(query, rows), webservice.MEDIA_TYPE)
    return Answer(webservice.failure(query), webservice.MEDIA_TYPE)
