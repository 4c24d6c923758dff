"""Half-hours of meters into areas and slots, through the aggregate of the product.

    python benchmarks/privacy/curves.py [--meters 2000] [--runs 5]

A year of each meter, in the order they come: meter by meter. Reading is not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
import runs

from lrtzc_pipelines.privacy.aggregates import aggregate
from lrtzc_pipelines.sources.protection import AggregateProtection

SLOTS = 17_520
AREAS = 60
POLICY = AggregateProtection.model_validate(
    {
        "release": "aggregate",
        "source": "The rule of the curves of the platform.",
        "subject": "meter",
        "dimensions": [
            {"name": "area", "column": "area", "description": "Where."},
            {"name": "started_at", "column": "started_at", "description": "When."},
        ],
        "grains": [
            {"area": "value", "started_at": "30m"},
            {"area": "value", "started_at": "1d"},
            {"area": "all", "started_at": "1d"},
        ],
        "measures": [
            {
                "name": "energy_wh",
                "column": "energy_wh",
                "function": "sum",
                "description": "Energy.",
            }
        ],
        "min_subjects": 11,
    }
)


def curves(meters: int, *, shuffled: bool) -> pl.DataFrame:
    """A year of half-hours of some meters, in areas of about as many."""
    rng = np.random.default_rng(1)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    moments = pl.datetime_range(
        start, start.replace(year=2026), "30m", closed="left", eager=True
    )
    place = rng.integers(AREAS, size=meters)
    frame = pl.DataFrame(
        {
            "meter": np.repeat(np.arange(meters, dtype=np.uint32), SLOTS),
            "area": np.repeat(place.astype(np.uint8), SLOTS),
            "started_at": np.tile(moments.to_numpy(), meters),
            "energy_wh": rng.gamma(2, 150, size=meters * SLOTS).astype(np.float32),
        }
    ).with_columns(
        pl.col("started_at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
    return frame.sample(fraction=1, shuffle=True, seed=1) if shuffled else frame


def worker(arguments: Sequence[str]) -> None:
    """Aggregates once and says how long it took."""
    frame = curves(int(arguments[0]), shuffled=arguments[1] == "shuffled")
    started = time.perf_counter()
    done = aggregate(frame, POLICY)
    seconds = time.perf_counter() - started
    told = {
        "rows": frame.height,
        "frame_mb": round(frame.estimated_size() / runs.MEGABYTE),
        "cells": done.cells.height,
        "suppressed": done.suppressed,
    }
    print(json.dumps({"seconds": seconds, "peak_mb": runs.peak_mb(), **told}))


def main() -> None:
    """Prints JSON."""
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    workers = {
        order: [sys.executable, __file__, "worker", str(options.meters), order]
        for order in ("by_meter", "shuffled")
    }
    found = runs.in_turn(workers, options.runs)
    for order, done in found.items():
        told = done[-1] | runs.medians(done)
        told["rows_per_second"] = round(told["rows"] / told["seconds"])
        print(json.dumps({"order": order, **told}))


if __name__ == "__main__":
    main()
