"""Canaries in uplinks: payloads, and the names and places that are not even read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lrtzc_pipelines.canaries.invented import (
    PLANTED,
    Canary,
    Draw,
    Invented,
    named,
    number_near,
    word,
)
from lrtzc_pipelines.collectors.spool import Message
from lrtzc_pipelines.sandbox.planting import REFUSED

SOURCE_ID = "lorawan_uplinks"

_LATITUDE = 46.16
_Document = dict[str, Any]


def planted_messages(
    messages: Iterable[Message], seed: int
) -> tuple[list[Message], tuple[Canary, ...]]:
    """The messages with canaries in 64 of them, and what was planted.

    A message that comes twice is planted twice, with the same values. The last ones
    measure a text, so that they are refused.

    Args:
        messages: Messages of a spool.
        seed: Equal seeds plant equal values.
    """
    found = list(messages)
    distinct = list(dict.fromkeys(message.payload for message in found))
    step = len(distinct) // PLANTED
    chosen = distinct[: step * PLANTED : step]
    canaries: list[Canary] = []
    planted: dict[bytes, bytes] = {}
    for number, payload in enumerate(chosen):
        made = _made(seed, number)
        document = json.loads(payload)
        _plant(document, {name: one.value for name, one in made.items()})
        planted[payload] = json.dumps(document, separators=(",", ":")).encode()
        canaries += [
            Canary(SOURCE_ID, name, number, str(one.value), one.parts, _refused(number))
            for name, one in made.items()
        ]
    return (
        [replace(m, payload=planted.get(m.payload, m.payload)) for m in found],
        tuple(canaries),
    )


def _refused(number: int) -> bool:
    return number >= PLANTED - REFUSED


def _made(seed: int, number: int) -> dict[str, Invented]:
    def draw(column: str) -> Draw:
        return Draw(seed, SOURCE_ID, column, number)

    token = word(draw("payload"))
    payload = base64.b64encode(token.encode()).decode()
    made = {
        "payload": Invented(payload, (payload, token)),
        "device name": named(draw("device name")),
        "gateway latitude": number_near(draw("gateway latitude"), _LATITUDE),
    }
    if _refused(number):
        made["object.temperature"] = named(draw("object.temperature"))
    return made


def _plant(document: _Document, values: dict[str, Any]) -> None:
    """Puts values where the network of a message has them."""
    place = {"latitude": values["gateway latitude"]}
    fault = values.get("object.temperature")
    faulty = {} if fault is None else {"temperature": fault}
    if "uplink_message" in document:
        uplink = document["uplink_message"]
        document["end_device_ids"]["device_id"] = values["device name"]
        uplink["frm_payload"] = values["payload"]
        uplink["rx_metadata"][0]["location"] = place
        uplink["decoded_payload"] |= faulty
        return
    document["data"] = values["payload"]
    document["rxInfo"][0]["location"] = place
    if "deviceInfo" in document:
        document["deviceInfo"]["deviceName"] = values["device name"]
        document["object"] |= faulty
    else:
        document["deviceName"] = values["device name"]
        decoded = json.loads(document["objectJSON"]) | faulty
        document["objectJSON"] = json.dumps(decoded)
