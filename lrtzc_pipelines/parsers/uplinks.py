"""LoRaWAN uplinks out of a spool: ChirpStack 3 and 4, The Things Network 3, its log.

One row per uplink, whatever network it came through: same columns, device ids in lower
case hex, decoded values under `object.`. Which gateways heard it, where they are and
what the devices are called is left out: it tells more of places than of measures.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.json_records import as_text, load, read_json
from lrtzc_pipelines.sources.formats import UplinkFormat

Record = dict[str, Any]

COLUMNS = (
    "device_eui",
    "received_at",
    "frame_counter",
    "port",
    "payload",
    "rssi",
    "snr",
    "deduplication_id",
)
"""Columns of every frame; decoded values follow as `object.<name>`."""

_HEX_EUI = re.compile(r"^[0-9a-fA-F]{16}$")
_EUI_BYTES = 8
_DEEPEST = 8
_MOST_VALUES = 200
_MOST_COLUMNS = 1000
_CORRELATIONS = ("ns:uplink:", "as:up:", "gs:uplink:")
"""Ids of an uplink in The Things Stack, the most specific to one uplink first."""


def parse_uplinks(
    body: bytes, label: str, _: UplinkFormat | None = None
) -> pl.DataFrame:
    """The uplinks of a spool file.

    `received_at` is the network's own time; where it gives none, the collector's, and
    then repeats in one file are told by everything else.

    Raises:
        ParseError: a line that is no message of a spool, or whose payload is no uplink
            of a known network; names the line.
    """
    records: list[Record] = []
    timeless: set[tuple[Any, ...]] = set()
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{label}: line {number}"
        fields = load(line, where)
        for record in read_uplinks(_payload(fields, where), where):
            if record["received_at"] is None:
                seen = tuple(sorted(record.items(), key=lambda item: item[0]))
                if seen in timeless:
                    continue
                timeless.add(seen)
                record["received_at"] = _text(fields, "received_at", where)
            records.append(record)
    names = dict.fromkeys([*COLUMNS, *(name for record in records for name in record)])
    if len(names) > _MOST_COLUMNS:
        msg = f"{label}: {len(names)} columns, more than {_MOST_COLUMNS}"
        raise ParseError(msg)
    return pl.DataFrame(records, schema=dict.fromkeys(names, pl.String))


def read_uplinks(payload: bytes, label: str) -> list[Record]:
    """The uplinks in one payload, by column, as text; mostly one.

    `received_at` is None where the network gives no time.

    Raises:
        ParseError: not JSON, or of no known network.
    """
    document = read_json(payload, label)
    messages = document if isinstance(document, list) else [document]
    return [_record(message, label) for message in messages]


def _payload(fields: Record, where: str) -> bytes:
    if "payload_base64" in fields:
        msg = f"{where}: its payload is no JSON"
        raise ParseError(msg)
    return _text(fields, "payload", where).encode()


def _text(fields: Record, name: str, where: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        msg = f"{where}: not a message of a spool: no {name}"
        raise ParseError(msg)
    return value


def _record(message: object, label: str) -> Record:
    """One row of text, from the first shape that the message has."""
    if not isinstance(message, dict):
        msg = f"{label}: an uplink is a JSON object"
        raise ParseError(msg)
    for keys, read in _SHAPES.items():
        if message.keys() >= set(keys):
            return _finished(read(message, label), label)
    msg = f"{label}: no uplink of a known network (ChirpStack 3 or 4, TTN 3)"
    raise ParseError(msg)


def _chirpstack_4(message: Record, label: str) -> Record:
    device = _object(message, "deviceInfo", label)
    return {
        "device_eui": device.get("devEui"),
        "received_at": message.get("time"),
        "frame_counter": message.get("fCnt", 0),
        "port": message.get("fPort"),
        "payload": message.get("data"),
        **_strongest(message.get("rxInfo"), "snr"),
        "deduplication_id": message.get("deduplicationId"),
        "object": message.get("object"),
    }


def _chirpstack_3(message: Record, label: str) -> Record:
    decoded = message.get("object")
    written = message.get("objectJSON")
    if decoded is None and isinstance(written, str) and written:
        decoded = read_json(written.encode(), f"{label}: objectJSON")
    gateways = message.get("rxInfo")
    times = [
        gateway["time"]
        for gateway in (gateways if isinstance(gateways, list) else [])
        if isinstance(gateway, dict) and isinstance(gateway.get("time"), str)
    ]
    return {
        "device_eui": message.get("devEUI"),
        "received_at": message.get("publishedAt") or min(times, default=None),
        "frame_counter": message.get("fCnt", 0),
        "port": message.get("fPort"),
        "payload": message.get("data"),
        **_strongest(gateways, "loRaSNR"),
        "object": decoded,
    }


def _things_network(message: Record, label: str) -> Record:
    device = _object(message, "end_device_ids", label)
    uplink = _object(message, "uplink_message", label)
    return {
        "device_eui": device.get("dev_eui"),
        "received_at": uplink.get("received_at") or message.get("received_at"),
        # Protocol buffers written as JSON leave out a zero.
        "frame_counter": uplink.get("f_cnt", 0),
        "port": uplink.get("f_port"),
        "payload": uplink.get("frm_payload"),
        **_strongest(uplink.get("rx_metadata"), "snr"),
        "deduplication_id": _correlation(message.get("correlation_ids")),
        "object": uplink.get("decoded_payload"),
    }


def _log_entry(message: Record, _label: str) -> Record:
    return {
        "device_eui": message.get("dev_eui"),
        "received_at": message.get("ts"),
        "frame_counter": message.get("fcnt"),
        "port": message.get("port"),
        "payload": message.get("payload"),
        "rssi": message.get("rssi"),
        "snr": message.get("snr"),
        "deduplication_id": message.get("msg_id"),
        "object": message.get("decoded_payload"),
    }


_SHAPES = {
    ("deviceInfo", "rxInfo"): _chirpstack_4,
    ("devEUI", "fCnt"): _chirpstack_3,
    ("end_device_ids", "uplink_message"): _things_network,
    ("dev_eui", "fcnt"): _log_entry,
}
"""How to read a message, by keys that only uplinks of this network have."""


def _object(message: Record, name: str, label: str) -> Record:
    value = message.get(name)
    if not isinstance(value, dict):
        msg = f"{label}: {name} is no object"
        raise ParseError(msg)
    return value


def _strongest(gateways: object, snr: str) -> Record:
    """Strength of the signal at the gateway that heard it best."""
    heard = [
        gateway
        for gateway in (gateways if isinstance(gateways, list) else [])
        if isinstance(gateway, dict) and _is_number(gateway.get("rssi"))
    ]
    if not heard:
        return {"rssi": None, "snr": None}
    best = max(heard, key=lambda gateway: gateway["rssi"])
    return {"rssi": best["rssi"], "snr": best.get(snr)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _correlation(ids: object) -> str | None:
    found = [i for i in ids if isinstance(i, str)] if isinstance(ids, list) else []
    for start in _CORRELATIONS:
        for correlation in found:
            if correlation.startswith(start):
                return correlation
    return None


def _finished(read: Record, label: str) -> Record:
    """A row with its device id in one spelling, and an id that repeats share."""
    decoded = read.pop("object")
    record = {name: as_text(value) for name, value in read.items()}
    record["device_eui"] = _eui(read["device_eui"], label)
    moment = record["received_at"]
    if not record.get("deduplication_id"):
        # Time too: counters start again when a device joins again.
        parts = (record["payload"], record["port"], moment, as_text(decoded))
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
        record["deduplication_id"] = (
            f"{record['device_eui']}-{record['frame_counter']}-{digest}"
        )
    for name, value in _values(decoded, label):
        record[f"object.{name}"] = as_text(value)
    return record


def _eui(value: object, label: str) -> str:
    """A device id as 16 hex digits, from hex or from base64."""
    text = value if isinstance(value, str) else ""
    if _HEX_EUI.match(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _EUI_BYTES:
        msg = f"{label}: an uplink without the id of its device"
        raise ParseError(msg)
    return raw.hex()


def _values(decoded: object, label: str) -> Iterator[tuple[str, Any]]:
    """Decoded values by dotted name; lists, and what lies deep, as JSON text."""
    if not isinstance(decoded, dict):
        if decoded is not None:
            msg = f"{label}: decoded values are no object"
            raise ParseError(msg)
        return
    found = list(_flat(decoded, "", 1))
    if len(found) > _MOST_VALUES:
        msg = f"{label}: {len(found)} decoded values, more than {_MOST_VALUES}"
        raise ParseError(msg)
    yield from found


def _flat(values: Record, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value and depth < _DEEPEST:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value
