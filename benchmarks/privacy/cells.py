"""A table of establishments: hiding cells, and attacking what is left.

    python benchmarks/privacy/cells.py [--runs 5]

38 sectors by 28 communes, 8,000 establishments; each run has a table of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
import runs

from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_suppression import CellRule, suppress
from lrtzc_pipelines.privacy.cell_tables import UNIT, VALUE, Side, Tables, joint_table

RULE = CellRule(3, 0.85, 0.10, "INSEE, rules of 7 July 1960")


def establishments(seed: int, sectors: int, communes: int, count: int) -> pl.DataFrame:
    """Establishments of very unequal sectors, communes and sizes."""
    rng = np.random.default_rng(seed)
    shares = [rng.dirichlet(np.full(size, 0.5)) for size in (sectors, communes)]
    return pl.DataFrame(
        {
            "sector": rng.choice(sectors, size=count, p=shares[0]),
            "commune": rng.choice(communes, size=count, p=shares[1]),
            UNIT: np.arange(count),
            VALUE: rng.lognormal(1, 1.5, size=count),
        }
    )


def worker(arguments: Sequence[str]) -> None:
    """Protects and attacks one table."""
    seed, sectors, communes, count = map(int, arguments)
    frame = establishments(seed, sectors, communes, count)
    started = time.perf_counter()
    sides = tuple(Side(name, (name,)) for name in ("sector", "commune"))
    table = joint_table([Tables(frame, sides, ({"sector": 0, "commune": 0},))])
    done = suppress(table, RULE)
    protected = time.perf_counter()
    breaches = attack(table, done.all, RULE)
    ended = time.perf_counter()
    alone = Counter(found.attack for found in attack(table, done.primary, RULE))
    told = {
        "protect_seconds": protected - started,
        "attack_seconds": ended - protected,
        "cells": table.count,
        "primary": int(done.primary.sum()),
        "secondary": int(done.secondary.sum()),
        "breaches": len(breaches),
        "breaches_of_primary_alone": dict(alone),
    }
    seconds = ended - started
    print(json.dumps({"seconds": seconds, "peak_mb": runs.peak_mb(), **told}))


def main() -> None:
    """Prints JSON."""
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for shape in ((20, 18, 4_000), (38, 28, 8_000), (38, 28, 1_500)):
        done = [
            runs.run([sys.executable, __file__, "worker", str(s), *map(str, shape)])
            for s in range(options.runs)
        ]
        print(
            json.dumps(
                {
                    "shape": shape,
                    **runs.medians(done),
                    "slowest_seconds": round(max(run["seconds"] for run in done), 2),
                    "primary": [run["primary"] for run in done],
                    "secondary": [run["secondary"] for run in done],
                    "breaches": sum(run["breaches"] for run in done),
                    "breaches_of_primary_alone": [
                        run["breaches_of_primary_alone"] for run in done
                    ],
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
