"""From the warehouse that dbt built to the release that people read."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.assets.dbt_assets import WAREHOUSE_POOL
from lrtzc_pipelines.jobs import CANDIDATE, PUBLISHED, SITE
from lrtzc_pipelines.publishing import privacy_manifest, warehouse
from lrtzc_pipelines.publishing.inputs import read_frozen
from lrtzc_pipelines.publishing.release import (
    ReleaseManifest,
    candidate_folder,
    inputs_sha256,
    new_release_id,
    origin_of,
    publish,
    write_manifest,
)
from lrtzc_pipelines.publishing.site import build_site
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress
from lrtzc_pipelines.storage import write_json

_COMMON: dict[str, Any] = {
    "group_name": "release",
    "owners": ["team:donnees"],
    "pool": WAREHOUSE_POOL,
}


def build_release_assets(models: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """Candidate, page and publication, behind the given models."""

    @dg.asset(
        key=CANDIDATE,
        deps=models,
        kinds={"duckdb", "parquet"},
        description=(
            "The released models in one compact DuckDB file and as Parquet, with "
            "dictionary and manifest, not yet visible to readers."
        ),
        **_COMMON,
    )
    def candidate(
        context: dg.AssetExecutionContext, platform: Platform, progress: Progress
    ) -> dg.MaterializeResult:
        progress.step("candidate")
        manifest, folder = _build_candidate(platform, context.run.run_id)
        return dg.MaterializeResult(
            metadata={
                "release": manifest.release_id,
                "dagster/row_count": sum(manifest.tables.values()),
                "tables": manifest.tables,
                "bytes": (folder / warehouse.FILE).stat().st_size,
            },
            data_version=dg.DataVersion(manifest.inputs_sha256),
        )

    @dg.asset(
        key=SITE,
        deps=[CANDIDATE],
        kinds={"html"},
        description="La page publique : chiffres, courbes et carte, en français.",
        **_COMMON,
    )
    def site(
        context: dg.AssetExecutionContext, platform: Platform, progress: Progress
    ) -> dg.MaterializeResult:
        progress.step("site")
        folder = candidate_folder(platform.layout, context.run.run_id)
        page = build_site(folder / warehouse.FILE, folder / "site")
        return dg.MaterializeResult(metadata={"bytes": page.stat().st_size})

    @dg.asset(
        key=PUBLISHED,
        deps=[SITE],
        kinds={"duckdb", "parquet", "html"},
        description=(
            "The release that readers use: checked again, flushed, and switched to in "
            "one rename."
        ),
        **_COMMON,
    )
    def published(
        context: dg.AssetExecutionContext, platform: Platform, progress: Progress
    ) -> dg.MaterializeResult:
        progress.step("published")
        layout = platform.layout
        manifest = publish(
            layout, context.run.run_id, keep=platform.settings.keep_releases
        )
        shutil.rmtree(layout.build / context.run.run_id, ignore_errors=True)
        folder = layout.releases / manifest.release_id
        return dg.MaterializeResult(
            metadata={
                "release": manifest.release_id,
                "origin": manifest.origin,
                "folder": dg.MetadataValue.path(str(folder)),
                "page": dg.MetadataValue.path(str(folder / "site" / "index.html")),
                "dagster/row_count": sum(manifest.tables.values()),
            },
            data_version=dg.DataVersion(manifest.inputs_sha256),
        )

    return [candidate, site, published]


def _build_candidate(platform: Platform, run_id: str) -> tuple[ReleaseManifest, Path]:
    layout, specs = platform.layout, platform.specs
    build = layout.build / run_id
    inputs = read_frozen(build / dbt_models.INPUTS)
    memory = platform.settings.duckdb_memory
    models = dbt_models.ensure_manifest(layout, memory=memory)
    dbt_manifest = json.loads(models.read_text("utf-8"))
    tables = warehouse.released_tables(dbt_manifest)
    warehouse.check_tiers(tables, specs)
    folder = candidate_folder(layout, run_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / warehouse.FILE
    built = build / dbt_models.WAREHOUSE
    counts = warehouse.write_warehouse(built, path, tables, memory=memory)
    now = datetime.now(UTC)
    version = dbt_models.code_version()
    digest = inputs_sha256(inputs, version)
    manifest = ReleaseManifest(
        release_id=new_release_id(now, digest),
        created_at=now.isoformat(timespec="seconds"),
        code_version=version,
        inputs_sha256=digest,
        origin=origin_of(inputs),
        run_id=run_id,
        inputs=inputs,
        tables=counts,
    )
    warehouse.write_meta(
        path,
        release=manifest.model_dump(),
        tables=tables,
        inputs=inputs,
        specs=specs,
    )
    warehouse.export_parquet(path, folder / "parquet", memory=memory)
    released = {source for table in tables for source in table.sources}
    write_json(
        folder / privacy_manifest.FILE,
        privacy_manifest.privacy_manifest(specs, layout, released),
        mode=0o644,
    )
    write_manifest(folder, manifest)
    return manifest, folder
