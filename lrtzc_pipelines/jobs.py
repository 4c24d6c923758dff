"""The jobs: collect (per cadence, or all), process and publish.

They are separate runs on purpose. One source that fails or is blocked must not keep
the others from being published, one that is unchanged must not skip the models, and
checks that had nothing to look at must go on showing their last result: within a
single run Dagster would do otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import dagster as dg

from lrtzc_pipelines.sources.spec import Cadence, SourceSpec

AssetJob: TypeAlias = Any
"""What `define_asset_job` returns; Dagster does not export its type."""

CANDIDATE = dg.AssetKey(["release", "candidate"])
SITE = dg.AssetKey(["release", "site"])
PUBLISHED = dg.AssetKey(["release", "published"])
"""Assets of the release, in their order."""

COLLECT = "collect"
PROCESS = "process"
PUBLISH = "publish"
LAYERS = ("raw", "validated", "anonymized")
_WRITES = "writes"


def collect_job_name(cadence: Cadence) -> str:
    """Name of the job that a cadence's schedule runs."""
    return f"{COLLECT}_{cadence}"


def raw_keys(source_ids: Iterable[str]) -> list[dg.AssetKey]:
    """Keys of the raw assets of some sources."""
    return [dg.AssetKey(["raw", source_id]) for source_id in source_ids]


def processed_keys(source_ids: Iterable[str]) -> list[dg.AssetKey]:
    """Keys of the validated and anonymized assets of some sources."""
    return [
        dg.AssetKey([layer, source_id])
        for source_id in source_ids
        for layer in LAYERS[1:]
    ]


def build_collect_jobs(specs: Iterable[SourceSpec]) -> list[AssetJob]:
    """The job that collects every source, and one for each cadence that has any."""
    every = list(specs)
    jobs = [
        dg.define_asset_job(
            COLLECT,
            selection=raw_keys(spec.id for spec in every),
            description="Collects every source, as far as raw.",
        )
    ]
    for cadence in Cadence:
        ids = [spec.id for spec in every if spec.cadence is cadence]
        if ids:
            jobs.append(
                dg.define_asset_job(
                    collect_job_name(cadence),
                    selection=raw_keys(ids),
                    description=f"Collects the sources with cadence {cadence}.",
                )
            )
    return jobs


def build_process_job(specs: Iterable[SourceSpec]) -> AssetJob:
    """The job that validates and anonymizes what raw holds."""
    return dg.define_asset_job(
        PROCESS,
        selection=processed_keys(spec.id for spec in specs),
        description="Validates and anonymizes what was collected.",
        # Two collections that end together must not process one source twice.
        tags={_WRITES: "data"},
    )


def build_publish_job(models: list[dg.AssetKey]) -> AssetJob:
    """The job that builds the warehouse from the given models and publishes it."""
    return dg.define_asset_job(
        PUBLISH,
        selection=[*models, CANDIDATE, SITE, PUBLISHED],
        description="Builds the warehouse aside, checks it and publishes a release.",
        # One publication at a time, whoever asks for it (see dagster.yaml).
        tags={_WRITES: "warehouse"},
    )
