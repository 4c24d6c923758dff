"""Runs of other processes, taken in turn: seconds they tell, and memory they took."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

MEGABYTE = 1_000_000


def peak_mb() -> int:
    """Peak memory of this process so far, in MB; nothing of its parent's."""
    status = Path("/proc/self/status").read_text()
    (line,) = [row for row in status.splitlines() if row.startswith("VmHWM")]
    return round(int(line.split()[1]) / 1000)


def run(command: Sequence[str]) -> dict[str, Any]:
    """What a worker says in its last line.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        output, errors = process.communicate()
    if process.returncode:
        msg = f"{' '.join(command[:3])}: {errors.strip().splitlines()[-1:]}"
        raise RuntimeError(msg)
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return told


def in_turn(
    workers: Mapping[str, Sequence[str]], runs: int
) -> dict[str, list[dict[str, Any]]]:
    """Runs of each worker, one after the other in turn, after one that is not kept."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
    for turn in range(runs + 1):
        for name, command in workers.items():
            told = run(command)
            if turn:
                found[name].append(told)
            print(f"{name}: {told['seconds']:.2f} s", file=sys.stderr, flush=True)
    return found


def medians(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Median seconds and memory of some runs."""
    return {
        name: round(median(run[name] for run in runs), 3)
        for name in ("seconds", "peak_mb")
    }


def oracle(folder: Path, requirement: str) -> Path | str:
    """The Python of a throw-away environment with a package; else why there is none."""
    place = folder / requirement.partition("=")[0]
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        venv.create(place, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return f"{requirement} could not be installed"
        (place / "ready").touch()
    return python
