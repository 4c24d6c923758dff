"""Metering data of consenting households, from a Data Connect gateway.

One request per meter and window, and only for days whose consent is in force. A meter's
number is in the address and in the body; it never is in a message, a stored address or
a page's name, where its place in the file of consents stands for it. Bodies are private
like all raw data.

Where the gateway refuses a meter (403, 404: consent withdrawn, or meter gone), nothing
of that meter is kept in this collection, so that its data leave the validated state;
the refusal is logged and the other meters are read. The collection fails if none is
left. Nothing is asked for "only if it changed": places move when the file is edited,
and what was held might then be another household's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from lrtzc_pipelines.connectors.addresses import HIDDEN
from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    at,
    incomplete_json,
    json_object,
)
from lrtzc_pipelines.connectors.consents import Consent, read_consents
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.errors import FetchError, SettingsError
from lrtzc_pipelines.sources.protocols import LinkyConnector

LONGEST_WINDOW_DAYS = {"consumption_load_curve": 7, "daily_consumption": 365}
"""Most days that one request may span."""

_OK, _REFUSED = 200, (403, 404)
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """The gateway gives nothing of this meter."""


@dataclass(frozen=True)
class _Meter:
    """A meter as it may be asked about and as it may be spoken of."""

    name: str
    consent: Consent = field(repr=False)
    first: date
    after: date

    def windows(self, longest: int) -> Iterator[tuple[date, date]]:
        """The consented days in pieces of at most `longest`, ends excluded."""
        start = self.first
        while start < self.after:
            end = min(start + timedelta(days=longest), self.after)
            yield start, end
            start = end

    def hide(self, text: str) -> str:
        """`text` without the meter's number."""
        return text.replace(self.consent.usage_point_id, HIDDEN)


def pages(connector: LinkyConnector, client: HttpClient, known: Known) -> Pages:  # noqa: ARG001 - places may have moved
    """A page per meter and window, `meter-2-2026-11-01`.

    Raises:
        FetchError: no consent is in force, every meter is refused, the gateway's quota
            is used up, or it answers something else, another meter or other days.
        SettingsError: the consents are absent, not private or not readable.
    """
    _silence_addresses()
    read = 0
    meters = _meters(connector, client)
    for meter in meters:
        try:
            # All of a meter's pages or none: a refusal may come after the first.
            found = list(_pages_of(connector, client, meter))
        except _Refused as refusal:
            _log.warning("%s: %s", client.target.endpoint_id, refusal)
            continue
        read += 1
        yield from found
    if not read:
        msg = f"{client.target.endpoint_id}: all of {len(meters)} meters were refused"
        raise FetchError(msg)


def _silence_addresses() -> None:
    """Keeps the HTTP libraries from logging the addresses they ask."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.getEffectiveLevel(), logging.WARNING))


def _meters(connector: LinkyConnector, client: HttpClient) -> list[_Meter]:
    """The meters whose consent covers some of the days that are asked for."""
    label = client.target.endpoint_id
    if client.target.consents is None:
        msg = f"{label}: no file of consents is set"
        raise SettingsError(msg)
    try:
        start = date.fromisoformat(connector.start)
        end = date.fromisoformat(connector.end)
    except ValueError:
        msg = f"{label}: start and end are to be dates (YYYY-MM-DD)"
        raise FetchError(msg) from None
    meters = [
        _Meter(f"meter-{place}", consent, *within)
        for place, consent in enumerate(read_consents(client.target.consents), start=1)
        if (within := consent.within(start, end))
    ]
    if not meters:
        msg = f"{label}: no consent is in force from {start} to {end}"
        raise FetchError(msg)
    return meters


def _pages_of(
    connector: LinkyConnector, client: HttpClient, meter: _Meter
) -> Iterator[Page]:
    for start, end in meter.windows(LONGEST_WINDOW_DAYS[connector.measure]):
        name = f"{meter.name}-{start}"
        answer = _ask(connector, client, meter, start, end)
        if answer.status in _REFUSED:
            msg = f"{name}: HTTP {answer.status}: refused; nothing of it is kept"
            raise _Refused(msg)
        readings = _readings(client, name, meter, answer)
        _check_days(client, name, readings, start, end)
        yield Page(name, "json", answer, items=len(readings))


def _ask(
    connector: LinkyConnector,
    client: HttpClient,
    meter: _Meter,
    start: date,
    end: date,
) -> Answer:
    """The answer about a window, without the meter's number in its address."""
    number = meter.consent.usage_point_id
    path = f"{connector.measure}/{number}/start/{start}/end/{end}"
    url = at(client.target.base_url, path)
    headers = {"Authorization": client.target.key} if client.target.key else None
    try:
        # A refusal may come as any kind of page, so readings are looked at apart.
        answer = client.get(url, headers=headers, accept=(_OK, *_REFUSED))
        if answer.status == _OK and incomplete_json(answer.body):
            answer = client.get(url, headers=headers, fault=incomplete_json)
    except FetchError as error:
        # Not chained: the cause has the address too.
        message = meter.hide(str(error))
        raise FetchError(message, permanent=error.permanent) from None
    return replace(answer, url=meter.hide(answer.url))


def _readings(
    client: HttpClient, name: str, meter: _Meter, answer: Answer
) -> list[dict[str, Any]]:
    """The readings in an answer.

    Raises:
        FetchError: there are none in it, or they are another meter's.
    """
    label = f"{client.target.endpoint_id}: {name}"
    document = json_object(client, name, answer.body)
    if document.get("quota_reached") is True:
        msg = f"{label}: the gateway's daily quota is used up"
        raise FetchError(msg, permanent=False)
    reading = document.get("meter_reading")
    readings = reading.get("interval_reading") if isinstance(reading, dict) else None
    if not isinstance(reading, dict) or not isinstance(readings, list):
        msg = f"{label}: the answer has no meter_reading.interval_reading"
        raise FetchError(msg)
    if reading.get("usage_point_id") != meter.consent.usage_point_id:
        msg = f"{label}: the readings are of another meter"
        raise FetchError(msg)
    return readings


def _check_days(
    client: HttpClient, name: str, readings: list[Any], start: date, end: date
) -> None:
    """Raises FetchError if a reading is of a day that was not asked for.

    Nobody consented to those. Steps are stamped at their end, so the last one of the
    last day carries the day after it.
    """
    first, last = start.isoformat(), end.isoformat()
    for place, reading in enumerate(readings, start=1):
        stamp = reading.get("date") if isinstance(reading, dict) else None
        if not isinstance(stamp, str) or not first <= stamp[: len(first)] <= last:
            msg = (
                f"{client.target.endpoint_id}: {name}: reading {place} "
                "has no date among those asked for"
            )
            raise FetchError(msg)
