"""Rows that were refused, one private Parquet per source, and how people see them.

The file tells, for each row, which rule refused it and why, and the raw page it came
from, so that the row can be found again in bytes that nobody changed. It may hold
personal data: what is shown of it goes through `shown_rows`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import polars as pl

from lrtzc_pipelines.conforming import COLUMN, REASON, RECORD, RULE
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.registry import PAGE, ROW
from lrtzc_pipelines.raw_store import Snapshot
from lrtzc_pipelines.slicing import slices
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.storage import replacing

FILE = "rows.parquet"
HIDDEN = "•••"


def write_quarantine(
    spec: SourceSpec,
    snapshot: Snapshot,
    layout: Layout,
    refused: pl.DataFrame,
    *,
    run_id: str,
) -> None:
    """Replaces a source's quarantine by the rows this validation refused."""
    path = layout.quarantine(*spec.parts) / FILE
    if refused.is_empty():
        path.unlink(missing_ok=True)
        return
    pages = pl.DataFrame(
        {
            "page_name": [page.name for page in snapshot.pages],
            "raw_sha256": [page.sha256 for page in snapshot.pages],
        }
    ).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias(PAGE))
    frame = refused.join(pages, on=PAGE, how="left", maintain_order="left").select(
        pl.lit(spec.id).alias("source_id"),
        pl.lit(snapshot.id).alias("snapshot_id"),
        pl.lit(run_id).alias("run_id"),
        pl.lit(datetime.now(UTC)).alias("quarantined_at"),
        "page_name",
        "raw_sha256",
        pl.col(ROW).alias("row_in_page"),
        RULE,
        COLUMN,
        REASON,
        RECORD,
    )
    with replacing(path) as temporary:
        frame.write_parquet(temporary, compression="zstd")


def read_quarantine(spec: SourceSpec, layout: Layout) -> pl.DataFrame | None:
    """A source's refused rows, as written; None if there are none.

    Those of every day, for a source partitioned by day.
    """
    paths = [layout.quarantine(*part.parts) / FILE for part in slices(spec, layout)]
    found = [pl.read_parquet(path) for path in paths if path.exists()]
    return pl.concat(found) if found else None


def summarize(specs: Iterable[SourceSpec], layout: Layout) -> list[dict[str, Any]]:
    """One entry per source and rule: how many rows, and since which run."""
    entries: list[dict[str, Any]] = []
    for spec in specs:
        frame = read_quarantine(spec, layout)
        if frame is None:
            continue
        counts = frame.group_by("source_id", RULE, COLUMN, REASON).agg(
            pl.len().alias("rows"),
            pl.col("run_id").first(),
            pl.col("snapshot_id").first(),
            pl.col("quarantined_at").max().dt.to_string("iso:strict"),
        )
        entries += counts.sort(RULE, COLUMN).to_dicts()
    return entries


def shown_rows(
    spec: SourceSpec, layout: Layout, *, limit: int, personal: bool = False
) -> list[dict[str, Any]]:
    """Refused rows for a person to read, personal columns hidden unless asked for.

    Args:
        spec: Source.
        layout: Where the quarantine is.
        limit: Rows at most.
        personal: Whether the reader may see personal columns.
    """
    frame = read_quarantine(spec, layout)
    if frame is None:
        return []
    hidden = {
        name
        for column in spec.columns
        if column.is_personal and not personal
        for name in (column.source, column.name)
    }
    rows = []
    for row in frame.head(limit).to_dicts():
        record = json.loads(row[RECORD])
        row[RECORD] = {
            name: HIDDEN if name in hidden else value for name, value in record.items()
        }
        row["quarantined_at"] = row["quarantined_at"].isoformat()
        rows.append(row)
    return rows
