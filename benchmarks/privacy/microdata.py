"""Rows made coarser: the same optimum, how fast, and against whom.

    python benchmarks/privacy/microdata.py                    # Adult, 300,000 rows
    python benchmarks/privacy/microdata.py --rows 3000000 --runs 5

Each run is a process of its own; reading is not counted. The reference libraries live
in environments that are made beside (`--oracles`). No package index has ARX: it is
compared with only where a command is given that runs it (`--arx "java -cp …"`), takes
the CSV, k and the limit, and prints `{"seconds": …, "suppressed": …}`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import adult
import polars as pl
import runs

from lrtzc_pipelines.privacy.hierarchies import from_rows
from lrtzc_pipelines.privacy.measures import measure
from lrtzc_pipelines.privacy.microdata import Requirements, protect

K = 10
NEAR = 1e-9


def worker(arguments: Sequence[str]) -> None:
    """Protects a Parquet file and says how long it took and what it cost."""
    source, levels_file, search, limit, target = arguments
    frame = pl.read_parquet(source, columns=adult.QUASI)
    levels = json.loads(Path(levels_file).read_text())
    hierarchies = [from_rows(n, levels[n], nulls=False) for n in adult.QUASI]
    required = Requirements(
        K,
        suppression_limit=float(limit),
        search="greedy" if search == "greedy" else "optimal",
    )
    started = time.perf_counter()
    done = protect(frame, hierarchies, required)
    seconds = time.perf_counter() - started
    texts = done.rows.select(pl.col(adult.QUASI).cast(pl.String))
    texts.group_by(adult.QUASI).len().sort(adult.QUASI).write_csv(
        target, include_header=False
    )
    told = {"suppressed": done.suppressed, "levels": done.levels, "loss": done.loss}
    print(json.dumps({"seconds": seconds, "peak_mb": runs.peak_mb(), **told}))


def measuring(arguments: Sequence[str]) -> None:
    """Measures a CSV as pycanon does, and says how long it took."""
    (source,) = arguments
    frame = pl.read_csv(source, infer_schema=False)
    started = time.perf_counter()
    found = measure(frame, adult.QUASI[:3], sensitive=["salary-class"])
    seconds = time.perf_counter() - started
    salary = found.sensitive["salary-class"]
    told = {"k": found.k, "l": salary.distinct, "t": salary.distance}
    print(json.dumps({"seconds": seconds, "peak_mb": runs.peak_mb(), **told}))


def compare(
    options: argparse.Namespace, folder: Path, rows: int | None
) -> dict[str, Any]:
    """Every search on one set, at both limits."""
    frame = adult.rows(options.adult, rows)
    parquet, table = folder / "rows.parquet", folder / "rows.csv"
    frame.write_parquet(parquet)
    frame.write_csv(table)
    levels = folder / "levels.json"
    levels.write_text(json.dumps(adult.levels(options.adult)))
    found: dict[str, Any] = {"rows": frame.height}
    for limit in (0.05, 0.5) if rows is None else (0.05,):
        workers: dict[str, list[str]] = {
            name: [
                *(sys.executable, __file__, "worker", str(parquet), str(levels)),
                *(name, str(limit), str(folder / f"{name}.csv")),
            ]
            for name in ("optimal", "greedy")
        }
        anjana = runs.oracle(options.oracles, "anjana==1.2.3")
        skipped = {}
        if isinstance(anjana, Path):
            script = Path(__file__).with_name("oracle_anjana.py")
            workers["anjana"] = [
                *(str(anjana), str(script), str(table), str(levels)),
                *(str(K), str(limit), str(folder / "anjana.csv")),
            ]
        else:
            skipped["anjana"] = anjana
        if options.arx:
            command = [*shlex.split(options.arx), str(table), str(K), str(limit)]
            workers["arx"] = command
        else:
            skipped["arx"] = "no jar was given"
        done = runs.in_turn(workers, options.runs)
        told = {name: done[name][-1] | runs.medians(done[name]) for name in done}
        for one in told.values():
            one["rows_per_second"] = round(frame.height / one["seconds"])
        if "anjana" in told:
            same = [_multiset(folder / f"{n}.csv") for n in ("greedy", "anjana")]
            told["greedy_is_anjana"] = same[0] == same[1]
            told["optimal_faster_than_anjana"] = _ratio(told, "anjana", "optimal")
            told["greedy_faster_than_anjana"] = _ratio(told, "anjana", "greedy")
        if "arx" in told:
            told["optimal_faster_than_arx"] = _ratio(told, "arx", "optimal")
        found[f"limit_{limit}"] = told | {"skipped": skipped}
    return found


def _ratio(told: dict[str, Any], slow: str, fast: str) -> float:
    return round(float(told[slow]["seconds"] / told[fast]["seconds"]), 1)


def _multiset(path: Path) -> list[str]:
    return sorted(path.read_text().replace('"', "").splitlines())


def canon(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """k, l and t of Adult by three quasi-identifiers, by pycanon and here."""
    table = folder / "adult.csv"
    adult.rows(options.adult).write_csv(table)
    python = runs.oracle(options.oracles, "pycanon==1.3.5")
    if isinstance(python, str):
        return {"skipped": python}
    script = Path(__file__).with_name("oracle_pycanon.py")
    quasi = ",".join(adult.QUASI[:3])
    done = runs.in_turn(
        {
            "pycanon": [*(str(python), str(script)), str(table), quasi, "salary-class"],
            "here": [sys.executable, __file__, "measuring", str(table)],
        },
        options.runs,
    )
    told = {name: done[name][-1] | runs.medians(done[name]) for name in done}
    ours, theirs = told["here"], told["pycanon"]
    return told | {
        "equal_to_1e-9": all(abs(ours[n] - theirs[n]) < NEAR for n in ("k", "l", "t")),
        "faster": _ratio(told, "pycanon", "here"),
    }


def main() -> None:
    """Prints JSON."""
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2:])
        return
    if sys.argv[1:2] == ["measuring"]:
        measuring(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adult", type=Path, default=adult.DEFAULT)
    parser.add_argument("--rows", type=int, nargs="*", default=[300_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--oracles", type=Path, default=None)
    parser.add_argument("--arx", help="command that runs ARX on a CSV")
    options = parser.parse_args()
    if not options.adult.is_dir():
        print(json.dumps({"skipped": f"no Adult data set in {options.adult}"}))
        return
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as temporary:
        folder = Path(temporary)
        options.oracles = options.oracles or folder / "oracles"
        found = {"measures": canon(options, folder)}
        for rows in (None, *options.rows):
            found[str(rows or "adult")] = compare(options, folder, rows)
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
