"""What is asked of a service, within which bounds, and what came of it."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeGuard

from lrtzc_pipelines.connectors.bodies import MEGABYTE

_LONGEST_MARK = 1000
KEPT_HEADERS = (
    "content-type",
    "content-length",
    "etag",
    "last-modified",
    "content-range",
    "date",
    "x-lrtzc-sandbox",
)


UNREACHABLE = "x-lrtzc-unreachable"
"""Our own note on an answer that did not come, with the reason."""


@dataclass(frozen=True)
class Limits:
    """Bounds of an answer, enforced while it streams, and of a whole dataset.

    Attributes:
        attempts: Tries in all, the first included.
        max_bytes: Largest decompressed body, in bytes.
        deadline: Longest time for one try, headers and body, in seconds.
        max_wait: Longest pause that a Retry-After may ask for, in seconds.
        min_rate: Slowest acceptable body after the first 10 s, in bytes per second.
        dataset_requests: Most requests that one collection may take, tries included.
        dataset_bytes: Most decompressed bytes that they may bring.
        dataset_seconds: Time after which a collection asks for nothing more.
    """

    attempts: int = 4
    max_bytes: int = 200 * MEGABYTE
    deadline: float = 300.0
    max_wait: float = 120.0
    min_rate: float = 100.0
    backoff: float = 1.0
    dataset_requests: int = 10_000
    dataset_bytes: int = 20_000 * MEGABYTE
    dataset_seconds: float = 6 * 3600.0

    def reached(self, requests: int, size: int, seconds: float) -> str | None:
        """The bound that a collection has reached, in words; None while it may go on.

        A service that always names another page would hold a night, or fill a disk.
        """
        if requests >= self.dataset_requests:
            return f"{self.dataset_requests} requests"
        if size >= self.dataset_bytes:
            return f"{self.dataset_bytes / MEGABYTE:.0f} MB"
        if seconds >= self.dataset_seconds:
            return f"{self.dataset_seconds:.0f} s"
        return None


@dataclass(frozen=True)
class KnownPage:
    """What the raw store holds of a page, to ask for it only if it changed.

    Attributes:
        items: Records in the page, where they were counted.
        total: Records that the whole dataset was announced to have.
    """

    sha256: str
    items: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None

    def conditions(self) -> dict[str, str]:
        """Request headers that let the service answer 304."""
        if _can_be_sent(self.etag):
            return {"If-None-Match": self.etag}
        if _can_be_sent(self.last_modified):
            return {"If-Modified-Since": self.last_modified}
        return {}


def _can_be_sent(mark: str | None) -> TypeGuard[str]:
    """Whether a header can carry a mark back to the service that gave it.

    One in other letters, or as long as a page, came from a broken server.
    """
    return bool(mark) and str(mark).isascii() and len(str(mark)) <= _LONGEST_MARK


@dataclass(frozen=True)
class Answer:
    """One complete answer.

    Attributes:
        url: Address asked, without secrets.
        status: 200 or another accepted one; 304 when a condition held, and the body
            is then empty.
        headers: The few headers worth keeping, lower-case.
        body: Decompressed bytes.
        fetched_at: UTC time at which the body was complete.
    """

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    fetched_at: datetime

    @property
    def not_modified(self) -> bool:
        """Whether the service said that what we hold is still right."""
        return self.status == HTTPStatus.NOT_MODIFIED


def retry_after(value: str | None) -> float | None:
    """Seconds a Retry-After header asks to wait; None if absent or unreadable."""
    if not value:
        return None
    seconds = value.strip()
    if seconds.isascii() and seconds.isdecimal():
        return float(seconds)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
