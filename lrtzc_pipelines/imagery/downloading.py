"""Fetches the files of a scene: resumed where it broke off, proven before it counts.

A file gets its name only once its size and checksum are those that were announced; what
nobody can prove is fetched and says so. At most four at a time, as the service asks.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Limits, retry_after
from lrtzc_pipelines.connectors.http import RETRIED_STATUSES
from lrtzc_pipelines.connectors.opening import open_client
from lrtzc_pipelines.connectors.watchdog import Watchdog
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.imagery.checksums import Checking, Status, parse_multihash
from lrtzc_pipelines.imagery.scenes import Scene, SceneAsset
from lrtzc_pipelines.imagery.tokens import Tokens
from lrtzc_pipelines.layout import PRIVATE_FILE_MODE
from lrtzc_pipelines.storage import sync_directory, sync_file

CONNECTIONS = 4
"""Most connections that the service allows an account."""

_PART = 1 << 20
_REDIRECTS = 5
_RANGE = re.compile(r"^bytes (\d+)-\d+/(\d+|\*)$")


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched.

    Attributes:
        path: Where it is.
        size: Its bytes.
        status: Whether it was proven.
        algorithm: By what; None if it was not.
    """

    path: Path
    size: int
    status: Status
    algorithm: str | None = None


class _Again(Exception):
    """A fault that may pass.

    Attributes:
        wait: Pause that the service asked for, in seconds.
        anew: Whether what came so far is of no use.
    """

    def __init__(
        self, reason: str, wait: float | None = None, *, anew: bool = False
    ) -> None:
        super().__init__(reason)
        self.wait, self.anew = wait, anew


@dataclass(frozen=True)
class Downloader:
    """Fetches from one service and those it sends to.

    Attributes:
        target: The service whose addresses are trusted with a token.
        tokens: Where tokens come from; None where nobody asks for one.
        limits: How often, how long, how much.
        sleep: Replaced in tests.
    """

    target: Target
    tokens: Tokens | None = None
    limits: Limits = field(
        default_factory=lambda: Limits(max_bytes=2_000_000_000, deadline=1800.0)
    )
    sleep: Callable[[float], None] = time.sleep

    def fetch_all(self, scene: Scene, bands: list[str], folder: Path) -> list[Fetched]:
        """The files of some bands of a scene, in their order.

        Args:
            scene: The scene.
            bands: Names of its assets.
            folder: Where they go, each under its name.

        Raises:
            FetchError: one of them could not be had, or is not what was announced;
                the message names scene, file and cause.
        """
        self.target.require_contact()
        missing = [band for band in bands if band not in scene.assets]
        if missing:
            msg = f"{scene.id}: {scene.catalog} tells of no {', '.join(missing)}"
            raise FetchError(msg)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            jobs = [
                pool.submit(self.fetch, scene, scene.assets[band], folder)
                for band in bands
            ]
            return [job.result() for job in jobs]

    def fetch(self, scene: Scene, asset: SceneAsset, folder: Path) -> Fetched:
        """One file of a scene.

        Args:
            scene: The scene.
            asset: Which of its files.
            folder: Where it goes; what an earlier try left there is gone on with.

        Raises:
            FetchError: it could not be had, or is not what was announced.
        """
        part = folder / f".{asset.name}.part"
        reason = ""
        for attempt in range(1, self.limits.attempts + 1):
            try:
                self._transfer(asset.href, part, asset.size)
                return self._prove(asset, part)
            except _Again as passing:
                reason = str(passing)
                if passing.anew:
                    part.unlink(missing_ok=True)
                if attempt < self.limits.attempts:
                    self.sleep(self._pause(attempt, passing.wait))
            except FetchError as error:
                msg = f"{scene.id}: {asset.name}: {error}"
                raise FetchError(msg, permanent=error.permanent) from error
        msg = (
            f"{scene.id}: {asset.name}: {reason} "
            f"(gave up after {self.limits.attempts} tries)"
        )
        raise FetchError(msg, permanent=False)

    def _pause(self, attempt: int, asked: float | None) -> float:
        pause = float(self.limits.backoff * 2 ** (attempt - 1))
        return max(pause, min(asked or 0.0, self.limits.max_wait))

    def _prove(self, asset: SceneAsset, part: Path) -> Fetched:
        """Gives a file its name once it is what was announced; else it is gone."""
        size = part.stat().st_size
        checking = Checking(parse_multihash(asset.checksum) if asset.checksum else None)
        with part.open("rb") as file:
            while content := file.read(_PART):
                checking.add(content)
        try:
            if asset.size is not None and size != asset.size:
                msg = f"{size} bytes, {asset.size} were announced"
                raise ValueError(msg)
            status = checking.end()
        except ValueError as error:
            raise _Again(str(error), anew=True) from error
        path = part.with_name(f"{asset.name}{_suffix(asset.href)}")
        sync_file(part)
        part.replace(path)
        sync_directory(path.parent)
        return Fetched(path, size, status, checking.found)

    def _transfer(self, url: str, part: Path, size: int | None) -> None:
        """Brings a partial file to its end."""
        held = part.stat().st_size if part.exists() else 0
        if size is not None and held >= size:
            return
        with self._asked(url, held) as response:
            start = self._start(response, held)
            if start != held:
                part.unlink(missing_ok=True)
            expected = response.headers.get("content-length")
            received = 0
            with part.open("ab") as file:
                part.chmod(PRIVATE_FILE_MODE)
                for content in response.iter_raw():
                    received += len(content)
                    if start + received > self.limits.max_bytes:
                        msg = f"more than {self.limits.max_bytes} bytes"
                        raise FetchError(msg)
                    file.write(content)
            if expected is not None and received != int(expected):
                reason = f"cut after {start + received} bytes"
                raise _Again(reason)

    def _start(self, response: httpx.Response, held: int) -> int:
        """At which byte an answer begins."""
        if response.status_code != HTTPStatus.PARTIAL_CONTENT:
            # The whole file, whatever was asked: appended, it would be garbage.
            return 0
        told = _RANGE.match(response.headers.get("content-range", ""))
        if told is None or int(told[1]) != held:
            reason = "another part came than was asked for"
            raise _Again(reason, anew=True)
        return held

    @contextmanager
    def _asked(self, url: str, held: int) -> Iterator[httpx.Response]:
        """The answer to a request for a file, from some byte on."""
        watchdog = Watchdog()
        with open_client(self.target) as client, watchdog.limit(self.limits.deadline):
            for _ in range(_REDIRECTS):
                url = self.target.rebase(url)
                self.target.check(url)
                token = self._token(url)
                try:
                    with client.stream(
                        "GET",
                        url,
                        headers=_headers(held, token),
                        extensions={"trace": watchdog.trace},
                    ) as response:
                        self.target.check_peer(response, url)
                        if response.has_redirect_location:
                            where = str(response.headers["location"])
                            url = self.target.join(url, where)
                            continue
                        self._check_status(response, token)
                        yield response
                        return
                except httpx.TransportError as error:
                    reason = type(error).__name__
                    raise _Again(reason) from error
        msg = "redirect loop"
        raise FetchError(msg)

    def _token(self, url: str) -> str:
        """The token for an address: none for one that is not the service's."""
        if self.tokens is None or not (self.target.is_own(url) or self._is_kin(url)):
            return ""
        return self.tokens.current()

    def _is_kin(self, url: str) -> bool:
        """Whether an address is of the same domain as the service, over TLS.

        Whole products and single files are on two hosts of one domain, and which is
        told by the scene: a scene must not be able to send a token elsewhere.
        """
        told, own = urlsplit(url), urlsplit(self.target.base_url)
        domain = (own.hostname or "").partition(".")[2]
        return (
            told.scheme == "https"
            and domain.count(".") > 0
            and (told.hostname or "").endswith(f".{domain}")
        )

    def _check_status(self, response: httpx.Response, token: str) -> None:
        status = response.status_code
        if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            return
        if status == HTTPStatus.UNAUTHORIZED and token and self.tokens:
            self.tokens.refused(token)
            reason = "the token was refused"
            raise _Again(reason)
        if status == HTTPStatus.ACCEPTED:
            msg = "offline: it is being brought from the archive; ask again later"
            raise FetchError(msg, permanent=False)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            reason = "nothing is left where we went on"
            raise _Again(reason, anew=True)
        reason = f"HTTP {status}"
        if status in RETRIED_STATUSES:
            raise _Again(reason, retry_after(response.headers.get("retry-after")))
        raise FetchError(reason, status=status)


def _headers(held: int, token: str) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _suffix(href: str) -> str:
    """The ending of a file's name, where its address tells it."""
    found = re.search(r"\.(jp2|tif|zip)\)?(/\$value)?$", urlsplit(href).path)
    return f".{found[1]}" if found else ""
