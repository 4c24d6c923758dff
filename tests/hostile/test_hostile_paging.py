"""Services of many pages that never end, do not add up, or break in the middle.

Each protocol is spoken well but for one thing. What must hold each time is in
`plays.Stage.error`; that the bytes that came are kept, and that services which behave
are read whole, is here.
"""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paged import PROTOCOLS, Protocol, nothing_else
from plays import MOST_REQUESTS, NEVER, Play, stage
from services import SECRET, answer, check_message

from lrtzc_pipelines.errors import FetchError, LrtzcError

Concerned = Callable[[Protocol], bool]
HTML = b"<!DOCTYPE html><html><body>Site en maintenance</body></html>"
NO_END = f"no end after {MOST_REQUESTS} requests"
UNTOLD = r"no total|totalCount|does not count"
RENAMED = "missing column|without id|no list of days"
WORDS = f"internal\\nerror {SECRET} key={SECRET} " + "x" * 5000


@dataclass(frozen=True)
class Misbehaviour:
    """What a service does wrong.

    Attributes:
        play: The service that does it.
        concerns: The protocols in which it can be done.
        cause: What the error says of it, as a regular expression.
        is_silent: Whether it brings no bytes that could be kept.
    """

    play: Callable[[Protocol], Play]
    concerns: Concerned = lambda _: True
    cause: str = ""
    is_silent: bool = False


def is_paged(protocol: Protocol) -> bool:
    return not protocol.is_list


def is_link(protocol: Protocol) -> bool:
    return protocol.is_link


def has_total(protocol: Protocol) -> bool:
    return protocol.has_total


def counts(protocol: Protocol) -> bool:
    """Whether the total is a number, not part of a header with a grammar of its own."""
    return protocol.has_total and protocol.connector["kind"] != "postgrest"


def is_led(protocol: Protocol) -> bool:
    return protocol.is_led


def is_endless_list(protocol: Protocol) -> bool:
    """Whether the list of things is the service's to lengthen."""
    return protocol.is_list and not protocol.is_link


def same_page(total: Any) -> Callable[[Protocol], Play]:
    def play(protocol: Protocol) -> Play:
        first = Play(protocol).right_records(0)
        return Play(protocol, lambda _: first, lambda _: total, last=NEVER)

    return play


def endless(total: Callable[[int], Any]) -> Callable[[Protocol], Play]:
    return lambda protocol: Play(protocol, total=total, last=NEVER)


def announced(total: Any) -> Callable[[Protocol], Play]:
    return lambda protocol: Play(protocol, total=lambda _: total)


def twisted(twist: Callable[[bytes], bytes]) -> Callable[[Protocol], Play]:
    return lambda protocol: Play(protocol, twist=twist)


def instead(body: bytes) -> Callable[[Protocol], Play]:
    return twisted(lambda _: answer(body))


def failing(protocol: Protocol) -> Play:
    body = protocol.failure.format(WORDS, WORDS).encode()
    return Play(protocol, twist=lambda _: answer(body))


def led_by(following: Any) -> Callable[[Protocol], Play]:
    return lambda protocol: Play(protocol, following=following)


def renamed(protocol: Protocol) -> Play:
    right = Play(protocol).right_records

    def records(place: int) -> list[Any]:
        if place != 1:
            return right(place)
        if protocol.form.get("positional"):
            return [{"other": "5"}]
        return [{"other": n, "thing": "v"} for n in (3, 4)]

    return Play(protocol, records)


def body_of(written: bytes) -> bytes:
    return written.partition(b"\r\n\r\n")[2]


def cut(written: bytes) -> bytes:
    return written[:-7]


def cut_before(written: bytes) -> bytes:
    return answer(body_of(written)[:-7])


def cut_packed(written: bytes) -> bytes:
    return answer(gzip.compress(body_of(written))[:-9], Content_Encoding="gzip")


def growing(place: int) -> int:
    return 2 * place + 4


MISBEHAVIOURS = {
    "the same page for ever, without a total": Misbehaviour(
        same_page(None), is_paged, f"again|{UNTOLD}"
    ),
    "the same page for ever, of many": Misbehaviour(
        same_page(10**6), has_total, "again"
    ),
    "the same page as often as announced": Misbehaviour(
        same_page(4), has_total, "again"
    ),
    "new records for ever, without a total": Misbehaviour(
        endless(lambda _: None), is_paged, f"{NO_END}|{UNTOLD}"
    ),
    "new records for ever, of a growing total": Misbehaviour(
        endless(lambda place: 2 * place + 4), has_total, f"{NO_END}|the total went"
    ),
    "a list of things for ever": Misbehaviour(
        endless(lambda _: 1000), is_endless_list, NO_END
    ),
    "more announced than comes": Misbehaviour(announced(7), has_total, "7|no scroll"),
    "less announced than comes": Misbehaviour(announced(3), has_total, "3"),
    "a total of four thousand digits": Misbehaviour(announced(10**4000), counts),
    "a negative total": Misbehaviour(announced(-1), counts),
    "a list where the next page should be": Misbehaviour(led_by([1]), is_led),
    "an object where the next page should be": Misbehaviour(led_by({"a": 1}), is_led),
    "a number where the next page should be": Misbehaviour(led_by(1), is_led),
    "half a character for the next page": Misbehaviour(led_by("\ud800"), is_led),
    "no address for the next page": Misbehaviour(led_by("http://[::1"), is_link),
    "HTML as the second page": Misbehaviour(instead(HTML), cause="HTML"),
    "an error as the second page": Misbehaviour(failing),
    "an empty object as the second page": Misbehaviour(instead(b"{}")),
    "a text as the second page": Misbehaviour(instead(b'"all is well"')),
    "nothing as the second page": Misbehaviour(instead(b""), is_silent=True),
    "other columns on the second page": Misbehaviour(renamed, cause=RENAMED),
    "the second page cut by the network": Misbehaviour(twisted(cut), cause="tries"),
    "the second page cut by the service": Misbehaviour(twisted(cut_before)),
    "the second page cut while packed": Misbehaviour(
        twisted(cut_packed), cause="ended early"
    ),
}
CASES = [
    pytest.param(protocol, misbehaviour, id=f"{name}-{kind}")
    for kind, protocol in PROTOCOLS.items()
    for name, misbehaviour in MISBEHAVIOURS.items()
    if misbehaviour.concerns(protocol)
]


@pytest.fixture(autouse=True)
def _few_requests(bounded: Callable[..., None]) -> None:
    bounded(dataset_requests=MOST_REQUESTS)


@pytest.mark.parametrize("is_held", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_a_service_that_behaves_is_read_whole(
    protocol: Protocol, *, is_held: bool, tmp_path: Path
) -> None:
    with stage(protocol, tmp_path, is_held=is_held) as on_stage:
        found = on_stage.conformed(on_stage.collect())
    rows = 2 if protocol.connector["kind"] == "gbfs" else 4
    assert found.rows["row_id"].to_list() == list(range(1, rows + 1))
    assert found.rows["value"].to_list() == ["v"] * rows
    assert found.refused.is_empty()


@pytest.mark.parametrize("is_held", [False, True], ids=["first", "again"])
@pytest.mark.parametrize(("protocol", "misbehaviour"), CASES)
def test_a_misbehaviour_ends_in_one_clear_error(
    protocol: Protocol, misbehaviour: Misbehaviour, *, is_held: bool, tmp_path: Path
) -> None:
    with stage(protocol, tmp_path, is_held=is_held) as on_stage:
        on_stage.plays(misbehaviour.play(protocol))
        error = on_stage.error()
    assert re.search(misbehaviour.cause, str(error))
    if isinstance(error, FetchError) and not misbehaviour.is_silent:
        assert on_stage.refused


READ_BY_ROW = {
    kind: protocol
    for kind, protocol in PROTOCOLS.items()
    if kind not in {"data_gouv", "gbfs"}
}
"""Protocols whose second page has rows of its own: no catalogue, and no second half."""


@pytest.mark.parametrize("protocol", READ_BY_ROW.values(), ids=list(READ_BY_ROW))
def test_rows_of_other_types_on_the_second_page_go_to_quarantine(
    protocol: Protocol, tmp_path: Path
) -> None:
    right = Play(protocol).right_records

    def records(place: int) -> list[Any]:
        if place != 1:
            return right(place)
        is_list = protocol.form.get("positional")
        keys = ("many", "1e3")
        return [[k, "v"] if is_list else {"row_id": k, "value": "v"} for k in keys]

    with stage(protocol, tmp_path) as on_stage:
        on_stage.plays(Play(protocol, records))
        found = on_stage.conformed(on_stage.collect())
    assert found.rows["row_id"].to_list() == [1, 2]
    assert found.refused["column"].to_list() == ["row_id"] * 2
    assert found.refused["_page"].to_list() == [1, 1]


NESTING = {
    kind: protocol
    for kind, protocol in PROTOCOLS.items()
    if protocol.form["kind"] not in {"larochelle_xml", "csv"}
}


@pytest.mark.parametrize("depth", [20, 240, 320, 480, 600, 900, 980])
@pytest.mark.parametrize("protocol", NESTING.values(), ids=list(NESTING))
def test_nested_values_are_read_as_they_came_or_refused(
    protocol: Protocol, depth: int, tmp_path: Path
) -> None:
    nested = "[" * depth + "]" * depth

    def twist(written: bytes) -> bytes:
        return answer(body_of(written).replace(b'"v"', nested.encode(), 1))

    with stage(protocol, tmp_path) as on_stage:
        on_stage.plays(Play(protocol, twist=twist))
        try:
            found = on_stage.conformed(on_stage.collect())
        except LrtzcError as error:
            check_message(error, protocol.spec)
            assert depth > 200
        else:
            assert nested in found.rows["value"].to_list()


@pytest.mark.parametrize(
    "header",
    [
        b"Last-Modified: \xe9\xff",
        b"Last-Modified: " + b"x" * 50_000,
        b'ETag: "\xe9"',
        b"ETag: " + b"x" * 50_000,
    ],
    ids=["letters in a date", "a long date", "letters in a mark", "a long mark"],
)
@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_what_a_service_says_of_its_version_does_no_harm_the_next_time(
    protocol: Protocol, header: bytes, tmp_path: Path
) -> None:
    def twist(written: bytes) -> bytes:
        return written.replace(b"\r\n", b"\r\n" + header + b"\r\n", 1)

    with stage(protocol, tmp_path) as on_stage:
        on_stage.plays(Play(protocol, twist=twist))
        first = on_stage.conformed(on_stage.collect())
        again = on_stage.conformed(on_stage.collect())
    assert again.rows.equals(first.rows)


DESCRIBED = {
    kind: protocol
    for kind, protocol in PROTOCOLS.items()
    if protocol.other is nothing_else
}
"""Protocols that may ask for more than pages: what is said of the whole dataset."""

ODD = {
    "a list": b"[[]]",
    "a text": b'"x"',
    "nothing": b"null",
    "lists in place of values": b'{"finalizedAt": [], "editingInfo": [], "schema": '
    b'[{"key": []}], "datesDernieresMisesAJourDesDonnees": [{"collection": []}]}',
    "objects in place of values": b'{"finalizedAt": {"a": 1}, "editingInfo": '
    b'{"lastEditDate": {}}, "schema": {}, "datesDernieresMisesAJourDesDonnees": {}}',
    "a number without end": b'{"finalizedAt": %s}' % (b"9" * 4000),
    "half a character": b'{"finalizedAt": "\\ud800", "editingInfo": "\\ud800"}',
    "nine hundred levels": b'{"finalizedAt": ' + b"[" * 900 + b"]" * 900 + b"}",
}


@pytest.mark.parametrize("body", ODD.values(), ids=list(ODD))
@pytest.mark.parametrize("protocol", DESCRIBED.values(), ids=list(DESCRIBED))
def test_what_is_said_of_a_dataset_stops_it_clearly_or_not_at_all(
    protocol: Protocol, body: bytes, tmp_path: Path
) -> None:
    odd = dataclasses.replace(protocol, other=lambda *_: answer(body))
    with stage(odd, tmp_path) as on_stage:
        try:
            found = on_stage.conformed(on_stage.collect())
        except FetchError as error:
            check_message(error, protocol.spec)
        else:
            assert found.rows.height == 4
