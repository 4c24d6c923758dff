"""Access tokens of the Copernicus Data Space: ten minutes each, renewed in time.

The password comes from the environment, goes to the identity service and nowhere else;
neither it nor a token is ever in a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.http import RETRIED_STATUSES
from lrtzc_pipelines.connectors.opening import open_client
from lrtzc_pipelines.errors import FetchError, SettingsError

_CLIENT = "cdse-public"
_EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


@dataclass
class Tokens:
    """The token of an account; shared by all downloads of a process.

    Attributes:
        target: The identity service, with `user:password` as its key.
        clock: Seconds that pass; replaced in tests.
    """

    target: Target
    clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def current(self) -> str:
        """A token that is good for a while yet.

        Raises:
            SettingsError: there is no account.
            FetchError: the identity service gave none.
        """
        with self._lock:
            if self.clock() >= self._until:
                self._renew()
            return self._token

    def refused(self, token: str) -> None:
        """Notes that a service did not take a token, so that the next is another."""
        with self._lock:
            if token == self._token:
                self._until = 0.0

    def _renew(self) -> None:
        user, _, password = self.target.key.partition(":")
        if not password:
            name = self.target.endpoint_id.upper()
            msg = (
                f"{self.target.endpoint_id}: scenes are fetched with an account: set "
                f"LRTZC_SECRET__{name}=user:password"
            )
            raise SettingsError(msg)
        self.target.require_contact()
        asked = {
            "client_id": _CLIENT,
            "grant_type": "password",
            "username": user,
            "password": password,
        }
        name = self.target.endpoint_id
        try:
            with open_client(self.target) as client:
                answer = client.post(self.target.base_url, data=asked)
        except httpx.HTTPError as error:
            msg = f"{name}: no token: {type(error).__name__}"
            raise FetchError(msg, permanent=False) from None
        if answer.status_code != HTTPStatus.OK:
            msg = f"{name}: no token: HTTP {answer.status_code}"
            passing = answer.status_code in RETRIED_STATUSES
            raise FetchError(msg, permanent=not passing, status=answer.status_code)
        try:
            told = answer.json()
            self._token = str(told["access_token"])
            self._until = self.clock() + float(told["expires_in"]) - _EARLY
        except (KeyError, TypeError, ValueError):
            # The answer may hold a token: it is not in the message, nor behind it.
            msg = f"{name}: no token in the answer"
            raise FetchError(msg) from None
