"""What Dagster loads: every asset, job, schedule and sensor of the platform.

Assembly only. `build_definitions` is what tests and the command line call too, so
that what is proven is what runs in production.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.assets.dbt_assets import build_dbt_assets
from lrtzc_pipelines.assets.release_assets import build_release_assets
from lrtzc_pipelines.assets.source_assets import build_source_assets
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.jobs import build_jobs
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.resources.dbt import dbt_resource
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.schedules.cadences import build_schedules
from lrtzc_pipelines.sensors.publishing import build_publish_sensors
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.registry import SOURCES_DIR, SUITES_DIR


def build_definitions(
    settings: Settings,
    *,
    progress: Progress | None = None,
    suites_dir: Path = SUITES_DIR,
) -> dg.Definitions:
    """Every definition, for one data directory.

    Args:
        settings: Environment of the process.
        progress: Who is told how far a run is; nobody by default.
        suites_dir: Where the suites are.

    Raises:
        SpecError: a specification or suite does not load.
    """
    platform = Platform(
        data_dir=str(settings.data_dir),
        sources_dir=str(settings.sources_dir or SOURCES_DIR),
    )
    specs = platform.specs
    models = build_dbt_assets(
        dbt_models.ensure_manifest(
            Layout(settings.data_dir), memory=settings.duckdb_memory
        )
    )
    model_keys = sorted(models.keys)
    *collections, publication = build_jobs(specs.values(), model_keys)
    return dg.Definitions(
        assets=[
            *(
                asset
                for spec in specs.values()
                for asset in build_source_assets(spec, load_suite(spec, suites_dir))
            ),
            models,
            *build_release_assets(model_keys),
        ],
        jobs=[*collections, publication],
        schedules=build_schedules(specs.values()),
        sensors=build_publish_sensors(platform, collections, publication),
        resources={
            "platform": platform,
            "progress": progress or Progress(),
            "dbt": dbt_resource(),
        },
        # A process per step costs 4 to 6 s on two cores, and when its run is killed
        # the step lives on and writes beside the next run: see docs/adr.
        executor=dg.in_process_executor,
    )


defs = build_definitions(Settings())
