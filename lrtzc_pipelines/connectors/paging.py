"""Proof that paging goes forward and ends: no page twice, no record in two pages.

What a page looks like and where the next one is are the protocols' work; here is what
they must all refuse, and how a refusal is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import check_total
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.repeats import Repeats
from lrtzc_pipelines.errors import FetchError

_LONGEST_REASON = 200


class Progress:
    """How far the collection of a paged dataset has come.

    Args:
        client: Client of its service.
        label: What is collected, for messages.

    Attributes:
        received: Records so far.
        total: Records the service announced last; None if it does not tell.
    """

    def __init__(self, client: HttpClient, label: str) -> None:
        self.received = 0
        self.total: int | None = None
        self._client = client
        self._label = label
        self._pages = 0
        self._repeats = Repeats(client, label)
        self._ids: set[str | int] = set()

    @property
    def is_complete(self) -> bool:
        """Whether everything announced has come."""
        return self.total is not None and self.received >= self.total

    def held(self, page: KnownPage) -> None:
        """Counts a page that the raw store holds already, and that is still right."""
        self.received += page.items or 0
        # The total stands in the body, which is still the same.
        if self.total is None:
            self.total = page.total

    def add(
        self,
        records: Sequence[Any],
        *,
        ids: Iterable[object] = (),
        total: object = None,
    ) -> None:
        """Counts the records of a page.

        Args:
            records: What the page holds.
            ids: The service's identifiers of the records, where they have any.
            total: What the service announces; no number leaves the last one.

        Raises:
            FetchError: the same page, or one of its records, came before: then others
                are missing, whatever the sum says.
        """
        if isinstance(total, int) and not isinstance(total, bool):
            self.total = total
        self.received += len(records)
        self._pages += 1
        self._repeats.refuse(f"page {self._pages}", list(records))
        for one in ids:
            if not isinstance(one, str | int):
                continue
            if one in self._ids:
                reason = "pages overlap: a record came twice"
                raise refused(self._client, self._label, reason, permanent=False)
            self._ids.add(one)

    def check(self) -> None:
        """Raises FetchError if another number of records came than was announced."""
        check_total(self._client, self._label, self.received, self.total)


def refused(
    client: HttpClient, label: str, *reasons: object, permanent: bool = True
) -> FetchError:
    """The error for an answer that is of no use.

    Args:
        client: Client of the service.
        label: What was asked for.
        reasons: What is wrong, ours or the service's words; these are made one short
            line and lose any secret they echo.
        permanent: Whether asking again would change nothing.
    """
    shown = client.target.shown
    told = ": ".join(shown(str(r), _LONGEST_REASON) for r in reasons if r)
    return FetchError(
        f"{client.target.endpoint_id}: {label}: {told}", permanent=permanent
    )
