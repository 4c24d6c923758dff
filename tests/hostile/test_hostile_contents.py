"""Files of the right format that hold what no reader expects: text, JSON and tables.

Each ends in data that are exactly what the bytes say, or in one clear error.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from contents import File, read, refused
from google.transit import gtfs_realtime_pb2 as realtime

from lrtzc_pipelines.spreadsheets import without_formulas

CSV = File({"kind": "csv"})
UTF_16 = File({"kind": "csv", "encoding": "utf-16"})
JSON = File({"kind": "json"})
NUMBERS = File({"kind": "json"}, types=("text", "number"))
LINES = File({"kind": "json", "lines": True})
FLAT = File({"kind": "json", "flatten": True})
PARQUET = File({"kind": "parquet"})
UPDATES = File(
    {"kind": "gtfs_rt", "entity": "trip_update"}, ("entity_number", "trip_id")
)
ALERTS = File({"kind": "gtfs_rt", "entity": "alert"}, ("alert_id", "header_text"))

FORMULAS = [
    ("=1+1", "@SUM(A1)"),
    ("+1", "-1"),
    ("-2+3", "=cmd|' /C calc'!A0"),
    ("@x", "-"),
]
"""Texts that a spreadsheet would run, or takes for numbers."""

NUMBERS_AS_TEXT = {"+1", "-1"}


def table(*rows: tuple[str, str]) -> bytes:
    return "\n".join([";".join(row) for row in [("row_id", "value"), *rows]]).encode()


def record(value: bytes) -> bytes:
    return b'[{"row_id": "1", "value": ' + value + b"}]"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def wide(columns: int) -> bytes:
    names = [b"row_id", b"value", *(b"c%d" % n for n in range(columns - 2))]
    return b";".join(names) + b"\n" + b";".join([b"1"] * columns)


def parquet(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def with_rows(number: int) -> bytes:
    """A Parquet file whose footer tells so many rows; there is one."""
    good = parquet(row_id=["1"], value=["v"])
    length = struct.unpack("<I", good[-8:-4])[0]
    told, rest = bytearray(), number << 1
    while rest > 127:
        told.append(rest & 127 | 128)
        rest >>= 7
    told.append(rest)
    # Numbers of rows are the only 64-bit fields of the footer that are 1.
    footer = good[-8 - length : -8].replace(b"\x16\x02", b"\x16" + told)
    return good[: -8 - length] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def repeated(text: str, times: int) -> bytes:
    """A Parquet file that holds a long text once and means it so many times."""
    places = pa.array([0] * times, pa.int32())
    texts = pa.DictionaryArray.from_arrays(places, pa.array([text]))
    return parquet(row_id=[str(n) for n in range(times)], value=texts)


def feed(trip: bytes = b"t1", more: bytes = b"") -> bytes:
    message = realtime.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    entity = message.entity.add()
    entity.id = "1"
    entity.trip_update.trip.trip_id = "t1"
    return message.SerializeToString().replace(b"t1", trip) + more


def alert_of(things: int) -> bytes:
    """An alert in so many languages about so many things: rows are their product."""
    message = realtime.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    alert = message.entity.add(id="1").alert
    for number in range(things):
        alert.informed_entity.add(stop_id=f"s{number}")
        alert.header_text.translation.add(text="x", language=f"l{number}")
    return message.SerializeToString()


@pytest.fixture(autouse=True)
def _larger(bounded: Callable[..., None]) -> None:
    bounded(max_bytes=100_000_000, deadline=30.0)


EXACT: dict[str, tuple[File, bytes, list[tuple[Any, ...]]]] = {
    "NUL in CSV": (
        CSV,
        table(("1", "a\0b"), ("\0", "x")),
        [("1", "a\0b"), ("\0", "x")],
    ),
    "formulas in CSV": (CSV, table(*FORMULAS[:3]), FORMULAS[:3]),
    "formulas in JSON": (
        JSON,
        b'[{"row_id": "=1+1", "value": "@SUM(A1)"}]',
        [("=1+1", "@SUM(A1)")],
    ),
    "formulas in Parquet": (
        PARQUET,
        parquet(row_id=["=1+1", "+1"], value=["@SUM(A1)", "-1"]),
        FORMULAS[:2],
    ),
    "line breaks in a cell": (
        CSV,
        b'row_id;value\n1;"a\rb"\n2;"a\r\nb"\n3;"a\n\nb"\n',
        [("1", "a\rb"), ("2", "a\r\nb"), ("3", "a\n\nb")],
    ),
    "quotes by the million": (
        CSV,
        b'row_id;value\n1;"' + b'""' * 1_000_000 + b'"\n',
        [("1", '"' * 1_000_000)],
    ),
    "a mark of the byte order": (CSV, b"\xef\xbb\xbfrow_id;value\n1;v\n", [("1", "v")]),
    "two bytes a letter, as declared": (
        UTF_16,
        "row_id;value\n1;vé\n".encode("utf-16"),
        [("1", "vé")],
    ),
    "letters that go the other way": (
        CSV,
        table(("1", "\u202egnp.exe"), ("2", "a\u2028b")),
        [("1", "\u202egnp.exe"), ("2", "a\u2028b")],
    ),
    "ten thousand columns": (CSV, wide(10_000), [("1", "1")]),
    "a line of fifty megabytes": (
        CSV,
        b"row_id;value\n1;" + b"x" * 50_000_000,
        [("1", "x" * 50_000_000)],
    ),
    "a number of four hundred digits": (JSON, record(b"9" * 400), [("1", "9" * 400)]),
    "a number larger than a machine's": (
        JSON,
        record(b"18446744073709551616"),
        [("1", "18446744073709551616")],
    ),
    "a key twice: the last one counts": (
        JSON,
        record(b'1, "value": 2'),
        [("1", "2")],
    ),
    "a character in two halves": (
        JSON,
        record(b'"\\ud83d\\ude00"'),
        [("1", "\U0001f600")],
    ),
    "NUL in JSON": (JSON, record(b'"a\\u0000b"'), [("1", "a\0b")]),
    "a hundred levels": (JSON, record(nested(100)), [("1", nested(100).decode())]),
    "NUL in a feed": (UPDATES, feed(b"\0\0"), [("1", "\0\0")]),
    "fields of the future in a feed": (
        UPDATES,
        feed(more=b"\xf8\x7f\x01"),
        [("1", "t1")],
    ),
}


@pytest.mark.parametrize(("file", "body", "rows"), EXACT.values(), ids=list(EXACT))
def test_strange_data_are_read_exactly(
    file: File, body: bytes, rows: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    assert read(file, body, tmp_path).rows == rows


GOOD = parquet(row_id=["1"], value=["v"])
REFUSED: dict[str, tuple[File, bytes, str]] = {
    "two bytes a letter, undeclared": (
        CSV,
        table(("1", "v")).decode().encode("utf-16"),
        "is not utf-8",
    ),
    "half a letter": (
        UTF_16,
        table(("1", "v")).decode().encode("utf-16")[:-1],
        "is not utf-16",
    ),
    "half a character in CSV": (CSV, b"row_id;value\n1;\xed\xa0\x80\n", "line 2: byte"),
    "a letter too long": (CSV, b"row_id;value\n1;\xc0\xaf\n", "line 2: byte"),
    "a quote that is not closed": (CSV, b'row_id;value\n1;"v\n2;w\n', "not delimited"),
    "a quote that opens the last cell": (
        CSV,
        b'row_id;value\n1;v\n2;"w',
        "not delimited",
    ),
    "a quote that opens the header": (CSV, b'row_id;"value\n1;v\n', "not delimited"),
    "a wide row": (CSV, b"row_id;value\n1;v;x\n", "not delimited"),
    "a narrow row": (CSV, b"row_id;value\n1\n2;v\n", "fewer values"),
    "lines that only return": (CSV, b"row_id;value\r1;v\r2;w\r", "missing column"),
    "a hundred thousand columns": (CSV, wide(100_000), "too large"),
    "a header of a megabyte": (
        CSV,
        b"x" * 1_000_000 + b";row_id\n1;v\n",
        "missing column",
    ),
    "a long name twice": (
        CSV,
        (b"x" * 100_000 + b";") * 2 + b"row_id\n1;2;3\n",
        "twice",
    ),
    "names with line breaks": (
        JSON,
        b'[{"a\\nb\\u2028c\\u001b[31m": 1}]',
        "missing column",
    ),
    "NaN": (JSON, record(b"NaN"), "NaN is not JSON"),
    "an infinity": (JSON, record(b"-Infinity"), "-Infinity is not JSON"),
    "a number beyond numbers": (JSON, record(b"1e999"), "[Oo]ut of range"),
    "a number far below numbers": (NUMBERS, record(b"-1E+999"), "[Oo]ut of range"),
    "a long number with a point": (JSON, record(b"9" * 400 + b".0"), "[Oo]ut of range"),
    "a number beyond numbers inside": (
        JSON,
        record(b'{"a": [1e999]}'),
        "[Oo]ut of range",
    ),
    "a number of five thousand digits": (JSON, record(b"9" * 5000), "digits"),
    "half a character": (JSON, record(b'"\\ud800"'), "not a JSON document"),
    "half a character in a name": (
        JSON,
        record(b'{"\\udc00": 1}'),
        "not a JSON document",
    ),
    "half a character as bytes": (
        JSON,
        record(b'"\xed\xa0\x80"'),
        "not a JSON document",
    ),
    "half a character in sixteen bits": (
        JSON,
        record(b'"*"')
        .decode()
        .replace("*", "\ud800")
        .encode("utf-16", "surrogatepass"),
        "not a JSON document",
    ),
    "text after the document": (JSON, record(b"1") + b" x", "Extra data"),
    "a hundred thousand levels": (JSON, record(nested(100_000)), "recursion|nested"),
    "a field of its own in each record": (
        JSON,
        b"[" + b",".join(b'{"row_id": 1, "k%d": 1}' % n for n in range(12_000)) + b"]",
        "too large",
    ),
    "a hundred thousand fields": (
        JSON,
        b'[{"row_id": 1, ' + b",".join(b'"k%d": 1' % n for n in range(100_000)) + b"}]",
        "too large",
    ),
    "Parquet that is none": (
        PARQUET,
        b"PAR1" + bytes(range(256)) * 9 + b"PAR1",
        "no Parquet",
    ),
    "Parquet without anything": (PARQUET, b"PAR1PAR1", "no Parquet"),
    "Parquet cut": (PARQUET, GOOD[:-20], "no Parquet"),
    "Parquet without its beginning": (PARQUET, GOOD[20:], "no Parquet"),
    "a footer of four gigabytes": (
        PARQUET,
        GOOD[:-8] + b"\xff" * 4 + b"PAR1",
        "no Parquet",
    ),
    "a footer of nothing": (PARQUET, GOOD[:-8] + bytes(4) + b"PAR1", "no Parquet"),
    "a million millions of rows": (PARQUET, with_rows(10**12), "too large"),
    "more rows than there are": (PARQUET, with_rows(1_000), "1000 in its footer"),
    "ten million times nothing": (
        PARQUET,
        parquet(row_id=pa.nulls(10**7, pa.int64()), value=pa.nulls(10**7, pa.string())),
        "too large",
    ),
    "a long text a hundred thousand times": (
        PARQUET,
        repeated("x" * 10_000, 100_000),
        "too large",
    ),
    "a long list in a cell": (
        PARQUET,
        parquet(row_id=["1"], value=pa.array([[0] * 10**7], pa.list_(pa.int8()))),
        "too large",
    ),
    "bytes that are no text": (
        PARQUET,
        parquet(row_id=["1"], value=[b"\xff\xfe"]),
        "no text",
    ),
    "a feed that is none": (UPDATES, bytes(range(256)) * 9, "not a GTFS-RT"),
    "a feed cut": (UPDATES, feed()[:-2], "not a GTFS-RT"),
    "an entity of two gigabytes": (
        UPDATES,
        feed(more=b"\x12\xff\xff\xff\xff\x07"),
        "not a GTFS-RT",
    ),
    "an entity of more than there is": (
        UPDATES,
        feed(more=b"\x12" + b"\xff" * 9 + b"\x01"),
        "not a GTFS-RT",
    ),
    "groups in groups": (
        UPDATES,
        feed(more=b"\x0b" * 100_000 + b"\x0c" * 100_000),
        "not a GTFS-RT",
    ),
    "a text that is none": (UPDATES, feed(b"\xff\xfe"), "not UTF-8"),
    "JSON in place of a feed": (UPDATES, b'{"header": {}}', "not a GTFS-RT"),
    "an alert about everything in every language": (
        ALERTS,
        alert_of(3_000),
        "MB of text",
    ),
}


@pytest.mark.parametrize(("file", "body", "cause"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_read_exactly_is_refused(
    file: File, body: bytes, cause: str, tmp_path: Path
) -> None:
    assert re.search(cause, refused(file, body, tmp_path))


@pytest.mark.parametrize("depth", [240, 320, 480, 640, 900, 960, 980, 1_200])
@pytest.mark.parametrize("file", [JSON, LINES, FLAT], ids=["whole", "lines", "flat"])
@pytest.mark.parametrize("opens", [b"[", b'{"a":'], ids=["lists", "objects"])
def test_nested_values_are_read_exactly_or_refused(
    opens: bytes, file: File, depth: int, tmp_path: Path
) -> None:
    closes = b"]" if opens == b"[" else b"1" + b"}"
    value = opens * depth + closes[:-1] + closes[-1:] * depth
    line = b'{"row_id":"1","value":' + value + b"}"
    outcome = read(file, line if file is LINES else b"[" + line + b"]", tmp_path)
    if outcome.error is None and not (file is FLAT and opens != b"["):
        assert outcome.rows == [("1", value.decode())]


def test_numbers_that_no_column_can_hold_go_to_quarantine(tmp_path: Path) -> None:
    body = (
        b'[{"row_id": "1", "value": 1' + b"0" * 400 + b'}, {"row_id": "2", "value": 2}]'
    )
    outcome = read(NUMBERS, body, tmp_path)
    assert outcome.rows == [("2", 2.0)]
    assert outcome.conformed is not None
    assert outcome.conformed.refused["column"].to_list() == ["column_1"]


def test_a_million_blank_lines_are_no_rows_to_write_down(tmp_path: Path) -> None:
    message = refused(CSV, table(("1", "v")) + b"\n" * 1_500_000, tmp_path)
    assert re.search(r"\d+ rows that cannot be read as declared", message)


def test_formulas_arrive_unharmed_and_leave_harmless(tmp_path: Path) -> None:
    outcome = read(CSV, table(*FORMULAS), tmp_path)
    kept = tmp_path / "rows.parquet"
    frame = pl.DataFrame(outcome.rows, ["row_id", "value"], orient="row")
    frame.write_parquet(kept)
    found = pl.read_parquet(kept)
    assert found.rows() == FORMULAS
    exported = without_formulas(found).write_csv()
    cells = [cell for line in exported.splitlines()[1:] for cell in line.split(",")]
    assert all(cell[:1] not in "=@+-" or cell in NUMBERS_AS_TEXT for cell in cells)
