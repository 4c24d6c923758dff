"""The file of the collectors, and what it may say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lrtzc_pipelines.collectors.admission import problem
from lrtzc_pipelines.collectors.declared import (
    Collector,
    load_collector,
    load_collectors,
)
from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sources.registry import load_endpoints, load_sources

UPLINK = b'{"deviceInfo":{"devEui":"70b3d57ed0000a01"},"rxInfo":[],"fCnt":1}'


def written(folder: Path, **fields: object) -> Path:
    path = folder / "collectors.yaml"
    collector = {"title": "Some sensors", "endpoint": "broker", "topics": ["a/+/b"]}
    path.write_text(yaml.safe_dump({"some": {**collector, **fields}}))
    return path


def collector(**fields: object) -> Collector:
    given = {"id": "some", "title": "Some sensors", "endpoint": "b", "topics": ("a",)}
    return Collector.model_validate({**given, **fields})


def test_every_collector_has_a_broker_and_every_spool_source_a_collector() -> None:
    collectors, endpoints = load_collectors(), load_endpoints()
    for declared in collectors.values():
        assert endpoints[declared.endpoint].base_url.startswith("mqtt")
    spools = [s for s in load_sources().values() if s.connector.kind == "spool"]
    assert spools
    for spec in spools:
        assert spec.connector.kind == "spool"
        named = collectors[spec.connector.collector]
        assert named.endpoint == spec.endpoint
        # What the parser refuses must not come into the spool.
        assert named.payloads == spec.format.kind


@pytest.mark.parametrize("topic", ["", "a/#/b", "a/b#", "a/+b", "a\0b", "a" * 70_000])
def test_a_topic_that_no_broker_takes_is_refused(tmp_path: Path, topic: str) -> None:
    with pytest.raises(SpecError, match="topics"):
        load_collectors(written(tmp_path, topics=["fine/#", topic]))


@pytest.mark.parametrize("topic", ["#", "+", "a/+/b/#", "a//b", "/"])
def test_wildcards_stand_alone_in_their_level(tmp_path: Path, topic: str) -> None:
    loaded = load_collectors(written(tmp_path, topics=[topic]))
    assert loaded["some"].topics == (topic,)


def test_an_unknown_option_or_collector_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"some\.qos: unknown key"):
        load_collectors(written(tmp_path, qos=2))
    with pytest.raises(SpecError, match=r"unknown collector: other \(known: some\)"):
        load_collector("other", written(tmp_path))


def test_the_session_is_named_after_the_collector_unless_it_says_how() -> None:
    assert collector().session == "lrtzc-some"
    assert collector(client_id="second").session == "second"


@pytest.mark.parametrize(
    ("payloads", "payload", "reason"),
    [
        ("uplink", UPLINK, None),
        ("uplink", b"[" + UPLINK + b"]", None),
        ("uplink", b'{"temperature": 20}', "no uplink of a known network"),
        ("uplink", b"20.5", "JSON object"),
        ("json", b'{"temperature": 20}', None),
        ("json", b'{"temperature": NaN}', "not a JSON document"),
        ("json", b'"\xff"', "not a JSON document"),
        ("json", b"", "not a JSON document"),
        ("json", b"[1]", "expected a JSON object"),
        ("json", b"[" * 100_000, "100000 bytes, more than 64 kB"),
        ("json", b"[" * 60_000, "not a JSON document"),
        ("any", b"\xff\x00", None),
        ("any", b"x" * 64_001, "more than 64 kB"),
    ],
)
def test_what_a_collector_takes(
    payloads: str, payload: bytes, reason: str | None
) -> None:
    said = problem(collector(payloads=payloads), payload)
    assert (said is None) == (reason is None)
    assert (reason or "") in (said or "")
