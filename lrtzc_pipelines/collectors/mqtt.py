"""Listens to an MQTT broker and acknowledges a message only once it is on the disk.

One thread does it all: it reads what the broker has ready, writes that down in one
batch, flushes, and then acknowledges. Whatever ends the process in between, the broker
still holds what was not acknowledged, and sends it again to the same session; what was
written but not acknowledged comes twice, and keys tell that downstream.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from lrtzc_pipelines.collectors.admission import problem
from lrtzc_pipelines.collectors.declared import Collector
from lrtzc_pipelines.collectors.spool import Message, Spool
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.bodies import MEGABYTE
from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.storage import locked

log = logging.getLogger(__name__)

PORTS = {"mqtt": 1883, "mqtts": 8883}
_BATCH = 500
_WAIT_SECONDS = 1.0
_KEEPALIVE_SECONDS = 30
_FORGET_EVERY = timedelta(hours=1)
_REFUSALS = ("bad user name", "not authorized", "identifier", "protocol version")
"""What a broker says, among else, of a client that it will never let in."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Batch:
    """What came and is not written yet: messages, refusals, what to acknowledge."""

    taken: list[Message] = field(default_factory=list)
    refused: list[tuple[Message, str]] = field(default_factory=list)
    unacknowledged: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.taken) + len(self.refused)


@dataclass
class Listener:
    """One collector at work; `run` returns after `stop`.

    Attributes:
        collector: What to listen to.
        target: The broker, with user and password.
        spool: Where messages go; opened, and locked by the caller.
        now: The clock.
        written: Messages written so far.
        refused: Messages kept apart so far.
    """

    collector: Collector
    target: Target
    spool: Spool
    now: Callable[[], datetime] = _now
    written: int = field(init=False, default=0)
    refused: int = field(init=False, default=0)
    _batch: _Batch = field(init=False, default_factory=_Batch)
    _failure: str | None = field(init=False, default=None)
    _connected: bool = field(init=False, default=False)
    _attempts: int = field(init=False, default=0)
    _forgot_at: datetime | None = field(init=False, default=None)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)

    def stop(self, *_: object) -> None:
        """Ends `run` within a second or two; may be called from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Listens until told to stop.

        Raises:
            SettingsError: the broker does not let us in, or not to these topics.
            OSError: the disk refuses; nothing of it was acknowledged.
        """
        client = self._client()
        while not self._stopped.is_set():
            self._tidy()
            if not client.is_connected() and not self._connect(client):
                self._stopped.wait(self._pause())
                continue
            self._turn(client)
            self._check_failure()
        self._write(client)
        _leave(client)

    def _client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.collector.session,
            # The broker keeps what it has for us while we are away.
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.connect_timeout = 10.0
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        scheme = urlsplit(self.target.base_url).scheme
        if scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        elif self.target.key and not self.target.is_loopback:
            msg = (
                f"{self.target.endpoint_id}: a password is not sent without TLS: "
                "give the broker's mqtts:// address"
            )
            raise SettingsError(msg)
        if self.target.key:
            user, _, password = self.target.key.partition(":")
            client.username_pw_set(user, password)
        return client

    def _connect(self, client: Client) -> bool:
        """Whether a connection is there now; refusals are told by `_on_connect`."""
        parts = urlsplit(self.target.base_url)
        try:
            client.connect(
                parts.hostname or "",
                parts.port or PORTS[parts.scheme],
                keepalive=_KEEPALIVE_SECONDS,
            )
            for _ in range(10):
                if client.loop(_WAIT_SECONDS) or client.is_connected():
                    break
        except ssl.SSLCertVerificationError as error:
            msg = f"{self.target.endpoint_id}: {error.verify_message}"
            raise SettingsError(msg) from error
        except OSError as error:
            log.warning("%s: no connection: %s", self.target.endpoint_id, error)
        self._check_failure()
        if not client.is_connected():
            self._attempts += 1
            return False
        self._attempts = 0
        return True

    def _pause(self) -> float:
        """Seconds to wait before the next attempt: longer each time, never equal."""
        longest = min(60.0, 2.0 ** min(self._attempts, 6))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def _turn(self, client: Client) -> None:
        """Reads what is ready; writes once no more is, or the batch is full."""
        before = len(self._batch)
        ended = client.loop(0.0 if before else _WAIT_SECONDS)
        is_quiet = len(self._batch) == before
        if ended or is_quiet or len(self._batch) >= _BATCH:
            self._write(client)

    def _write(self, client: Client) -> None:
        """Writes the batch down, then acknowledges it."""
        batch, self._batch = self._batch, _Batch()
        for message, reason in batch.refused:
            log.warning("%s: a message kept apart: %s", self.collector.id, reason)
            self.spool.refuse(message, reason)
        if batch.taken:
            self.spool.append(batch.taken)
        self.written += len(batch.taken)
        self.refused += len(batch.refused)
        # Without this connection the broker sends them again; their numbers may mean
        # other messages in the next one.
        if client.is_connected():
            for mid, qos in batch.unacknowledged:
                client.ack(mid, qos)

    def _tidy(self) -> None:
        now = self.now()
        sealed = self.spool.seal_if_due(now)
        if sealed:
            log.info("%s: sealed %s", self.collector.id, sealed.name)
        if self._forgot_at is None or now - self._forgot_at >= _FORGET_EVERY:
            self._forgot_at = now
            old = self.spool.forget(now - timedelta(days=self.collector.keep_days))
            if old:
                log.info("%s: %d old files deleted", self.collector.id, len(old))

    def _check_failure(self) -> None:
        if self._failure:
            raise SettingsError(self._failure)

    def _on_connect(
        self, client: Client, _: Any, flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            said = str(reason)
            log.warning("%s: refused: %s", self.target.endpoint_id, said)
            if any(text in said.lower() for text in _REFUSALS):
                variable = f"LRTZC_SECRET__{self.target.endpoint_id.upper()}"
                self._failure = (
                    f"{self.target.endpoint_id}: the broker refuses us: {said} "
                    f"({variable} gives user:password)"
                )
            return
        if self._connected and not flags.session_present:
            log.warning(
                "%s: the broker forgot our session: what it had meanwhile is lost",
                self.target.endpoint_id,
            )
        self._connected = True
        log.info("%s: connected", self.target.endpoint_id)
        client.subscribe([(topic, 1) for topic in self.collector.topics])

    def _on_subscribe(
        self, _client: Client, _: Any, _mid: int, reasons: list[ReasonCode], _p: Any
    ) -> None:
        for topic, reason in zip(self.collector.topics, reasons, strict=False):
            if reason.is_failure:
                self._failure = f"{self.target.endpoint_id}: {topic}: not allowed"
            elif reason.value < 1:
                log.warning("%s: %s: only QoS 0", self.target.endpoint_id, topic)

    def _on_disconnect(
        self, _client: Client, _: Any, _flags: Any, reason: ReasonCode, _p: Any
    ) -> None:
        if not self._stopped.is_set():
            log.warning("%s: connection lost: %s", self.target.endpoint_id, reason)

    def _on_message(self, _client: Client, _: Any, received: MQTTMessage) -> None:
        try:
            topic, reason = received.topic, None
        except UnicodeDecodeError:
            topic, reason = "", "a topic that is no UTF-8"
        message = Message(self.now(), topic, bytes(received.payload))
        reason = reason or problem(self.collector, message.payload)
        if reason:
            self._batch.refused.append((message, reason))
        else:
            self._batch.taken.append(message)
        if received.qos:
            self._batch.unacknowledged.append((received.mid, received.qos))


def _leave(client: Client) -> None:
    """Sends what is still to be sent, and says goodbye."""
    client.disconnect()
    with suppress(OSError):
        for _ in range(5):
            if client.loop(0.2) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                break


@contextmanager
def listening(
    collector: Collector, target: Target, layout: Layout
) -> Iterator[Listener]:
    """A listener on the collector's spool, which no other process may write to.

    Raises:
        Busy: another process listens for this collector already.
        SettingsError: the endpoint is no broker.
    """
    if urlsplit(target.base_url).scheme not in PORTS:
        msg = f"{target.endpoint_id}: not the mqtt(s):// address of a broker"
        raise SettingsError(msg)
    lock = layout.lock(f"listen-{collector.id}")
    with locked(lock, f"the collector {collector.id}"):
        spool = Spool(
            layout.spool(collector.id),
            seal_bytes=int(collector.seal_after_megabytes * MEGABYTE),
            seal_after=timedelta(minutes=collector.seal_after_minutes),
            refused_bytes=collector.refused_megabytes * MEGABYTE,
        )
        spool.open()
        if spool.repaired:
            log.warning("%s: %d torn bytes removed", collector.id, spool.repaired)
        try:
            yield Listener(collector, target, spool)
        finally:
            spool.close()
