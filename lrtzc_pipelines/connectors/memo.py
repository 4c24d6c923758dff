"""Answers kept for as long as a collection lasts.

Some questions come up again within minutes: a dataset's metadata, first for its mark
and then for its total; the counters of a domain, for each day of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.http import HttpClient


def asked_once(
    client: HttpClient,
    url: str,
    params: Mapping[str, str | int] | None = None,
    *,
    fault: Callable[[bytes], str | None] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a GET that this collection asked before, or asks now.

    Args and errors are those of `HttpClient.get`.
    """
    question = (url, *sorted((params or {}).items()))
    if question not in client.memo:
        client.memo[question] = client.get(url, params, fault=fault, headers=headers)
    return client.memo[question]
