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

from lrtzc_pipelines.layout import LAYERS
from lrtzc_pipelines.sources.spec import Cadence, SourceSpec

AssetJob: TypeAlias = Any
"""What `define_asset_job` returns; Dagster does not export its type."""

CANDIDATE = dg.AssetKey(["release", "candidate"])
SITE = dg.AssetKey(["release", "site"])
PUBLISHED = dg.AssetKey(["release", "published"])
"""Assets of the release, in their order."""

COLLECT = "collect"
COLLECT_DAYS = "collect_days"
PROCESS = "process"
PROCESS_DAYS = "process_days"
PUBLISH = "publish"
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


def build_source_jobs(specs: Iterable[SourceSpec]) -> list[AssetJob]:
    """The jobs that collect and process sources; none that would have no asset.

    One collects every source and one those of each cadence, as far as raw. What is
    partitioned by day has jobs of its own, run once for each day.
    """
    every = list(specs)
    whole = [spec for spec in every if not spec.is_daily]
    days = [spec.id for spec in every if spec.is_daily]
    ids = [spec.id for spec in whole]
    jobs = [
        _job(COLLECT, raw_keys(ids), "Collects every source, as far as raw."),
        *(
            _job(
                collect_job_name(cadence),
                raw_keys(spec.id for spec in whole if spec.cadence is cadence),
                f"Collects the sources with cadence {cadence}.",
            )
            for cadence in Cadence
        ),
        _job(PROCESS, processed_keys(ids), "Validates and anonymizes what came."),
        _job(
            COLLECT_DAYS,
            raw_keys(days),
            "Collects one day of every source partitioned by day.",
        ),
        _job(
            PROCESS_DAYS,
            processed_keys(days),
            "Validates and anonymizes what came of one day.",
        ),
    ]
    return [job for job in jobs if job]


def _job(name: str, keys: list[dg.AssetKey], description: str) -> AssetJob | None:
    if not keys:
        return None
    # Two collections that end together must not process one source twice.
    writes = name in {PROCESS, PROCESS_DAYS}
    tags = {_WRITES: "data"} if writes else {}
    return dg.define_asset_job(name, selection=keys, description=description, tags=tags)


def build_publish_job(models: list[dg.AssetKey]) -> AssetJob:
    """The job that builds the warehouse from the given models and publishes it."""
    return dg.define_asset_job(
        PUBLISH,
        selection=[*models, CANDIDATE, SITE, PUBLISHED],
        description="Builds the warehouse aside, checks it and publishes a release.",
        # One publication at a time, whoever asks for it (see dagster.yaml).
        tags={_WRITES: "warehouse"},
    )
