"""Every protocol against services that lie, break, stall or attack.

One server answers whatever is asked with the same prepared bytes. What must hold each
time: one clear error that names the service and the cause, no snapshot made of what
came, the bytes kept for a person to look at, no request to anywhere else, and not for
ever.
"""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from services import (
    Attack,
    Server,
    answer,
    blobs,
    check_message,
    serving,
    set_aside,
    spec_of,
    target_of,
)

from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.conforming import conform
from lrtzc_pipelines.errors import FetchError, LrtzcError, ParseError, SchemaError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import parse
from lrtzc_pipelines.raw_store import RawStore, read_pages
from lrtzc_pipelines.sources.formats import FORMATS_OF
from lrtzc_pipelines.sources.spec import SourceSpec

WITHOUT_HTTP = frozenset({"spool", "deposit"})

PROTOCOLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "larochelle_webservice": (
        {"database": "db", "table": "t"},
        {"kind": "larochelle_xml"},
    ),
    "ckan": ({"resource_id": "r"}, {"kind": "ckan_records"}),
    "gbfs": (
        {"feeds": ["station_information", "station_status"]},
        {"kind": "gbfs_stations"},
    ),
    "http_file": ({"path": "file"}, {"kind": "csv"}),
    "ods_v1": ({"dataset": "d"}, {"kind": "json", "records": "records"}),
    "ods": ({"dataset": "d"}, {"kind": "parquet"}),
    "data_fair": ({"dataset": "d(r)"}, {"kind": "json", "records": "results"}),
    "data_gouv": ({"dataset": "d"}, {"kind": "csv"}),
    "wfs": ({"type_name": "ns:t", "sort_by": "id"}, {"kind": "geojson"}),
    "sensorthings": ({"path": "Observations"}, {"kind": "json", "records": "value"}),
    "kuzzle": (
        {"index": "i", "collection": "c"},
        {"kind": "json", "records": "result.hits"},
    ),
    "atmo": ({"path": "api/v2/data"}, {"kind": "geojson"}),
    "arcgis": (
        {"path": "FeatureServer/0", "order_by": "OBJECTID"},
        {"kind": "json", "records": "features"},
    ),
    "linky": (
        {
            "measure": "consumption_load_curve",
            "start": "2026-01-01",
            "end": "2026-01-02",
        },
        {"kind": "json", "records": "meter_reading.interval_reading"},
    ),
    "eco_counter": (
        {"domain": "1", "start": "2026-01-01", "end": "2026-01-02"},
        {"kind": "json", "positional": True},
    ),
    "sirene": ({"query": "x"}, {"kind": "json", "records": "etablissements"}),
    "agence_bio": ({"department": "17"}, {"kind": "json", "records": "items"}),
    "datatourisme": ({}, {"kind": "json", "records": "objects"}),
    "hubeau": ({"path": "api/v2/x"}, {"kind": "json", "records": "data"}),
    "postgrest": ({"path": "t", "order": "id"}, {"kind": "json"}),
    "rnb": ({}, {"kind": "json", "records": "results"}),
}
"""Arguments and format of a source of each protocol that asks a service."""

FILES: dict[str, dict[str, Any]] = {
    "csv": {"kind": "csv"},
    "csv-gzip": {"kind": "csv", "compression": "gzip"},
    "csv-zip": {"kind": "csv", "compression": "zip"},
    "geojson": {"kind": "geojson"},
    "json": {"kind": "json"},
    "jsonl": {"kind": "json", "lines": True},
    "parquet": {"kind": "parquet"},
    "xlsx": {"kind": "xlsx"},
    "gtfs": {"kind": "gtfs", "table": "stops"},
    "gtfs_rt": {"kind": "gtfs_rt", "entity": "trip_update"},
    "netex": {"kind": "netex", "element": "StopPlace"},
    "larochelle_xml": {"kind": "larochelle_xml"},
}
"""Formats of files that are fetched whole."""


def every_way() -> dict[str, SourceSpec]:
    """A source for each protocol, and for each format of a file."""
    found = {
        kind: spec_of({"kind": kind, **arguments}, form)
        for kind, (arguments, form) in PROTOCOLS.items()
        if kind != "http_file"
    }
    file = {"kind": "http_file", "path": "file"}
    return found | {f"file-{name}": spec_of(file, form) for name, form in FILES.items()}


SPECS = every_way()


def drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(1000):
        connection.sendall(b"X-Slow: 1\r\n")
        time.sleep(0.02)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.02)


def say_nothing(connection: socket.socket) -> None:
    connection.settimeout(5)
    connection.recv(1)


HTML = b"<!DOCTYPE html><html><body>Site en maintenance</body></html>"
ERROR = b'{"status": 500, "error": {"message": "internal"}, "errorcode": "X"}'
BOMB = gzip.compress(bytes(30_000_000))
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE o [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><o>&b;</o>'
)
DEEP = b"[" * 100_000
WIDE = b";".join(b"c%d" % n for n in range(10_000)) + b"\n" + b"1;" * 9_999 + b"1\n"

ATTACKS: dict[str, Attack] = {
    "maintenance page with 200": answer(HTML, Content_Type="text/html"),
    "error document with 200": answer(ERROR, Content_Type="application/json"),
    "nothing with 200": answer(b""),
    "spaces with 200": answer(b"  \n \t"),
    "bytes of no text": answer(bytes(range(256)) * 20),
    "text that is not UTF-8": answer("é;à;ü\n1;2;3\n".encode("latin-1") * 9),
    "JSON of a hundred thousand levels": answer(DEEP),
    "entity bomb": answer(ENTITIES, Content_Type="text/xml"),
    "ten thousand columns": answer(WIDE, Content_Type="text/csv"),
    "gzip bomb": answer(BOMB, Content_Encoding="gzip"),
    "gzip cut short": answer(
        gzip.compress(b"a;b\n" * 99)[:-9], Content_Encoding="gzip"
    ),
    "encoding nobody asked for": answer(b"zzzz", Content_Encoding="br"),
    "fewer bytes than announced": answer(b"{", Content_Length="9999"),
    "larger than allowed": answer(b"x" * 3_000_000),
    "redirect into the private network": answer(
        b"", "302 Found", Location="https://10.0.0.1/secret"
    ),
    "redirect to the machine's own metadata": answer(
        b"", "307 Temporary Redirect", Location="http://169.254.169.254/latest/"
    ),
    "redirect to itself": answer(b"", "302 Found", Location="/again"),
    "redirect to a file": answer(b"", "302 Found", Location="file:///etc/passwd"),
    "not found": answer(b"no such thing", "404 Not Found"),
    "forbidden": answer(b"no", "403 Forbidden"),
    "broken for good": answer(b"oops", "500 Internal Server Error"),
    "busy for a day": answer(b"", "429 Too Many Requests", Retry_After="86400"),
    "no HTTP at all": b"220 smtp.example ESMTP\r\n",
    "hung up at once": b"",
    "headers in drops": drip_headers,
    "body in drops": drip_body,
    "silence": say_nothing,
}


def is_without_body(attack: Attack) -> bool:
    """Whether an attack brings no byte that could be kept."""
    if callable(attack):
        return True
    head, _, body = attack.partition(b"\r\n\r\n")
    # A refused status or redirect says all; its body is not read.
    return not body or not head.startswith(b"HTTP/1.1 200") or b": br" in head


@pytest.fixture
def server(
    request: pytest.FixtureRequest, bounded: Callable[..., None]
) -> Iterator[Server]:
    attack = ATTACKS[request.param]
    # An attack on our patience lasts as long as that is.
    bounded(deadline=0.2 if callable(attack) else 5.0)
    with serving(lambda _: attack) as server:
        yield server


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
@pytest.mark.parametrize("server", list(ATTACKS), indirect=True)
def test_an_attack_ends_in_one_clear_error(
    server: Server, spec: SourceSpec, tmp_path: Path
) -> None:
    store = RawStore(Layout(tmp_path).raw(spec.id))
    target = target_of(spec, server.url, tmp_path)
    started = time.monotonic()
    try:
        found = collect(spec, target, store, run_id="r1")
        # What no protocol can tell from data, parser and specification must.
        with pytest.raises((ParseError, SchemaError)) as parsed:
            conform(spec, parse(spec, read_pages(store, found.snapshot)))
        error: LrtzcError = parsed.value
    except FetchError as refused:
        error = refused
        assert store.latest() is None
    assert time.monotonic() - started < 15
    check_message(error, spec)
    assert server.requests
    kept = [*set_aside(store), *blobs(store)]
    # A login's answer is forgotten on purpose: it may hold a token.
    no_bytes = is_without_body(server.respond(server.requests[0]))
    assert kept or no_bytes or spec.connector.kind == "atmo"


def test_no_protocol_is_left_out() -> None:
    assert set(PROTOCOLS) | WITHOUT_HTTP == set(FORMATS_OF)
    assert len(ATTACKS) * len(SPECS) >= 60
