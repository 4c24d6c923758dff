"""Counts of an Eco-Counter domain: its list of counters, then a request for each.

This is what the public map pages ask; it is undocumented. A count is a list of the day
(month first) and the number, as texts; asked by the hour it still carries only the
day, so that the place of a row in its day is all that tells the hour. Nothing in a
body says which counter it is about: the name of its page does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeGuard
from urllib.parse import quote

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import Known, Page, Pages, at, incomplete_json
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.memo import asked_once
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sources.protocols import EcoCounterConnector

INTERVALS = {"hour": 3, "day": 4}
"""The service's number for each interval."""

_PATH = "pbl/publicwebpageplus"
_PAIR = 2
_BEYOND = 2**63


@dataclass(frozen=True)
class _Counter:
    """A counter and the flows (directions, kinds of users) that it counts."""

    id: int
    flows: tuple[int, ...]


def pages(connector: EcoCounterConnector, client: HttpClient, known: Known) -> Pages:
    """One page of counts per counter, named by its number.

    A domain without counters gives its empty list as the only page.

    Raises:
        FetchError: a date of the source is none, or the service answers something else
            than counters and their counts.
    """
    label = f"{client.target.endpoint_id}: domain {connector.domain}"
    first, last = (_written(label, d) for d in (connector.start, connector.end))
    base = at(client.target.base_url, _PATH)
    listing = asked_once(
        client,
        f"{base}/{quote(connector.domain, safe='')}",
        {"withNull": "true"},
        fault=incomplete_json,
    )
    counters = _counters(label, listing.body)
    if not counters:
        yield Page("counters", "json", listing, items=0)
    for counter in counters:
        name = str(counter.id)
        answer = client.get(
            f"{base}/data/{counter.id}",
            {
                "idOrganisme": connector.domain,
                "idPdc": counter.id,
                "debut": first,
                "fin": last,
                "interval": INTERVALS[connector.interval],
                "flowIds": ";".join(map(str, counter.flows)),
            },
            known=known.get(name),
            fault=incomplete_json,
        )
        yield Page(name, "json", answer, _items(label, known, name, answer))


def _written(label: str, day: str) -> str:
    """A day of the source as the service wants it."""
    try:
        return f"{date.fromisoformat(day):%d/%m/%Y}"
    except ValueError:
        msg = f"{label}: {day!r} is no date (YYYY-MM-DD)"
        raise FetchError(msg) from None


def _counters(label: str, body: bytes) -> list[_Counter]:
    """The counters of a domain, in the order of their numbers."""
    document = json.loads(body)
    if not isinstance(document, list):
        msg = f"{label}: the answer is no list of counters"
        raise FetchError(msg)
    found = {}
    for place, entry in enumerate(document, start=1):
        counter = _counter(entry)
        if counter is None or counter.id in found:
            fault = "is no counter" if counter is None else "comes twice"
            msg = f"{label}: counter {place} of the list {fault}"
            raise FetchError(msg)
        found[counter.id] = counter
    return [found[number] for number in sorted(found)]


def _counter(entry: Any) -> _Counter | None:
    """A counter of the list; None if it is something else."""
    if not isinstance(entry, dict) or not _is_number(entry.get("idPdc")):
        return None
    kinds = entry.get("pratique") or []
    if not isinstance(kinds, list):
        return None
    flows = [kind.get("id") if isinstance(kind, dict) else None for kind in kinds]
    numbers = tuple(flow for flow in flows if _is_number(flow))
    if len(numbers) < len(flows):
        return None
    # Without flows of its own, a counter is its only flow.
    return _Counter(entry["idPdc"], numbers or (entry["idPdc"],))


def _is_number(value: object) -> TypeGuard[int]:
    """Whether a value can be the number of a counter: it becomes part of an address."""
    return (
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _BEYOND
    )


def _items(label: str, known: Known, name: str, answer: Answer) -> int:
    """Number of counts in an answer."""
    if answer.not_modified:
        return known[name].items or 0
    counts = json.loads(answer.body)
    pairs = isinstance(counts, list) and all(
        isinstance(pair, list) and len(pair) == _PAIR for pair in counts
    )
    if not pairs:
        msg = f"{label}: counter {name}: the answer is no list of days and counts"
        raise FetchError(msg)
    return len(counts)
