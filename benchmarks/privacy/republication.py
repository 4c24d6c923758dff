"""Two releases of curves, one before late readings came: what their difference tells.

    python benchmarks/privacy/republication.py [--meters 2000] [--days 7]

A cell is exposed where both releases show it and fewer than eleven meters, but at least
one, are in the difference.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from curves import AREAS, POLICY

from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.releasing import release
from lrtzc_pipelines.sources.columns import Column
from lrtzc_pipelines.sources.spec import SourceSpec

LATE = 0.002
SLOTS_A_DAY = 48


def column(name: str, kind: str, privacy: str, timezone: str | None = None) -> Column:
    """A column of the invented source."""
    return Column.model_validate(
        {
            "name": name,
            "source": name,
            "type": kind,
            "timezone": timezone,
            "description": "A column.",
            "privacy": privacy,
        }
    )


SPEC = SourceSpec.model_construct(
    id="curves",
    protection=POLICY,
    primary_key=("meter", "started_at"),
    columns=(
        column("meter", "text", "subject"),
        column("area", "text", "quasi"),
        column("started_at", "datetime", "quasi", "UTC"),
        column("energy_wh", "number", "sensitive"),
    ),
)


def readings(meters: int, days: int) -> pl.DataFrame:
    """Some days of half-hours of meters in areas."""
    rng = np.random.default_rng(20250801)
    slots = days * SLOTS_A_DAY
    place = rng.integers(AREAS, size=meters)
    start = np.datetime64("2025-06-01T22:00", "us")
    moments = start + np.arange(slots) * np.timedelta64(30, "m")
    return pl.DataFrame(
        {
            "meter": np.repeat(np.arange(meters), slots),
            "area": np.repeat(place, slots),
            "started_at": np.tile(moments.astype("datetime64[us]"), meters),
            "energy_wh": rng.gamma(2, 150, size=meters * slots),
        }
    ).with_columns(
        pl.col("meter", "area").cast(pl.String),
        pl.col("started_at").dt.replace_time_zone("UTC"),
    )


def main() -> None:
    """Prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=7)
    options = parser.parse_args()
    complete = readings(options.meters, options.days)
    rng = np.random.default_rng(7)
    early = complete.filter(pl.Series(rng.random(complete.height) >= LATE))
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as temporary:
        ledgers = [Ledger(Path(temporary) / name, "curves") for name in ("a", "b")]
        started = time.perf_counter()
        first = release(SPEC, early, ledgers[0])
        first.write_down(ledgers[0])
        for with_ledger, ledger in ((False, ledgers[1]), (True, ledgers[0])):
            second = release(SPEC, complete, ledger)
            sides = ["area", "started_at", "area_grain", "started_at_grain"]
            both = first.rows.join(
                second.rows, on=sides, suffix="_after", nulls_equal=True
            )
            more = pl.col("subject_count_after") - pl.col("subject_count")
            exposed = both.filter(more.is_between(1, 10)).height
            print(
                json.dumps(
                    {
                        "ledger": with_ledger,
                        "rows": complete.height,
                        "cells_in_both": both.height,
                        "exposed": exposed,
                        "exposed_share": round(exposed / both.height, 4),
                        "seconds": round(time.perf_counter() - started, 1),
                        **second.report["republication"],
                    }
                )
            )


if __name__ == "__main__":
    main()
