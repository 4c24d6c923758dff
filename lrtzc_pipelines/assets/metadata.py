"""Metadata that makes the Dagster UI read like a catalogue; never a row's values."""

from __future__ import annotations

from typing import Any

import dagster as dg

from lrtzc_pipelines.sources.columns import Column, ColumnType, Generalize
from lrtzc_pipelines.sources.spec import SourceSpec

AXES = {
    1: "participation citoyenne",
    2: "carbone bleu",
    3: "efficacité du bâti et des réseaux",
    4: "autoconsommation collective",
    5: "nouvelles mobilités",
    6: "transition des entreprises",
    7: "agro-alimentaire",
    8: "tourisme durable",
    9: "coopérative carbone",
    10: "données",
}
"""The ten axes of the programme."""


def source_metadata(spec: SourceSpec) -> dict[str, Any]:
    """What is known of a source before it is collected."""
    return {
        "producer": spec.producer,
        "homepage": dg.MetadataValue.url(spec.homepage),
        "licence": spec.licence,
        "access_tier": str(spec.tier),
        "axis": f"{spec.axis} · {AXES[spec.axis]}",
        "cadence": str(spec.cadence),
        "endpoint": spec.endpoint,
        "protocol": spec.connector.kind,
    }


def source_tags(spec: SourceSpec) -> dict[str, str]:
    """Tags to select a source's assets by."""
    return {
        "cadence": str(spec.cadence),
        "access_tier": str(spec.tier),
        "axis": str(spec.axis),
        "producer": spec.id.partition("_")[0],
    }


def column_schema(columns: tuple[Column, ...]) -> dg.TableSchema:
    """The columns with type, description, unit and privacy rule."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=_TYPE_NAMES[column.type],
                description=_description(column),
                constraints=dg.TableColumnConstraints(nullable=not column.required),
                tags={"privacy": _privacy(column)},
            )
            for column in columns
        ]
    )


def table_metadata(
    columns: tuple[Column, ...], row_count: int, path: str
) -> dict[str, Any]:
    """Row count, schema and place of a written table."""
    return {
        "dagster/row_count": row_count,
        "dagster/column_schema": column_schema(columns),
        "dagster/storage_kind": "parquet",
        "path": dg.MetadataValue.path(path),
    }


_TYPE_NAMES = {
    ColumnType.TEXT: "text",
    ColumnType.INTEGER: "integer",
    ColumnType.NUMBER: "number",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.DATE: "date",
    ColumnType.DATETIME: "datetime (UTC)",
}


def _description(column: Column) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    return f"{column.description}{unit}"


def _privacy(column: Column) -> str:
    return "generalize" if isinstance(column.privacy, Generalize) else column.privacy
