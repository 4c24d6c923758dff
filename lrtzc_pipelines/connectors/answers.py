"""What is asked of a service, within which bounds, and what came of it."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from lrtzc_pipelines.connectors.bodies import MEGABYTE

KEPT_HEADERS = (
    "content-type",
    "content-length",
    "etag",
    "last-modified",
    "content-range",
    "date",
    "x-lrtzc-sandbox",
)


@dataclass(frozen=True)
class Limits:
    """Bounds of one answer, all of them enforced while it streams.

    Attributes:
        attempts: Tries in all, the first included.
        max_bytes: Largest decompressed body, in bytes.
        deadline: Longest time for one try, headers and body, in seconds.
        max_wait: Longest pause that a Retry-After may ask for, in seconds.
        min_rate: Slowest acceptable body after the first 10 s, in bytes per second.
    """

    attempts: int = 4
    max_bytes: int = 200 * MEGABYTE
    deadline: float = 300.0
    max_wait: float = 120.0
    min_rate: float = 100.0
    backoff: float = 1.0


@dataclass(frozen=True)
class KnownPage:
    """What the raw store holds of a page, to ask for it only if it changed."""

    sha256: str
    items: int | None = None
    etag: str | None = None
    last_modified: str | None = None

    def conditions(self) -> dict[str, str]:
        """Request headers that let the service answer 304."""
        # A mark in other letters came from a broken server; no header carries it back.
        if self.etag and self.etag.isascii():
            return {"If-None-Match": self.etag}
        if self.last_modified:
            return {"If-Modified-Since": self.last_modified}
        return {}


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
        return self.status == httpx.codes.NOT_MODIFIED


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
