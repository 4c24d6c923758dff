"""The connector that serves each kind of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lrtzc_pipelines.connectors import ckan, gbfs, http_file, larochelle_webservice
from lrtzc_pipelines.connectors.base import Known, Pages
from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.connectors.http import HttpClient, Limits
from lrtzc_pipelines.sources.protocols import HttpFileConnector
from lrtzc_pipelines.sources.spec import SourceSpec

CONNECTORS: Mapping[str, Callable[[Any, HttpClient, Known], Pages]] = {
    "larochelle_webservice": larochelle_webservice.pages,
    "ckan": ckan.pages,
    "gbfs": gbfs.pages,
    "http_file": http_file.pages,
}


def pages(spec: SourceSpec, client: HttpClient, known: Known) -> Pages:
    """The pages of a source, by the connector its specification names."""
    return CONNECTORS[spec.connector.kind](spec.connector, client, known)


def limits(spec: SourceSpec) -> Limits:
    """Bounds for one answer of a source."""
    if isinstance(spec.connector, HttpFileConnector):
        return Limits(max_bytes=spec.connector.max_megabytes * MEGABYTE)
    return Limits()
