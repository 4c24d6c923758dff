"""What every connector is: a generator of pages, and how one is chosen by its kind.

A page is one answer worth keeping. Connectors decide what to ask and when a dataset
is complete; they neither parse values nor store anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lrtzc_pipelines.connectors.answers import Answer, KnownPage
from lrtzc_pipelines.connectors.bodies import looks_like_html
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError, one_line


@dataclass(frozen=True)
class Page:
    """One answer of a dataset.

    Attributes:
        name: Stable name inside the dataset, such as `offset-5001`.
        suffix: File extension of the body, such as `xml`.
        answer: The answer; its body is empty when the service said 304.
        items: Records in it, where the protocol lets one count without parsing.
        announced_total: Records the service says the dataset has, if it does.
    """

    name: str
    suffix: str
    answer: Answer
    items: int | None = None
    announced_total: int | None = None


Known = Mapping[str, KnownPage]
Pages = Iterator[Page]


def at(base_url: str, path: str) -> str:
    """The address of `path` below an endpoint, whether or not it ends in a slash."""
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def next_link(client: HttpClient, url: str, reference: object) -> str | None:
    """The address of the next page that an answer at `url` names; None at the end.

    Raises:
        FetchError: it is no address, or leads to another origin: pages of one dataset
            come from one service.
    """
    if reference is None or reference == "":
        return None
    if not isinstance(reference, str):
        msg = f"{client.target.endpoint_id}: the next page is no address"
        raise FetchError(msg)
    joined = client.target.rebase(client.target.join(url, reference))
    if not client.target.is_own(joined):
        msg = (
            f"{client.target.endpoint_id}: refused the next page: "
            f"{client.target.shown(joined)} is another service"
        )
        raise FetchError(msg)
    return joined


def incomplete_json(body: bytes) -> str | None:
    """What keeps a body from being a JSON document, or None."""
    if looks_like_html(body):
        return "an HTML page instead of JSON"
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        return f"not a JSON document: {error}"
    return None


def json_object(client: HttpClient, label: str, body: bytes) -> dict[str, Any]:
    """The JSON object in a complete body.

    Raises:
        FetchError: it is a list or a bare value.
    """
    document = json.loads(body)
    if not isinstance(document, dict):
        msg = f"{client.target.endpoint_id}: {label}: expected a JSON object"
        raise FetchError(msg)
    return document


def check_total(
    client: HttpClient, label: str, received: int, total: int | None
) -> None:
    """Raises FetchError if a dataset's pages do not add up to its announced total."""
    if total is not None and received != total:
        msg = (
            f"{client.target.endpoint_id}: {label}: "
            f"{received} records received, {one_line(str(total), 20)} announced"
        )
        raise FetchError(msg, permanent=False)
