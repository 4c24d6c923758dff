"""Equal data, equal bytes; other data, other bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtzc_pipelines.parsers.canonical import canonical

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
        ("ckan_records", ckan({"a": 1}, {"a": 2}), ckan({"a": 2}, {"a": 1})),
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
