"""Uplinks of each network, as one table; whatever is none is named, never shown."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.collectors.spool import Message
from lrtzc_pipelines.errors import ParseError
from lrtzc_pipelines.parsers.uplinks import COLUMNS, parse_uplinks

REAL = Path(__file__).parents[4] / "shared" / "real" / "sensorthings_lorawan"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EUI = "70b3d57ed0000a01"

CHIRPSTACK_4: dict[str, Any] = {
    "deduplicationId": "3ac7e3c4-0000-4000-8000-000000000001",
    "time": "2026-01-02T03:04:05.123456789+00:00",
    "deviceInfo": {"deviceName": "secret place", "devEui": EUI, "tags": {"a": "b"}},
    "fCnt": 10,
    "fPort": 2,
    "data": "AQI=",
    "object": {"temperature": 20.5, "door": {"open": True, "times": [1, 2]}},
    "rxInfo": [
        {"gatewayId": "0016c001ff000001", "rssi": -97, "snr": 5.5},
        {"gatewayId": "0016c001ff000002", "rssi": -81, "snr": 9},
    ],
}
CHIRPSTACK_3: dict[str, Any] = {
    "applicationName": "secret place",
    "devEUI": EUI.upper(),
    "rxInfo": [
        {"gatewayID": "0016c001ff000001", "time": "2026-01-02T03:04:06Z", "rssi": -70},
        {"time": "2026-01-02T03:04:05Z", "rssi": -99, "loRaSNR": -2},
    ],
    "fCnt": 3,
    "fPort": 1,
    "data": "AQI=",
    "object": {"humidity": 44},
}
THINGS_NETWORK: dict[str, Any] = {
    "end_device_ids": {"device_id": "secret-place", "dev_eui": EUI.upper()},
    "correlation_ids": ["gs:uplink:A", "as:up:B", "ns:uplink:C"],
    "received_at": "2026-01-02T03:04:06Z",
    "uplink_message": {
        "f_port": 5,
        "frm_payload": "AQI=",
        "decoded_payload": {"co2": 500},
        "rx_metadata": [{"gateway_ids": {"eui": "0016C0"}, "rssi": -60, "snr": 9.5}],
        "received_at": "2026-01-02T03:04:05.9Z",
    },
}
LOG: dict[str, Any] = {
    "msg_id": "abc",
    "dev_eui": EUI.upper(),
    "ts": "2026-01-02T03:04:05+00:00",
    "fcnt": 44,
    "port": 33,
    "decoded_payload": {"temperature_1": 27.2},
    "gateway_eui": "B827EB",
    "snr": 9.5,
    "rssi": -63,
    "lat": 46.1,
}


def spooled(*documents: object) -> bytes:
    lines = [
        Message(MOMENT, "t", json.dumps(document).encode()).to_line()
        for document in documents
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def row(document: object) -> dict[str, str | None]:
    (found,) = parse_uplinks(spooled(document), "x").to_dicts()
    return found


def test_an_uplink_of_chirpstack_4() -> None:
    assert row(CHIRPSTACK_4) == {
        "device_eui": EUI,
        "received_at": "2026-01-02T03:04:05.123456789+00:00",
        "frame_counter": "10",
        "port": "2",
        "payload": "AQI=",
        "rssi": "-81",
        "snr": "9",
        "deduplication_id": "3ac7e3c4-0000-4000-8000-000000000001",
        "object.temperature": "20.5",
        "object.door.open": "true",
        "object.door.times": "[1,2]",
    }


def test_an_uplink_of_chirpstack_3() -> None:
    found = row(CHIRPSTACK_3)
    name = found.pop("deduplication_id")
    assert name is not None
    assert name.startswith(f"{EUI}-3-")
    assert found == {
        "device_eui": EUI,
        "received_at": "2026-01-02T03:04:05Z",
        "frame_counter": "3",
        "port": "1",
        "payload": "AQI=",
        "rssi": "-70",
        "snr": None,
        "object.humidity": "44",
    }


def test_an_uplink_of_the_things_network() -> None:
    assert row(THINGS_NETWORK) == {
        "device_eui": EUI,
        "received_at": "2026-01-02T03:04:05.9Z",
        # Left out, as protocol buffers leave out a zero.
        "frame_counter": "0",
        "port": "5",
        "payload": "AQI=",
        "rssi": "-60",
        "snr": "9.5",
        "deduplication_id": "ns:uplink:C",
        "object.co2": "500",
    }


def test_a_list_of_log_entries_is_a_row_each() -> None:
    frame = parse_uplinks(spooled([LOG, {**LOG, "msg_id": "abd"}]), "x")
    assert frame["deduplication_id"].to_list() == ["abc", "abd"]
    assert frame["object.temperature_1"].to_list() == ["27.2", "27.2"]


@pytest.mark.parametrize("document", [CHIRPSTACK_4, CHIRPSTACK_3, THINGS_NETWORK, LOG])
def test_neither_gateways_nor_names_nor_places_come_through(document: object) -> None:
    text = json.dumps(row(document))
    for hidden in ("0016", "B827", "secret", "46.1"):
        assert hidden not in text


def test_a_device_id_in_base64_is_the_same_as_in_hex() -> None:
    coded = base64.b64encode(bytes.fromhex(EUI)).decode()
    assert row({**CHIRPSTACK_3, "devEUI": coded}) == row(CHIRPSTACK_3)


def test_values_written_as_text_are_read() -> None:
    given = {**CHIRPSTACK_3, "object": None, "objectJSON": '{"humidity":44}'}
    assert row(given)["object.humidity"] == "44"


def test_frames_of_several_networks_have_the_same_first_columns() -> None:
    body = spooled(CHIRPSTACK_4, CHIRPSTACK_3, THINGS_NETWORK, [LOG])
    frame = parse_uplinks(body, "x")
    assert tuple(frame.columns[: len(COLUMNS)]) == COLUMNS
    assert set(frame["device_eui"]) == {EUI}
    assert {str(dtype) for dtype in frame.dtypes} == {"String"}


def test_an_empty_file_has_the_columns_and_no_row() -> None:
    assert parse_uplinks(b"", "x").shape == (0, len(COLUMNS))


def test_a_repeat_has_the_same_id_and_another_uplink_another() -> None:
    later = {**CHIRPSTACK_3, "rxInfo": [{"time": "2026-01-03T00:00:00Z", "rssi": -1}]}
    names = [row(d)["deduplication_id"] for d in (CHIRPSTACK_3, CHIRPSTACK_3, later)]
    assert names[0] == names[1] != names[2]


def test_without_a_time_the_collectors_is_taken_and_repeats_are_told() -> None:
    timeless = {**CHIRPSTACK_3, "rxInfo": []}
    late = Message(MOMENT.replace(hour=9), "t", json.dumps(timeless).encode())
    body = spooled(timeless) + f"{late.to_line()}\n".encode()
    (found,) = parse_uplinks(body, "x").to_dicts()
    assert found["received_at"] == MOMENT.isoformat()
    other = spooled(timeless, {**timeless, "fCnt": 4})
    assert parse_uplinks(other, "x").height == 2


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"temperature": 20}, "no uplink of a known network"),
        ({"deviceInfo": {"devEui": EUI}, "level": "ERROR"}, "no uplink"),
        ({"devEUI": EUI, "devAddr": "01020304"}, "no uplink"),
        ([CHIRPSTACK_4, 5], "an uplink is a JSON object"),
        ("text", "an uplink is a JSON object"),
        ({**CHIRPSTACK_4, "deviceInfo": "secret"}, "deviceInfo is no object"),
        ({**CHIRPSTACK_4, "deviceInfo": {}}, "without the id of its device"),
        ({**CHIRPSTACK_3, "devEUI": "secret!"}, "without the id of its device"),
        ({**CHIRPSTACK_4, "object": "secret"}, "decoded values are no object"),
        ({**CHIRPSTACK_4, "object": {str(n): n for n in range(201)}}, "201 decoded"),
        ({**CHIRPSTACK_3, "object": None, "objectJSON": "{secret"}, "objectJSON: not"),
    ],
)
def test_what_is_no_uplink_is_named_by_its_line_and_not_shown(
    document: object, said: str
) -> None:
    body = spooled(CHIRPSTACK_4, document)
    with pytest.raises(ParseError, match=r"^source: page p: line 2: ") as raised:
        parse_uplinks(body, "source: page p")
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"garbage", "not a JSON document"),
        (b"\xff\xfe", "not a JSON document"),
        (b"[]", "expected a JSON object"),
        (b'{"topic":"t"}', "no payload"),
        (b'{"payload":7}', "no payload"),
        (b'{"payload":"{"}', "not a JSON document"),
        (b'{"payload_base64":"AAAA"}', "its payload is no JSON"),
    ],
)
def test_a_line_that_is_no_message_is_named(line: bytes, said: str) -> None:
    body = spooled(CHIRPSTACK_4) + line + b"\n"
    with pytest.raises(ParseError, match=r"^x: line 2: ") as raised:
        parse_uplinks(body, "x")
    assert said in str(raised.value)


def test_too_many_kinds_of_values_are_refused() -> None:
    documents = [
        {**CHIRPSTACK_4, "object": {f"v{n}": 1 for n in range(start, start + 200)}}
        for start in range(0, 1200, 200)
    ]
    with pytest.raises(ParseError, match="columns, more than 1000"):
        parse_uplinks(spooled(*documents), "x")


def test_values_that_lie_deep_stay_text() -> None:
    deep: dict[str, Any] = {"v": 1}
    for _ in range(500):
        deep = {"d": deep}
    (name,) = [n for n in row({**CHIRPSTACK_4, "object": deep}) if "object." in n]
    assert name.count(".") == 8


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [*CHIRPSTACK_4, *CHIRPSTACK_3, *THINGS_NETWORK, *LOG, "objectJSON"]
        ),
        JSON,
    )
)
def test_whatever_comes_is_rows_or_a_refusal(fields: dict[str, Any]) -> None:
    for document in (CHIRPSTACK_4, CHIRPSTACK_3, THINGS_NETWORK, LOG):
        try:
            frame = parse_uplinks(spooled({**document, **fields}), "x")
        except ParseError:
            continue
        assert frame.height == 1
        assert frame["device_eui"].str.contains("^[0-9a-f]{16}$").all()


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_a_real_log_of_the_things_network_is_read() -> None:
    log = json.loads((REAL / "ttn_uplink_log.json").read_text())
    frame = parse_uplinks(spooled(log), "x")
    assert frame.height == len(log)
    for found, entry in zip(frame.to_dicts(), log, strict=True):
        assert found["device_eui"] == entry["dev_eui"].lower()
        assert found["received_at"] == entry["ts"]
        assert found["frame_counter"] == str(entry["fcnt"])
        for name, value in entry["decoded_payload"].items():
            assert float(found[f"object.{name}"]) == value
        assert entry["gateway_eui"] not in json.dumps(found)
        assert "object.lat" not in found
