"""Runs of other processes, taken in turn: seconds they tell, and memory they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

MEGABYTE = 1_000_000


def run(command: Sequence[str]) -> dict[str, Any]:
    """What a worker says in its last line, with its peak memory in MB.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr  # noqa: PT018, S101 - piped
        output, errors = process.stdout.read(), process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        msg = f"{' '.join(command[:3])}: {errors.strip().splitlines()[-1:]}"
        raise RuntimeError(msg)
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return told | {"peak_mb": round(used.ru_maxrss / 1000)}


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
