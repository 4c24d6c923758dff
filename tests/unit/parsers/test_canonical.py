"""Equal data, equal bytes; other data, other bytes."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from lrtzc_pipelines.parsers import canonical as module
from lrtzc_pipelines.sources.formats import Format

FORMAT: TypeAdapter[Format] = TypeAdapter(Format)


def canonical(kind: str, name: str, body: bytes, **options: Any) -> bytes:
    form = FORMAT.validate_python({"kind": kind, **options})
    return module.canonical(form, name, body)


KINDS = ["larochelle_xml", "ckan_records", "gbfs_stations", "csv", "geojson"]


def xml(data: str, *, request: str = "http://a.fr/?offset=1") -> bytes:
    return (
        f'<?xml version="1.0"?><opendata><request>{request}</request><answer><status>'
        f"code=0 message=Success</status>{data}</answer></opendata>"
    ).encode()


def ckan(*records: dict[str, Any], **result: Any) -> bytes:
    return json.dumps({"result": {**result, "records": records}}).encode()


def gbfs(**document: Any) -> bytes:
    return json.dumps({"data": {"stations": [{"id": "1"}]}, **document}).encode()


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        pytest.param(
            "larochelle_xml",
            xml("<data><row>1</row></data>"),
            xml("<data>\t<row>1</row>\t\t</data>", request="http://b.fr/?key=x"),
            id="echoed address",
        ),
        pytest.param(
            "larochelle_xml", xml("<data></data>"), xml("<data/>"), id="no rows"
        ),
        pytest.param(
            "ckan_records",
            ckan({"_id": 1, "a": 2}, total=9, _links={"next": "/x"}),
            ckan({"a": 2, "_id": 1}, total=10, limit=100),
            id="paging of the portal",
        ),
        pytest.param(
            "gbfs_stations",
            gbfs(last_updated=1, ttl=60),
            gbfs(last_updated="2026-01-01T00:00:00Z", ttl=0),
            id="time of the feed",
        ),
        pytest.param("csv", b"a;b\r\n1;2\r\n", b"a;b\n1;2\n", id="line ends"),
        pytest.param(
            "geojson",
            b'{"type": "FeatureCollection", "features": []}',
            b'{"features":[],\n"type":"FeatureCollection"}',
            id="order and spaces",
        ),
    ],
)
def test_the_same_data_in_another_envelope_are_the_same(
    kind: str, first: bytes, second: bytes
) -> None:
    assert first != second
    assert canonical(kind, "page", first) == canonical(kind, "page", second)


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("larochelle_xml", xml("<data><r>1</r></data>"), xml("<data><r>2</r></data>")),
        ("larochelle_xml", xml("<data><r>1</r></data>"), xml("<data></data>")),
        ("ckan_records", ckan({"a": 1}), ckan({"a": 2})),
        ("ckan_records", ckan({"a": 1}), ckan({"a": None})),
        ("gbfs_stations", gbfs(version="2.3"), gbfs(version="3.0")),
        ("gbfs_stations", gbfs(), gbfs(data={"stations": []})),
        ("csv", b"a;b\n1;2\n", b"a;b\n1;3\n"),
        ("geojson", b'{"features": []}', b'{"features": [1]}'),
    ],
)
def test_other_data_are_different(kind: str, first: bytes, second: bytes) -> None:
    assert canonical(kind, "page", first) != canonical(kind, "page", second)


def test_a_discovery_file_holds_no_data() -> None:
    first, second = gbfs(data={"feeds": []}), gbfs(data={"feeds": [{"name": "x"}]})
    assert canonical("gbfs_stations", "gbfs", first) == canonical(
        "gbfs_stations", "gbfs", second
    )


@given(st.sampled_from(KINDS), st.binary() | st.text().map(str.encode))
def test_any_bytes_have_a_canonical_form(kind: str, body: bytes) -> None:
    assert isinstance(canonical(kind, "page", body), bytes)


@pytest.mark.parametrize("kind", ["ckan_records", "gbfs_stations", "geojson"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b"[1]",
        b'{"result": null}',
        b'{"result": []}',
        b"[" * 100_000,
        b'{"a": "\xe9"}',
        b'{"a": "\\ud800"}',
    ],
)
def test_what_is_not_of_the_format_is_left_to_the_parser(
    kind: str, body: bytes
) -> None:
    assert isinstance(canonical(kind, "page", body), bytes)


ORDERS = {
    "larochelle_xml": (
        xml("<data><row>1</row><row>2</row></data>"),
        xml("<data>\t<row>2</row>\t<row>1</row>\t</data>"),
    ),
    "csv": (b"a;b\r\n1;2\r\n3;4\r\n", b"a;b\n3;4\n1;2\n"),
    "ckan_records": (ckan({"a": 1}, {"a": 2}), ckan({"a": 2}, {"a": 1})),
    "geojson": (
        b'{"features": [{"a": 1}, {"a": 2}]}',
        b'{"features": [{"a":2},{"a":1}]}',
    ),
    "json": (b'[{"a": 1, "b": 2}, {"a": 3}]', b'[{"a":3},{"b":2,"a":1}]'),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_the_order_of_records_is_no_data(kind: str) -> None:
    first, second = ORDERS[kind]
    assert canonical(kind, "page", first) == canonical(kind, "page", second)


def test_a_header_is_no_record() -> None:
    assert canonical("csv", "page", b"b\na") != canonical("csv", "page", b"a\nb")


def test_volatile_keys_are_left_out_wherever_they_are() -> None:
    options = {"records": "results", "volatile": ("_rand", "_score")}
    first = b'{"took": 1, "results": [{"a": 1, "_rand": 5, "b": {"_score": 1}}]}'
    second = b'{"took": 2, "results": [{"a": 1, "_rand": 6, "b": {"_score": 2}}]}'
    other = b'{"took": 2, "results": [{"a": 2, "_rand": 6, "b": {"_score": 2}}]}'
    hashes = [canonical("json", "page", body, **options) for body in (first, second)]
    assert hashes[0] == hashes[1]
    assert canonical("json", "page", other, **options) != hashes[0]


def test_what_records_inherit_is_data() -> None:
    options = {"records": "m.values", "parents": {"meter": "m.id"}}
    bodies = [b'{"m": {"id": %d, "values": [{"v": 1}]}}' % n for n in (1, 2)]
    first, second = (canonical("json", "page", body, **options) for body in bodies)
    assert first != second


def zipped(date: tuple[int, ...], **files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.txt", (*date, 0, 0, 0)), body)
    return buffer.getvalue()


def test_when_and_how_an_archive_was_packed_is_no_data() -> None:
    first = zipped((2026, 1, 1), stops=b"a", trips=b"b")
    second = zipped((2026, 1, 2), trips=b"b", stops=b"a")
    other = zipped((2026, 1, 2), trips=b"b", stops=b"c")
    kind = {"kind": "gtfs", "name": "page", "table": "stops"}
    assert canonical(body=first, **kind) == canonical(body=second, **kind)
    assert canonical(body=first, **kind) != canonical(body=other, **kind)


def test_when_a_file_was_compressed_is_no_data() -> None:
    first, second = (gzip.compress(b"a;b\n1;2\n", mtime=n) for n in (1, 2))
    options = {"compression": "gzip"}
    assert first != second
    assert canonical("csv", "f", first, **options) == canonical(
        "csv", "f", second, **options
    )


def test_an_archive_that_lies_is_compared_by_its_bytes() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stops.txt", bytes(50_000_000))
    kind = {"kind": "gtfs", "name": "page", "table": "stops"}
    assert canonical(body=bomb.getvalue(), **kind) == bomb.getvalue()
