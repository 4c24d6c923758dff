"""A platform of two small sources on a web service that a test changes at will."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines.assembly import build_platform, collect_definitions, load_suites
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.jobs import COLLECT, PROCESS, processed_keys, raw_keys
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.pending import pending_slices
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.run_summary import summarize_sources
from lrtzc_pipelines.runs import run_job
from lrtzc_pipelines.settings import Settings

COUNTS, TREES = "town_counts", "town_trees"
GOOD = "id;count\n" + "".join(f"{n};{n * 10}\n" for n in range(1, 21))


def source(source_id: str) -> dict[str, Any]:
    """A specification, as its YAML says it."""
    column = {"type": "integer", "description": "A column.", "privacy": "keep"}
    return {
        "id": source_id,
        "title": f"Rows of {source_id}",
        "description": "Rows made for these tests, of no town.",
        "producer": "Town",
        "homepage": "https://town.example/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 10,
        "theme": "territory",
        "owner": "team:donnees",
        "endpoint": "town",
        "connector": {"kind": "http_file", "path": f"{source_id}.csv"},
        "format": {"kind": "csv"},
        "cadence": "daily",
        "primary_key": ["id"],
        "freshness_days": 2,
        "raw_retention_days": 30,
        "columns": [
            {"name": "id", "source": "id", "required": True, **column},
            {"name": "count", "source": "count", **column},
        ],
    }


def suite(source_id: str) -> dict[str, Any]:
    """A suite of one expectation, that sets rows aside."""
    return {
        "name": source_id,
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "count", "min_value": 0, "mostly": 0.9},
                "meta": {"check": "count_not_negative", "on_failure": "quarantine"},
                "description": "A count is not negative.",
                "severity": "critical",
            }
        ],
    }


@dataclass
class Files:
    """The service: a file by source; None answers 404."""

    contents: dict[str, str | None]
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        source_id = request.path.removeprefix("/").removesuffix(".csv")
        self.asked.append(source_id)
        body = self.contents[source_id]
        if body is None:
            return Response(status=404)
        mark = f'"{hashlib.sha256(body.encode()).hexdigest()}"'
        if request.headers.get("If-None-Match") == mark:
            return Response(status=304, headers={"ETag": mark})
        return Response(body, headers={"ETag": mark})


@dataclass
class Town:
    """The platform, and what a night does with it."""

    files: Files
    platform: Platform
    suites: dict[str, Suite]
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    @property
    def layout(self) -> Layout:
        return self.platform.layout

    def collect(self) -> dg.ExecuteInProcessResult:
        keys = raw_keys(self.platform.specs)
        return run_job(self.definitions, self.instance, COLLECT, keys=keys)

    def process(self, *source_ids: str) -> dg.ExecuteInProcessResult:
        keys = processed_keys(source_ids)
        return run_job(self.definitions, self.instance, PROCESS, keys=keys)

    @property
    def pending(self) -> list[str]:
        specs = self.platform.specs.values()
        return [p.id for p in pending_slices(specs, self.suites, self.layout)]

    def night(self) -> dict[str, dict[str, Any]]:
        """Collects, processes what waits; what came of each source."""
        events = list(self.collect().all_events)
        if self.pending:
            events += self.process(*self.pending).all_events
        entries = summarize_sources(self.platform.specs, events)
        return {entry["source"]: entry for entry in entries}


@pytest.fixture
def town(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Town]:
    sources, suites = tmp_path / "sources", tmp_path / "suites"
    for folder in (sources, suites):
        folder.mkdir()
    for source_id in (COUNTS, TREES):
        (sources / f"{source_id}.yaml").write_text(yaml.safe_dump(source(source_id)))
        (suites / f"{source_id}.json").write_text(json.dumps(suite(source_id)))
    endpoint = {
        "title": "The town",
        "base_url": httpserver.url_for("/"),
        "requests_per_second": 1000,
        "contact": "donnees@town.example",
    }
    (sources / "endpoints.yaml").write_text(yaml.safe_dump({"town": endpoint}))
    files = Files({COUNTS: GOOD, TREES: GOOD})
    for source_id in files.contents:
        httpserver.expect_request(f"/{source_id}.csv").respond_with_handler(files)
    monkeypatch.setenv("LRTZC_DATA_DIR", str(tmp_path / "data"))
    platform = build_platform(Settings(sources_dir=sources))
    loaded = load_suites(platform, suites)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Town(
            files, platform, loaded, collect_definitions(platform, loaded), instance
        )
