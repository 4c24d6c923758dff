"""The demonstration, cold and then with nothing new: what an unchanged night costs.

    python benchmarks/demo_line.py

Both runs go through the real command in an empty data directory; compare them with
each other, since machines differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LRTZC = str(Path(sys.executable).parent / "lrtzc")


def run(data_dir: str) -> tuple[float, dict[str, object]]:
    """Wall seconds and outcome of one demonstration."""
    started = time.monotonic()
    done = subprocess.run(
        [LRTZC, "demo", "--json"],
        env={**os.environ, "LRTZC_DATA_DIR": data_dir},
        capture_output=True,
        check=True,
    )
    return time.monotonic() - started, json.loads(done.stdout)


def main() -> None:
    """Runs the demonstration twice and prints one JSON object."""
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as data_dir:
        cold, first = run(data_dir)
        warm, second = run(data_dir)
    sources = first["sources"]
    print(
        json.dumps(
            {
                "cold_seconds": round(cold, 1),
                "unchanged_seconds": round(warm, 1),
                "ratio": round(cold / warm, 1),
                "rows_published": sum(entry["published"] for entry in sources),
                "bytes_cold": sum(entry["bytes"] for entry in sources),
                "bytes_unchanged": sum(entry["bytes"] for entry in second["sources"]),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
