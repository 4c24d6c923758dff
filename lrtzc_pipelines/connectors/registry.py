"""The connector that serves each kind of source: the module named like the kind."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lrtzc_pipelines.connectors.answers import Limits
from lrtzc_pipelines.connectors.base import Known, Pages
from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.sources.spec import SourceSpec


def _module(spec: SourceSpec) -> Any:
    # Imported when used: one night needs few of the protocols and of their libraries.
    return import_module(f"lrtzc_pipelines.connectors.{spec.connector.kind}")


def pages(spec: SourceSpec, client: HttpClient, known: Known) -> Pages:
    """The pages of a source, by the connector its specification names."""
    found: Pages = _module(spec).pages(spec.connector, client, known)
    return found


def mark(spec: SourceSpec, client: HttpClient) -> str | None:
    """What the service says of the data's version, for one small request.

    Equal marks mean equal data. None where the protocol has no such thing, or the
    service does not tell: then only the data themselves can.
    """
    ask = getattr(_module(spec), "mark", None)
    return ask(spec.connector, client) if ask else None


def limits(spec: SourceSpec) -> Limits:
    """Bounds for one answer of a source."""
    return Limits(max_bytes=spec.connector.max_megabytes * MEGABYTE)
