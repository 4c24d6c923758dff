"""One polite, bounded and suspicious HTTP client, shared by every connector.

It retries what may pass (honouring Retry-After), paces itself per endpoint, caps time
and size, refuses answers that end early, and never follows an answer to an address
that the operator did not choose unless that address is public. Protocols live in the
modules beside this one.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import httpx

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import (
    KEPT_HEADERS,
    Answer,
    KnownPage,
    Limits,
    retry_after,
)
from lrtzc_pipelines.connectors.bodies import Body, BodyDamaged, BodyRefused
from lrtzc_pipelines.connectors.opening import open_client
from lrtzc_pipelines.connectors.pace import Pace
from lrtzc_pipelines.connectors.watchdog import Watchdog
from lrtzc_pipelines.errors import FetchError

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_GRACE = 10.0
_PACE = Pace()

Memo: TypeAlias = dict[tuple[object, ...], Answer]
"""Answers by question: the address and what was added to it."""


class _Passing(Exception):
    """A fault that may pass, with the pause the service asked for, if it did."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class _Asked:
    """One request as it is sent, try after try."""

    method: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    accept: frozenset[int]
    fault: Callable[[bytes], str | None]


@dataclass
class HttpClient:
    """Requests to one endpoint; use as a context manager.

    Attributes:
        target: Endpoint with its effective address, key and politeness.
        limits: Bounds applied to every answer.
        memo: Answers that go on being right as long as this collection lasts.
        sleep: Replaced in tests.
        last_body: What came of the last answer's body, whole or not, decompressed:
            what there is to look at when an answer is refused.
    """

    target: Target
    limits: Limits = field(default_factory=Limits)
    memo: Memo = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = time.sleep
    bytes_received: int = 0
    requests: int = 0
    last_body: bytes = field(default=b"", repr=False)
    _expanded: int = field(init=False, repr=False, default=0)
    _started: float = field(init=False, repr=False, default=0.0)
    _client: httpx.Client = field(init=False, repr=False)
    _watchdog: Watchdog = field(init=False, repr=False, default_factory=Watchdog)

    def __enter__(self) -> HttpClient:
        self.target.require_contact()
        self._started = time.monotonic()
        self._client = open_client(self.target)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(  # noqa: PLR0913 - one per aspect of a request
        self,
        url: str,
        params: Mapping[str, str | int] | None = None,
        *,
        known: KnownPage | None = None,
        fault: Callable[[bytes], str | None] = lambda _: None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (httpx.codes.OK,),
    ) -> Answer:
        """The complete answer to a GET, after redirects and retries.

        Args:
            url: Absolute address; checked against the endpoint's origin.
            params: Query to add.
            known: What we hold already: asked for only if it changed.
            fault: Tells what makes a body incomplete (tried again), or None.
            headers: Headers to add; they are sent to the endpoint's origin only.
            accept: Statuses that carry an answer; any other is an error.

        Raises:
            FetchError: refused, out of bounds, incomplete, or still failing after
                the last try. The message carries the address without secrets.
        """
        full = self._address(url, params)
        asked = _Asked("GET", dict(headers or {}), None, frozenset(accept), fault)
        return self._insist(full, asked, known)

    def post(  # noqa: PLR0913 - the same
        self,
        url: str,
        document: object,
        params: Mapping[str, str | int] | None = None,
        *,
        fault: Callable[[bytes], str | None] = lambda _: None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (httpx.codes.OK,),
    ) -> Answer:
        """The complete answer to a JSON document that asks (never one that changes).

        Args and errors are those of `get`; a redirect is refused.
        """
        full = self._address(url, params)
        body = json.dumps(document).encode()
        sent = {**(headers or {}), "Content-Type": "application/json"}
        asked = _Asked("POST", sent, body, frozenset(accept), fault)
        return self._insist(full, asked, None)

    def _address(self, url: str, params: Mapping[str, str | int] | None) -> str:
        """The address with its query, parts of which may come from outside."""
        try:
            return str(httpx.URL(url, params=dict(params))) if params else url
        except (httpx.InvalidURL, UnicodeError) as error:
            msg = f"{self.target.endpoint_id}: {self.target.shown(url)}: not an address"
            raise FetchError(msg) from error

    def _insist(self, full: str, asked: _Asked, known: KnownPage | None) -> Answer:
        shown = self.target.shown(full)
        reason = ""
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return self._follow(full, asked, known)
            except _Passing as passing:
                reason = str(passing)
                if attempt < self.limits.attempts:
                    self.sleep(self._pause(attempt, passing.wait, shown))
        msg = (
            f"{self.target.endpoint_id}: {shown}: {reason} "
            f"(gave up after {self.limits.attempts} tries)"
        )
        raise FetchError(msg, permanent=False)

    def _pause(self, attempt: int, asked: float | None, shown: str) -> float:
        if asked is not None and asked > self.limits.max_wait:
            msg = (
                f"{self.target.endpoint_id}: {shown}: the service asks to wait "
                f"{asked:.0f} s, more than the {self.limits.max_wait:.0f} s allowed"
            )
            raise FetchError(msg, permanent=False)
        # Jitter, so that clients that failed together do not come back together.
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        backoff: float = self.limits.backoff * 2 ** (attempt - 1) * jitter
        return max(backoff, asked or 0.0)

    def _follow(self, url: str, asked: _Asked, known: KnownPage | None) -> Answer:
        for _ in range(5):
            self.target.check(url)
            self._pace()
            answer = self._once(url, asked, known)
            if isinstance(answer, Answer):
                reason = None if answer.not_modified else asked.fault(answer.body)
                if reason:
                    raise _Passing(reason)
                return answer
            if asked.method != "GET":
                msg = f"{self.target.endpoint_id}: {self.target.shown(url)}: redirected"
                raise FetchError(msg)
            url = self.target.rebase(self.target.join(url, answer))
        msg = f"{self.target.endpoint_id}: {self.target.shown(url)}: redirect loop"
        raise FetchError(msg)

    def _pace(self) -> None:
        if not self.target.is_loopback:
            wait = _PACE.turn(self.target.base_url, self.target.requests_per_second)
            if wait > 0:
                self.sleep(wait)

    def _once(self, url: str, asked: _Asked, known: KnownPage | None) -> Answer | str:
        """One try: an answer, or the Location of a redirect."""
        self._check_end()
        self.requests += 1
        self.last_body = b""
        started = time.monotonic()
        conditions = known.conditions() if known else {}
        # Keys and tokens are for the service they belong to, wherever it sends us.
        own = asked.headers if self.target.is_own(url) else {}
        try:
            with (
                self._watchdog.limit(self.limits.deadline),
                self._client.stream(
                    asked.method,
                    url,
                    content=asked.body,
                    headers={**conditions, **own},
                    extensions={"trace": self._watchdog.trace},
                ) as response,
            ):
                self.target.check_peer(response, url)
                if response.has_redirect_location:
                    return str(response.headers["location"])
                self._check_status(response, url, asked, conditional=bool(conditions))
                body = self._read(response, started, url)
                return Answer(
                    url=self.target.scrub(url),
                    status=response.status_code,
                    headers={
                        name: response.headers[name]
                        for name in KEPT_HEADERS
                        if name in response.headers
                    },
                    body=body,
                    fetched_at=datetime.now(UTC),
                )
        except httpx.InvalidURL as error:
            msg = f"{self.target.endpoint_id}: {self.target.shown(url)}: {error}"
            raise FetchError(msg) from error
        except httpx.TransportError as error:
            self._check_deadline(time.monotonic() - started)
            reason = self.target.shown(f"{type(error).__name__}: {error}")
            raise _Passing(reason) from error

    def _check_status(
        self, response: httpx.Response, url: str, asked: _Asked, *, conditional: bool
    ) -> None:
        status = response.status_code
        if status in asked.accept:
            return
        if status == httpx.codes.NOT_MODIFIED and conditional:
            return
        if status in RETRIED_STATUSES:
            wait = retry_after(response.headers.get("retry-after"))
            reason = f"HTTP {status}"
            raise _Passing(reason, wait)
        msg = f"{self.target.endpoint_id}: {self.target.shown(url)}: HTTP {status}"
        raise FetchError(msg, status=status)

    def _read(self, response: httpx.Response, started: float, url: str) -> bytes:
        body = Body(response.headers.get("content-encoding"), self.limits.max_bytes)
        try:
            # iter_raw and our own inflater: httpx takes a truncated gzip body for a
            # whole one, and expands a bomb before anyone can count.
            for raw in response.iter_raw():
                body.add(raw)
                self._check_speed(body.received, time.monotonic() - started)
            body.end()
        except BodyRefused as error:
            told = self.target.shown(f"{error}")
            msg = f"{self.target.endpoint_id}: {self.target.shown(url)}: {told}"
            raise FetchError(msg) from None
        except BodyDamaged as error:
            raise _Passing(str(error)) from None
        finally:
            self.last_body = body.content
            self._expanded += len(self.last_body)
            self.bytes_received += body.received
        return self.last_body

    def _check_end(self) -> None:
        """Raises FetchError if a dataset goes on longer than any that is to end."""
        seconds = time.monotonic() - self._started
        if bound := self.limits.reached(self.requests, self._expanded, seconds):
            msg = f"{self.target.endpoint_id}: no end after {bound}"
            raise FetchError(msg)

    def _check_speed(self, received: int, elapsed: float) -> None:
        self._check_deadline(elapsed)
        if elapsed > _GRACE and received / elapsed < self.limits.min_rate:
            reason = f"slower than {self.limits.min_rate:.0f} B/s"
            raise _Passing(reason)

    def _check_deadline(self, elapsed: float) -> None:
        if elapsed > self.limits.deadline:
            reason = f"not complete after {self.limits.deadline:.0f} s"
            raise _Passing(reason)
