"""Every source against the sandbox: what each costs, and what a second time costs.

    python benchmarks/sources.py            # all sources together, twice
    python benchmarks/sources.py --each     # and each alone, as far as anonymized

The sandbox runs in a process of its own and is not counted. Wall and CPU seconds are
those of the command and everything it starts; memory is the largest of its processes.
Compare numbers of one run with each other: machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.deposits import write_inbox
from lrtzc_pipelines.sandbox.service import endpoints
from lrtzc_pipelines.sandbox.uplinks import write_spool
from lrtzc_pipelines.sandbox.world import DEFAULT_SEED as SEED

BIN = Path(sys.executable).parent
LRTZC = str(BIN / "lrtzc")
_EXPORT = re.compile(r"^export (LRTZC_ENDPOINT__\w+)=(\S+)$", re.MULTILINE)


def leave(folder: str) -> None:
    """What nobody is asked for over HTTP: consents, uplinks, files of partners."""
    for write in (write_consents, write_spool, write_inbox):
        write(Path(folder), SEED)


@contextmanager
def sandbox(port: int) -> Iterator[dict[str, str]]:
    """The variables that lead to a sandbox running beside."""
    server = subprocess.Popen(
        [LRTZC, "sandbox", "serve", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout  # noqa: S101 - piped
        said = "".join(islice(server.stdout, len(endpoints())))
        yield dict(_EXPORT.findall(said))
    finally:
        server.terminate()
        server.wait(10)


def measured(arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Wall, CPU and memory of a command, and what it printed last, as JSON."""
    started = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        arguments,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    outcome = output if arguments[0] == LRTZC else output.splitlines()[-1]
    return {
        "wall_seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(cpu, 1),
        "outcome": json.loads(outcome),
    }


def together(environment: dict[str, str]) -> dict[str, Any]:
    """A refresh of everything, and the same again at once."""
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as folder:
        variables = {**environment, "LRTZC_DATA_DIR": folder}
        leave(folder)
        first, second = (
            measured([LRTZC, "refresh", "--json"], variables) for _ in range(2)
        )
    runs = {"first": first, "second": second}
    for run in runs.values():
        sources = run.pop("outcome")["sources"]
        run["bytes"] = sum(source["bytes"] for source in sources)
        run["rows"] = sum(source["rows_in"] or 0 for source in sources)
        run["states"] = sorted({source["state"] for source in sources})
        run["sources"] = len(sources)
    return {
        **runs,
        "second_cpu_share": round(second["cpu_seconds"] / first["cpu_seconds"], 3),
        "second_bytes_share": round(second["bytes"] / max(first["bytes"], 1), 4),
    }


def alone(source_id: str, environment: dict[str, str]) -> dict[str, Any]:
    """One source from its service to its anonymized rows, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as folder:
        variables = {**environment, "LRTZC_DATA_DIR": folder}
        leave(folder)
        peak = Path(folder) / "peak"
        program = (
            "import resource, sys; from pathlib import Path;"
            "from lrtzc_pipelines.running import main;"
            f"main(['collect', '--source', '{source_id}']);"
            "used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
            f"Path('{peak}').write_text(str(used))"
        )
        run = measured([sys.executable, "-c", program], variables)
        memory = int(peak.read_text()) / 1000
    (source,) = run.pop("outcome")["sources"]
    return {
        "source": source_id,
        **run,
        "peak_mb": round(memory),
        **{name: source[name] for name in ("state", "bytes", "requests", "rows_in")},
    }


def main() -> None:
    """Runs the benchmark and prints JSON, one object per line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8953)
    parser.add_argument("--each", action="store_true", help="also each source alone")
    options = parser.parse_args()
    with sandbox(options.port) as environment:
        print(json.dumps(together(environment), indent=2), flush=True)
        if not options.each:
            return
        listed = subprocess.run(
            [LRTZC, "sources", "list", "--json"],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
        )
        for source in json.loads(listed.stdout):
            source_id = source.get("source") or source["id"]
            print(json.dumps(alone(source_id, environment)), flush=True)


if __name__ == "__main__":
    main()
