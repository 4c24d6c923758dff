"""What the keys and times of a collection say of its completeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from lrtzc_pipelines.sources.columns import ColumnType
from lrtzc_pipelines.sources.spec import SourceSpec


@dataclass(frozen=True)
class Continuity:
    """What the keys say of a collection's completeness.

    Attributes:
        received: Rows received.
        repeats: Rows that repeat an earlier one exactly.
        conflicts: Rows that repeat a key with other values (quarantined).
        distinct: Distinct keys, quarantined ones included.
        missing_keys: Integers between the smallest and largest key that never came;
            None if the key is not one integer.
        holes: Runs of missing keys.
        longest_gap_hours: Longest time between neighbouring values of the first
            required datetime; None if there is none.
    """

    received: int
    repeats: int
    conflicts: int
    distinct: int
    missing_keys: int | None = None
    holes: int | None = None
    longest_gap_hours: float | None = None


def holes(spec: SourceSpec, rows: pl.DataFrame) -> dict[str, Any]:
    """Missing keys and the longest pause, where the key and a datetime allow it."""
    found: dict[str, Any] = {}
    key = spec.column(spec.primary_key[0])
    if not spec.primary_key[1:] and key.type is ColumnType.INTEGER and rows.height:
        steps = rows[key.name].sort().diff().drop_nulls()
        found["missing_keys"] = int((steps - 1).sum())
        found["holes"] = int((steps > 1).sum())
    moments = [
        c.name for c in spec.columns if c.required and c.type is ColumnType.DATETIME
    ]
    if moments and rows.height > 1:
        gap = rows[moments[0]].sort().diff().dt.total_seconds().max()
        found["longest_gap_hours"] = round(float(str(gap)) / 3600, 2)
    return found
