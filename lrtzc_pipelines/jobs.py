"""The jobs: collect (per cadence, or all) and publish.

They are separate runs on purpose. One source that fails or is blocked must not keep
the others from being published, and one that is unchanged must not skip the models:
within a single run Dagster would do both.
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
PUBLISH = "publish"
LAYERS = ("raw", "validated", "anonymized")


def collect_job_name(cadence: Cadence) -> str:
    """Name of the job that a cadence's schedule runs."""
    return f"{COLLECT}_{cadence}"


def source_keys(source_id: str) -> list[dg.AssetKey]:
    """Keys of a source's three assets."""
    return [dg.AssetKey([layer, source_id]) for layer in LAYERS]


def build_collect_jobs(specs: Iterable[SourceSpec]) -> list[AssetJob]:
    """The job that collects every source, and one for each cadence that has any."""
    every = list(specs)
    jobs = [
        dg.define_asset_job(
            COLLECT,
            selection=[key for spec in every for key in source_keys(spec.id)],
            description="Collects, validates and anonymizes every source.",
        )
    ]
    for cadence in Cadence:
        keys = [
            key
            for spec in every
            if spec.cadence is cadence
            for key in source_keys(spec.id)
        ]
        if keys:
            jobs.append(
                dg.define_asset_job(
                    collect_job_name(cadence),
                    selection=keys,
                    description=f"Collects the sources with cadence {cadence}.",
                )
            )
    return jobs


def build_publish_job(models: list[dg.AssetKey]) -> AssetJob:
    """The job that builds the warehouse from the given models and publishes it."""
    return dg.define_asset_job(
        PUBLISH,
        selection=[*models, CANDIDATE, SITE, PUBLISHED],
        description="Builds the warehouse aside, checks it and publishes a release.",
        # One publication at a time, whoever asks for it (see dagster.yaml).
        tags={"writes": "warehouse"},
    )
