"""Where a connector may go: the operator's address, or a public one it was told of.

A remote answer (redirect, next link, discovery file) may never send a request to a
private address. Only the endpoint's own origin, which the operator configured, is
exempt: that is how the sandbox and an intranet service work.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus, urljoin, urlsplit, urlunsplit

import httpx

from lrtzc_pipelines.errors import (
    LONGEST_SHOWN,
    FetchError,
    SettingsError,
    one_line,
)
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.spec import Endpoint

HIDDEN = "REDACTED"
_SCHEMES = (("http", "https"), ("mqtt", "mqtts"), ("file",))
_KEY_PARAMETER = re.compile(
    r"(?i)\b((?:api[-_]?)?key|token|access_token|password|secret|apikey)=[^&\s\"'<;]+"
)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; equal ones are the same service."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or {"http": 80, "https": 443}.get(scheme, 0)
    return scheme, (parts.hostname or "").lower(), port


@dataclass(frozen=True)
class Target:
    """One endpoint as this process uses it.

    Attributes:
        endpoint_id: Name used in messages and variables.
        base_url: Effective address, override applied.
        declared_url: Address written in the endpoint file.
        requests_per_second: Ceiling kept towards anything but loopback.
        key: The service's key, or an empty string.
        contact: Contact given to outside services.
        consents: File of the consents without which nobody is asked about, for
            services that have personal data; it need not exist.
        data_dir: Data directory, where what comes in by itself waits.
    """

    endpoint_id: str
    base_url: str
    declared_url: str
    requests_per_second: float
    key: str = field(default="", repr=False)
    contact: str = ""
    consents: Path | None = None
    data_dir: Path | None = None

    @property
    def overridden(self) -> bool:
        """Whether an environment variable replaced the declared address."""
        return self.base_url != self.declared_url

    @property
    def is_web(self) -> bool:
        """Whether collecting asks the endpoint; else data come in by themselves."""
        return urlsplit(self.base_url).scheme in {"http", "https"}

    @cached_property
    def is_loopback(self) -> bool:
        """Whether the endpoint lives on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def user_agent(self) -> str:
        """Who asks, and whom to write to."""
        return f"lrtzc_pipelines/0.1 (+{self.contact or 'local sandbox'})"

    def require_contact(self) -> None:
        """Refuses to leave the machine anonymously.

        Raises:
            SettingsError: the endpoint is remote and no contact is set, or the one
                that is set does not fit in a header.
        """
        if self.is_web and not self.is_loopback and not self.contact:
            msg = (
                f"{self.endpoint_id}: set LRTZC_CONTACT to a mail address or page "
                "before asking outside services: they must know whom to write to"
            )
            raise SettingsError(msg)
        if not (self.contact.isascii() and self.contact.isprintable()):
            msg = f"{self.endpoint_id}: LRTZC_CONTACT: plain letters only, no accents"
            raise SettingsError(msg)

    def scrub(self, text: str) -> str:
        """`text` without the endpoint's key or anything that looks like one."""
        for spelling in self._key_spellings:
            text = text.replace(spelling, HIDDEN)
        return _KEY_PARAMETER.sub(rf"\1={HIDDEN}", text)

    def shown(self, text: str, longest: int = LONGEST_SHOWN) -> str:
        """Words or an address from outside, for a message: scrubbed, then cut short."""
        return one_line(self.scrub(text), longest)

    def scrub_bytes(self, body: bytes) -> bytes:
        """`body` without the endpoint's key in any spelling a URL gives it."""
        for spelling in self._key_spellings:
            body = body.replace(spelling.encode(), HIDDEN.encode())
        return body

    @cached_property
    def _key_spellings(self) -> list[str]:
        """The key as URLs write it, plain and as XML writes what URLs hold."""
        spellings = {self.key, quote_plus(self.key)}
        spellings |= {quote(self.key), quote(self.key, safe="")}
        spellings |= {escape(spelling) for spelling in spellings}
        return sorted(spellings - {""}, key=len, reverse=True)

    def join(self, url: str, reference: str) -> str:
        """The address that a service means by `reference` at `url`.

        Raises:
            FetchError: it is no address.
        """
        try:
            joined = urljoin(url, reference)
            origin(joined)
            httpx.URL(joined)
        except (ValueError, httpx.InvalidURL) as error:
            msg = f"{self.endpoint_id}: not an address: {self.shown(reference)}"
            raise FetchError(msg) from error
        return joined

    def rebase(self, url: str) -> str:
        """`url`, moved onto the override if it names the endpoint's declared origin.

        A recorded discovery file names the real service; under an override it must
        lead back to where it was read.
        """
        if not self.overridden or origin(url) != origin(self.declared_url):
            return url
        base = urlsplit(self.base_url)
        return urlunsplit((base.scheme, base.netloc, *urlsplit(url)[2:]))

    def is_own(self, url: str) -> bool:
        """Whether an address is of the endpoint's own origin."""
        return origin(url) == origin(self.base_url)

    def check(self, url: str) -> None:
        """Raises FetchError unless a request to `url` is allowed."""
        if self.is_own(url):
            return
        parts = urlsplit(url)
        if parts.scheme != "https":
            msg = f"{self.endpoint_id}: refused to leave for {self.shown(url)}"
            raise FetchError(msg)
        host = parts.hostname or ""
        try:
            found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            msg = f"{self.endpoint_id}: {self.shown(host)}: cannot be resolved"
            raise FetchError(msg, permanent=False) from error
        for *_, address in found:
            self._check_public(str(address[0]), url)

    def check_peer(self, response: httpx.Response, url: str) -> None:
        """Raises FetchError if a name led to a private address after the check.

        Names can change their address between `check` and the connection, so the
        peer is looked at before its answer is.
        """
        if self.is_own(url):
            return
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream else None
        if peer:
            self._check_public(str(peer[0]), url)

    def _check_public(self, address: str, url: str) -> None:
        ip = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None)
        if not (mapped or ip).is_global or ip.is_multicast:
            msg = (
                f"{self.endpoint_id}: refused {self.shown(url)}: "
                f"it leads to the private address {ip}"
            )
            raise FetchError(msg)


def resolve(endpoint: Endpoint, settings: Settings) -> Target:
    """The endpoint with this process's override, key and contact.

    Raises:
        SettingsError: the override is no address, or the service wants a key, is
            asked at its real address, and none is set.
    """
    base_url = settings.endpoint.get(endpoint.id, endpoint.base_url)
    try:
        scheme, host, _ = origin(base_url)
    except ValueError:
        scheme = host = ""
    # What is asked over the web stays there; a broker is never taken for a page.
    declared = urlsplit(endpoint.base_url).scheme
    schemes = next(group for group in _SCHEMES if declared in group)
    if scheme not in schemes or not (host or scheme == "file"):
        allowed = f"{schemes[0]}(s)" if schemes[1:] else schemes[0]
        msg = f"LRTZC_ENDPOINT__{endpoint.id.upper()}: not an {allowed} address"
        raise SettingsError(msg)
    secret = settings.secret.get(endpoint.id)
    target = Target(
        endpoint_id=endpoint.id,
        base_url=base_url,
        declared_url=endpoint.base_url,
        requests_per_second=endpoint.requests_per_second,
        key=secret.get_secret_value() if secret else "",
        contact=settings.contact,
        consents=Layout(settings.data_dir).consents(endpoint.id),
        data_dir=settings.data_dir,
    )
    if endpoint.key_required and not target.key and not target.overridden:
        msg = (
            f"{endpoint.id}: this service wants a key: "
            f"set LRTZC_SECRET__{endpoint.id.upper()}"
        )
        raise SettingsError(msg)
    return target
