"""Invented uplinks of invented sensors, as a collector would have written them down.

No broker is played: what a night reads is the spool. The file says in its name that it
is invented, and is left out as soon as there is a real one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lrtzc_pipelines.collectors.spool import Message, sealed_files, write_sealed
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sandbox.canary_uplinks import planted_messages
from lrtzc_pipelines.sandbox.draws import AS_OF, chance, generator

COLLECTOR = "lorawan"
DAYS = 3
_EVERY = timedelta(minutes=20)
_REPEATED = 0.02
_LOST = 0.01
_FAULTY = 0.002
_FAULT_CODE = 327.67


@dataclass(frozen=True)
class _Sensor:
    """One invented sensor: its device id, its network and what it measures."""

    eui: str
    network: str
    measures: str


_SENSORS = (
    _Sensor("70b3d57ed0fade01", "chirpstack_4", "air"),
    _Sensor("70b3d57ed0fade02", "chirpstack_4", "air"),
    _Sensor("70b3d57ed0fade03", "chirpstack_3", "air"),
    _Sensor("70b3d57ed0fade04", "chirpstack_3", "energy"),
    _Sensor("70b3d57ed0fade05", "things_network", "energy"),
    _Sensor("70b3d57ed0fade06", "things_network", "water"),
)


def write_spool(data_dir: Path, seed: int, *, canaries: bool = False) -> Path | None:
    """Seals one file of invented uplinks, in place of those of another seed.

    The same seed gives the same file.

    Args:
        data_dir: Data directory.
        seed: Seed of the uplinks.
        canaries: Whether canaries are planted in them.
    """
    folder = Layout(data_dir).spool(COLLECTOR)
    found = planted_messages(messages(seed), seed)[0] if canaries else messages(seed)
    written = write_sealed(folder, found, invented=True)
    for sealed in sealed_files(folder):
        if sealed.invented and sealed.path != written:
            sealed.path.unlink()
    return written


def messages(seed: int) -> list[Message]:
    """Three days of uplinks in the order they came, a few of them twice."""
    every = [
        message
        for sensor in _SENSORS
        for message in _of_sensor(sensor, generator(seed, f"uplinks {sensor.eui}"))
    ]
    return sorted(every, key=lambda message: (message.received_at, message.topic))


def _of_sensor(sensor: _Sensor, rng: np.random.Generator) -> Iterator[Message]:
    start = AS_OF - timedelta(days=DAYS) + timedelta(seconds=int(rng.integers(1200)))
    index = float(rng.uniform(1_000, 90_000))
    for counter in range(int(timedelta(days=DAYS) / _EVERY)):
        moment = start + counter * _EVERY
        index += float(rng.uniform(0, 2))
        decoded = _decoded(sensor.measures, moment, index, rng)
        if chance(rng, _LOST):
            continue
        topic, document = _published(sensor, counter, moment, decoded, rng)
        payload = json.dumps(document, separators=(",", ":")).encode()
        # The broker's clock and the collector's are never quite the network's.
        came = moment + timedelta(milliseconds=int(rng.integers(50, 900)))
        yield Message(came, topic, payload)
        if chance(rng, _REPEATED):
            yield Message(came + timedelta(seconds=2), topic, payload)


def _decoded(
    measures: str, moment: datetime, index: float, rng: np.random.Generator
) -> dict[str, float]:
    battery = round(float(rng.normal(3.3, 0.05)), 2)
    if measures == "energy":
        return {"energy_kwh": round(index, 1), "battery": battery}
    if measures == "water":
        return {"water_m3": round(index / 100, 3), "battery": battery}
    # People are in from 8 to 18 h: warmer, and with more CO2.
    occupied = float(np.clip(np.sin((moment.hour - 7) / 12 * np.pi), 0, 1))
    temperature = 16.5 + 4 * occupied + float(rng.normal(0, 0.3))
    return {
        "temperature": _FAULT_CODE if chance(rng, _FAULTY) else round(temperature, 1),
        "humidity": round(float(np.clip(rng.normal(55, 6), 20, 95)), 1),
        "co2": float(round(420 + 700 * occupied + float(rng.normal(0, 25)))),
        "battery": battery,
    }


def _published(
    sensor: _Sensor,
    counter: int,
    moment: datetime,
    decoded: dict[str, float],
    rng: np.random.Generator,
) -> tuple[str, dict[str, Any]]:
    """Topic and document of an uplink, as the sensor's network publishes it."""
    data = base64.b64encode(rng.bytes(8)).decode()
    rssi, snr = int(rng.integers(-118, -60)), round(float(rng.uniform(-12, 10)), 1)
    mark = rng.bytes(16).hex()
    time = moment.isoformat()
    if sensor.network == "chirpstack_4":
        return f"application/1/device/{sensor.eui}/event/up", {
            "deduplicationId": f"{mark[:8]}-{mark[8:12]}-4{mark[13:16]}-8{mark[17:20]}-"
            f"{mark[20:]}",
            "time": time,
            "deviceInfo": {"devEui": sensor.eui, "deviceName": "capteur inventé"},
            "fCnt": counter,
            "fPort": 2,
            "data": data,
            "object": decoded,
            "rxInfo": [{"gatewayId": "00000000000fade0", "rssi": rssi, "snr": snr}],
        }
    if sensor.network == "chirpstack_3":
        return f"application/7/device/{sensor.eui}/event/up", {
            "deviceName": "capteur inventé",
            "devEUI": base64.b64encode(bytes.fromhex(sensor.eui)).decode(),
            "rxInfo": [{"time": time, "rssi": rssi, "loRaSNR": snr}],
            "fCnt": counter,
            "fPort": 10,
            "data": data,
            "objectJSON": json.dumps(decoded),
        }
    return f"v3/lrtzc@ttn/devices/{sensor.eui}/up", {
        "end_device_ids": {"dev_eui": sensor.eui.upper(), "device_id": "invente"},
        "correlation_ids": [f"gs:uplink:{mark[:26]}", f"ns:uplink:{mark[6:]}"],
        "received_at": (moment + timedelta(milliseconds=40)).isoformat(),
        "uplink_message": {
            **({"f_cnt": counter} if counter else {}),
            "f_port": 1,
            "frm_payload": data,
            "decoded_payload": decoded,
            "rx_metadata": [{"rssi": rssi, "snr": snr}],
            "received_at": time,
        },
    }
