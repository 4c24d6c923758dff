"""GBFS 2.x and 3.0, entered by the discovery file.

Version 2 nests feeds under a language, version 3 does not. Feed addresses come from
the answer, so each is checked like any address a remote service hands out.
"""

from __future__ import annotations

import json
from typing import Any

from lrtzc_pipelines.connectors.base import Known, Page, Pages
from lrtzc_pipelines.connectors.bodies import looks_like_html
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError, one_line
from lrtzc_pipelines.sources.protocols import GbfsConnector

DISCOVERY = "gbfs"
_SUPPORTED = ("2.", "3.")


def pages(connector: GbfsConnector, client: HttpClient, known: Known) -> Pages:
    """The discovery file, then each wanted feed.

    Raises:
        FetchError: a version that is not known, a feed that is not offered, or an
            answer that is not GBFS JSON.
    """
    # Asked without a condition: its body is needed to find the feeds, and it is small.
    discovery = client.get(client.target.base_url, fault=_incomplete)
    offered = feed_urls(client.target.endpoint_id, json.loads(discovery.body))
    missing = [name for name in connector.feeds if name not in offered]
    if missing:
        names = one_line(", ".join(sorted(offered)))
        msg = (
            f"{client.target.endpoint_id}: feed {', '.join(missing)} not offered "
            f"(offered: {names})"
        )
        raise FetchError(msg)
    yield Page(DISCOVERY, "json", discovery)
    for name in connector.feeds:
        url = client.target.join(client.target.base_url, offered[name])
        answer = client.get(
            client.target.rebase(url), known=known.get(name), fault=_incomplete
        )
        yield Page(name, "json", answer)


def feed_urls(endpoint_id: str, discovery: dict[str, Any]) -> dict[str, str]:
    """Feed addresses by name, French ones where version 2 offers languages."""
    version = one_line(str(discovery.get("version", "1.0")))
    if not version.startswith(_SUPPORTED):
        msg = f"{endpoint_id}: GBFS {version} is not supported (2.x and 3.0 are)"
        raise FetchError(msg)
    data = discovery.get("data")
    if isinstance(data, dict) and "feeds" not in data:
        data = data.get("fr") or next(iter(data.values()), None)
    feeds = data.get("feeds") if isinstance(data, dict) else None
    if not isinstance(feeds, list) or not all(map(_is_feed, feeds)):
        msg = f"{endpoint_id}: the discovery file lists no feeds"
        raise FetchError(msg)
    return {str(feed["name"]): str(feed["url"]) for feed in feeds}


def _is_feed(feed: object) -> bool:
    return isinstance(feed, dict) and {"name", "url"} <= feed.keys()


def _incomplete(body: bytes) -> str | None:
    if looks_like_html(body):
        return "an HTML page instead of JSON"
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        return f"not a JSON document: {error}"
    if not isinstance(document, dict) or "data" not in document:
        return "a JSON document without data"
    return None
