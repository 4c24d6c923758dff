"""What every connector is: a generator of pages, and how one is chosen by its kind.

A page is one answer worth keeping. Connectors decide what to ask and when a dataset
is complete; they neither parse values nor store anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrtzc_pipelines.connectors.http import Answer, KnownPage


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
