"""Pages that come again: the sign of a service that does not turn its pages."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError


class Repeats:
    """The records of a dataset's pages so far, remembered by their hash.

    A service that repeats a page may still give as many records as it announced, so
    that a total alone proves nothing.
    """

    def __init__(self, client: HttpClient, label: str) -> None:
        self._client = client
        self._label = label
        self._seen: dict[str, str] = {}

    def refuse(self, name: str, records: list[Any]) -> None:
        """Raises FetchError if a page has the very records of an earlier one."""
        if not records:
            return
        digest = hashlib.sha256(json.dumps(records).encode()).hexdigest()
        earlier = self._seen.setdefault(digest, name)
        if earlier != name:
            msg = (
                f"{self._client.target.endpoint_id}: {self._label}: "
                f"{name} has the records of {earlier} again"
            )
            raise FetchError(msg, permanent=False)
