"""A night of three sources, the second of which is under attack.

They are collected by the real collector and then processed. Whatever is done to one,
the others come through, and what it held before stays.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import yaml
from services import Asked, Attack, Server, answer, serving, spec_of

from lrtzc_pipelines.assembly import build_platform, collect_definitions, load_suites
from lrtzc_pipelines.jobs import COLLECT, PROCESS, processed_keys, raw_keys
from lrtzc_pipelines.pending import pending_slices
from lrtzc_pipelines.raw_store import RawStore
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.runs import run_job
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.states import DATA

BEFORE, ATTACKED, AFTER = SOURCES = ("town_air", "town_bins", "town_trees")
GOOD = b"row_id\n" + b"".join(b"%d\n" % number for number in range(20))
NEW = GOOD + b"20\n"

ATTACKS: dict[str, Attack] = {
    "nothing": b"",
    "a maintenance page": answer(b"<!DOCTYPE html><html></html>"),
    "a bomb": answer(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"),
    "more than allowed": answer(b"x" * 3_000_000),
    "a redirect inside": answer(b"", "302 Found", Location="https://10.0.0.1/"),
    "a redirect to itself": answer(b"", "302 Found", Location="/town_bins.csv"),
    "a cut": answer(b"row_id\n1", Content_Length="99"),
    "letters of no kind": answer(b"row_id\n\xff\xfe\n"),
    "a quote without an end": answer(b'row_id\n"1\n2\n'),
    "a hundred thousand columns": answer(b";" * 100_000 + b"\n"),
    "another table": answer(b"id;name\n1;v\n"),
    "rows of another type": answer(b"row_id\n" + b"many\n" * 50),
    "busy for a day": answer(b"", "429 Too Many Requests", Retry_After="86400"),
}


@dataclass
class Night:
    """The platform, its service, and what the service does to one source."""

    platform: Platform
    server: Server
    folder: Path
    instance: dg.DagsterInstance
    attack: Attack | None = None

    def respond(self, asked: Asked) -> Attack:
        if self.attack is not None and ATTACKED in asked.path:
            return self.attack
        return answer(NEW if self.attack is not None else GOOD)

    def run(self) -> tuple[dg.ExecuteInProcessResult, dg.ExecuteInProcessResult]:
        """Collects, then processes what waits."""
        suites = load_suites(self.platform, self.folder)
        definitions = collect_definitions(self.platform, suites)
        specs, layout = self.platform.specs, self.platform.layout
        collected = run_job(
            definitions, self.instance, COLLECT, keys=raw_keys(list(specs))
        )
        pending = [p.id for p in pending_slices(specs.values(), suites, layout)]
        keys = processed_keys(pending)
        return collected, run_job(definitions, self.instance, PROCESS, keys=keys)

    def rows(self, source_id: str) -> int:
        """Rows that are ready for the warehouse."""
        folder = self.platform.layout.anonymized(source_id)
        return pl.read_parquet(folder / DATA).height


def write_source(folder: Path, source_id: str) -> None:
    spec = spec_of(
        {"kind": "http_file", "path": f"{source_id}.csv"},
        {"kind": "csv"},
        id=source_id,
        columns=[{"name": "row_id", "source": "row_id", "type": "integer"}],
    )
    told = spec.model_dump(mode="json", exclude_defaults=True)
    (folder / f"{source_id}.yaml").write_text(yaml.safe_dump(told))
    expectation = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "row_id", "min_value": 0},
        "meta": {"check": "not_negative", "on_failure": "report"},
        "description": "A number is not negative.",
        "severity": "warning",
    }
    suite = {"name": source_id, "expectations": [expectation]}
    (folder / "suites" / f"{source_id}.json").write_text(json.dumps(suite))


@pytest.fixture
def night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounded: Callable[..., None]
) -> Iterator[Night]:
    bounded(deadline=2.0)
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path / "data"))
    sources, suites = tmp_path / "sources", tmp_path / "sources" / "suites"
    suites.mkdir(parents=True)
    for source_id in SOURCES:
        write_source(sources, source_id)
    with serving(lambda _: b"") as server, dg.DagsterInstance.ephemeral() as instance:
        endpoint = {
            "title": "The town hall",
            "base_url": server.url,
            "requests_per_second": 1000,
            "contact": "donnees@town.example",
        }
        file = sources / "endpoints.yaml"
        file.write_text(yaml.safe_dump({"town_hall": endpoint}))
        platform = build_platform(Settings(sources_dir=sources))
        night = Night(platform, server, suites, instance)
        server.respond = night.respond
        yield night


def failed(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.step_key or "" for event in result.get_step_failure_events()}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_the_others_come_through(attack: Attack, night: Night) -> None:
    night.run()
    assert [night.rows(source_id) for source_id in SOURCES] == [20, 20, 20]
    night.attack = attack
    collected, processed = night.run()
    assert [night.rows(source_id) for source_id in SOURCES] == [21, 20, 21]
    steps = failed(collected) | failed(processed)
    assert steps
    assert all(ATTACKED in step for step in steps)
    for source_id in (BEFORE, AFTER):
        store = RawStore(night.platform.layout.raw(source_id))
        assert not (store.folder / "refused").exists()
