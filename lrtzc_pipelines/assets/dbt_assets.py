"""The dbt models as assets, built into a new file that nobody reads yet."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)

from lrtzc_pipelines import dbt_models
from lrtzc_pipelines.publishing.inputs import freeze_inputs
from lrtzc_pipelines.publishing.release import sweep
from lrtzc_pipelines.resources.dbt import building_in
from lrtzc_pipelines.resources.platform import Platform
from lrtzc_pipelines.resources.progress import Progress

WAREHOUSE_POOL = "warehouse"
"""Pool of one: a DuckDB file takes one writer, and then no reader."""


class ModelTranslator(DagsterDbtTranslator):
    """Names and groups dbt models the way the catalogue shows them."""

    def get_asset_spec(
        self,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: Any,
    ) -> dg.AssetSpec:
        """The model's asset: its layer as key prefix and group, its owner."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest.get("nodes", {}).get(unique_id)
        if node is None:
            return spec
        layer, *rest = node["fqn"][1:-1] or ["reference"]
        group = rest[0] if layer == "marts" and rest else layer
        return spec.replace_attributes(
            group_name=group, owners=["team:donnees"]
        ).merge_attributes(tags={"layer": layer})


def build_dbt_assets(manifest: Path) -> dg.AssetsDefinition:
    """The models of a manifest as one multi-asset.

    They always build together: a release is a function of the anonymized files and
    the code, never a patchwork of nights.
    """

    @dbt_assets(
        manifest=manifest,
        name="warehouse",
        pool=WAREHOUSE_POOL,
        dagster_dbt_translator=ModelTranslator(
            settings=DagsterDbtTranslatorSettings(enable_asset_checks=True)
        ),
    )
    def warehouse(
        context: dg.AssetExecutionContext,
        dbt: DbtCliResource,
        platform: Platform,
        progress: Progress,
    ) -> Iterator[Any]:
        progress.step("warehouse")
        run_id = context.run.run_id
        layout = platform.layout
        sweep(layout, keep=_running(context.instance))
        folder = layout.private("build", run_id)
        freeze_inputs(platform.specs, layout, folder / dbt_models.INPUTS)
        with building_in(folder, layout, memory=platform.settings.duckdb_memory):
            target = dbt_models.target_folder(layout)
            build = dbt.cli(["build"], context=context, target_path=target)
            # Waited for first: the iterators below spin while dbt works, which on
            # two cores takes one from it. They then read what it said, and raise if
            # it failed.
            build.is_successful()
            yield from build.stream().fetch_row_counts().fetch_column_metadata()

    return warehouse


def _running(instance: dg.DagsterInstance) -> set[str]:
    unfinished = [
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.CANCELING,
    ]
    runs = instance.get_runs(dg.RunsFilter(statuses=unfinished))
    return {run.run_id for run in runs}
