"""Puts the definitions together: what collects, what publishes, and both.

Assembly only; tests, the command line and Dagster itself call the same functions, so
that what is proven is what runs in production. The two halves load apart, because a
night that brings nothing new needs no dbt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.assets.source_assets import build_source_assets
from lrtzc_pipelines.expectations.suites import Suite, load_suite
from lrtzc_pipelines.jobs import (
    COLLECT_DAYS,
    build_publish_job,
    build_source_jobs,
)
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.resources.collector import Collector, HandedOver
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.schedules.cadences import build_day_schedule, build_schedules
from lrtzc_pipelines.schedules.purging import build_purge_schedule
from lrtzc_pipelines.schedules.retaining import build_retention_schedule
from lrtzc_pipelines.sensors.deposits import build_deposit_sensors
from lrtzc_pipelines.sensors.following import build_following_sensors
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import SOURCES_DIR, SUITES_DIR


def build_platform(settings: Settings) -> Platform:
    """The platform resource of an environment."""
    return Platform(
        data_dir=str(settings.data_dir),
        sources_dir=str(settings.sources_dir or SOURCES_DIR),
    )


def load_suites(platform: Platform, suites_dir: Path = SUITES_DIR) -> dict[str, Suite]:
    """The suite of every source, by source id.

    Raises:
        SpecError: a suite is missing or does not load.
    """
    return {
        source_id: load_suite(spec, suites_dir)
        for source_id, spec in platform.specs.items()
    }


def collect_definitions(
    platform: Platform,
    suites: Mapping[str, Suite],
    *,
    progress: Progress | None = None,
    collector: HandedOver | None = None,
) -> dg.Definitions:
    """Raw, validated and anonymized assets of every source, their jobs and schedules.

    Args:
        platform: Where everything is.
        suites: The suite of each source.
        progress: Who is told how far a run is; nobody by default.
        collector: What was collected already; by default, runs ask the services.

    Raises:
        SpecError: a specification does not load.
    """
    specs = platform.specs
    jobs = build_source_jobs(specs.values())
    return dg.Definitions(
        assets=[
            asset
            for spec in specs.values()
            for asset in build_source_assets(spec, suites[spec.id])
        ],
        jobs=jobs,
        schedules=[
            *build_schedules(specs.values()),
            *(
                build_day_schedule(specs.values(), job)
                for job in jobs
                if job.name == COLLECT_DAYS
            ),
        ],
        resources=_resources(platform, progress, collector),
        # A process per step costs 4 to 6 s on two cores, and when its run is killed
        # the step lives on and writes beside the next run: see docs/adr.
        executor=dg.in_process_executor,
    )


def _resources(
    platform: Platform, progress: Progress | None, collector: HandedOver | None
) -> dict[str, Any]:
    progress = progress or Progress()
    return {
        "platform": platform,
        "progress": progress,
        "collector": collector or Collector(platform=platform, progress=progress),
    }


def publish_definitions(
    platform: Platform, *, progress: Progress | None = None
) -> dg.Definitions:
    """The dbt models, the release behind them, and the job that publishes.

    Raises:
        ReleaseError: the models do not parse.
    """
    # dagster-dbt brings dbt, which takes seconds to import.
    from lrtzc_pipelines.assets.dbt_assets import build_dbt_assets  # noqa: PLC0415
    from lrtzc_pipelines.assets.release_assets import (  # noqa: PLC0415
        build_release_assets,
    )
    from lrtzc_pipelines.resources.dbt import dbt_resource  # noqa: PLC0415

    settings = platform.settings
    manifest = dbt_models.ensure_manifest(
        Layout(Path(platform.data_dir)), memory=settings.duckdb_memory
    )
    models = build_dbt_assets(manifest)
    model_keys = sorted(models.keys)
    return dg.Definitions(
        assets=[models, *build_release_assets(model_keys)],
        jobs=[build_publish_job(model_keys)],
        resources={
            "platform": platform,
            "progress": progress or Progress(),
            "dbt": dbt_resource(),
        },
        executor=dg.in_process_executor,
    )


def build_definitions(
    settings: Settings, *, suites_dir: Path = SUITES_DIR
) -> dg.Definitions:
    """Every definition of the platform, for one data directory.

    Raises:
        SpecError: a specification or suite does not load.
        ReleaseError: the models do not parse.
    """
    platform, progress = build_platform(settings), Progress()
    suites = load_suites(platform, suites_dir)
    collect = collect_definitions(platform, suites, progress=progress)
    publish = publish_definitions(platform, progress=progress)
    jobs = [*(collect.jobs or ()), *(publish.jobs or ())]
    purges = [build_purge_schedule(), build_retention_schedule()]
    resources = {**(collect.resources or {}), **(publish.resources or {})}
    return dg.Definitions(
        assets=[*(collect.assets or ()), *(publish.assets or ())],
        jobs=[*jobs, *(schedule.job for schedule in purges)],
        schedules=[*(collect.schedules or ()), *purges],
        sensors=[
            *build_following_sensors(platform, suites, jobs),
            *build_deposit_sensors(platform, jobs),
        ],
        resources=resources,
        executor=dg.in_process_executor,
    )
