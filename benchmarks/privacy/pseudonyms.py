"""Keyed pseudonyms of identifiers: in memory, and streamed from file to file.

    python benchmarks/privacy/pseudonyms.py [--ids 10000000] [--runs 5]

Each run is a process of its own; `peak_mb` is all of it, `input_mb` what the
identifiers take in memory, `base_mb` the process before it reads them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import runs

from lrtzc_pipelines.privacy.pseudonyms import keyring

SECRET = bytes(range(32)).hex()


def worker(arguments: Sequence[str]) -> None:
    """Pseudonymises a Parquet file of identifiers once."""
    how, source, folder = arguments
    key = keyring(Path(folder), SECRET).key("mobility", "benchmark", "2026")
    made = key.pseudonym(pl.col("id")).alias("pseudonym")
    base = runs.peak_mb()
    if how == "streamed":
        started = time.perf_counter()
        pl.scan_parquet(source).select(made).sink_parquet(Path(folder) / "out.parquet")
        seconds = time.perf_counter() - started
        told = {"base_mb": base}
    else:
        frame = pl.read_parquet(source)
        started = time.perf_counter()
        done = frame.select(made)
        seconds = time.perf_counter() - started
        told = {"base_mb": base, "distinct": done["pseudonym"].n_unique()}
    print(json.dumps({"seconds": seconds, "peak_mb": runs.peak_mb(), **told}))


def main() -> None:
    """Prints JSON."""
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as folder:
        ids = pl.select(
            pl.int_range(options.ids).cast(pl.String).str.zfill(14).alias("id")
        )
        source = str(Path(folder) / "ids.parquet")
        ids.write_parquet(source)
        size = round(ids.estimated_size() / runs.MEGABYTE)
        # What polars itself takes for a string: its view and its bytes.
        in_memory = round(options.ids * (16 + 14) / runs.MEGABYTE)
        del ids
        workers = {
            how: [sys.executable, __file__, "worker", how, source, folder]
            for how in ("in_memory", "streamed")
        }
        found = runs.in_turn(workers, options.runs)
    for how, done in found.items():
        told = done[-1] | runs.medians(done)
        told |= {"input_mb": in_memory, "estimated_mb": size}
        told["ids_per_second"] = round(options.ids / told["seconds"])
        print(json.dumps({"how": how, **told}))


if __name__ == "__main__":
    main()
