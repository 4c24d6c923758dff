"""The whole real parking history through the whole line, timed, with peak memory.

Serves the recorded pages on loopback, runs `lrtzc refresh --source
larochelle_parking_history` in an empty data directory, and checks that every distinct
id is in the release or in quarantine.

    python benchmarks/parking_history.py ../shared/real/larochelle_webservice_xml

The folder holds `parking_historique_full.tar.zst` (744 pages, 898 MB of XML); nothing
is copied into the repository. Memory is the sum over the command and every process it
starts, sampled; the server is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import zstandard

SOURCE = "larochelle_parking_history"
LRTZC = str(Path(sys.executable).parent / "lrtzc")
ID = re.compile(rb'<dp_id>"([^"<]*)"</dp_id>')


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks the recorded pages; only plain files inside `folder` are made."""
    with (
        archive.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        tar.extractall(folder, filter="data")


def distinct_ids(folder: Path) -> int:
    """Distinct ids in the pages, found without the product's code."""
    found: set[bytes] = set()
    for page in folder.rglob("*.xml"):
        found.update(ID.findall(page.read_bytes()))
    return len(found)


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """Serves the recorded pages in a process of its own."""
    server = subprocess.Popen(
        [LRTZC, "sandbox", "serve", "--replay", str(folder), "--port", str(port)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            time.sleep(0.1)
            if any(c.laddr.port == port for c in psutil.net_connections("tcp")):
                break
        yield
    finally:
        server.terminate()
        server.wait(10)


class PeakMemory:
    """Highest sum of resident memory over a process and its descendants, in MB."""

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self.largest_process = 0.0
        self._process = psutil.Process(pid)
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while self._process.is_running():
            sizes = []
            try:
                family = [self._process, *self._process.children(recursive=True)]
            except psutil.Error:
                return
            for member in family:
                try:
                    sizes.append(member.memory_info().rss / 2**20)
                except psutil.Error:
                    continue
            self.peak = max(self.peak, sum(sizes))
            self.largest_process = max(self.largest_process, *sizes, 0.0)
            time.sleep(0.05)


def refresh(data_dir: Path, port: int) -> dict[str, object]:
    """Runs the command; returns its JSON, wall time and peak memory."""
    environment = {
        **os.environ,
        "LRTZC_DATA_DIR": str(data_dir),
        "LRTZC_ENDPOINT__LAROCHELLE_WEBSERVICE": (
            f"http://127.0.0.1:{port}/larochelle_webservice/webservice/"
        ),
    }
    started = time.monotonic()
    process = subprocess.Popen(
        [LRTZC, "refresh", "--source", SOURCE, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    memory = PeakMemory(process.pid)
    output, _ = process.communicate()
    wall = time.monotonic() - started
    outcome = json.loads(output)
    return {
        "exit": process.returncode,
        "wall_seconds": round(wall, 1),
        "peak_mb": round(memory.peak),
        "largest_process_mb": round(memory.largest_process),
        **outcome["sources"][0],
    }


def published(data_dir: Path) -> int:
    """Rows of `fct_parking_measurement` in the release."""
    rows = subprocess.run(
        [LRTZC, "query", "--json", "select count(*) n from fct_parking_measurement"],
        env={**os.environ, "LRTZC_DATA_DIR": str(data_dir)},
        check=True,
        capture_output=True,
    )
    return int(json.loads(rows.stdout)[0]["n"])


def main() -> None:
    """Runs the benchmark and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8951)
    parser.add_argument("--pages", type=Path, help="already unpacked pages")
    parser.add_argument("--again", action="store_true", help="refresh a second time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lrtzc-bench-") as name:
        folder = Path(name)
        pages = options.pages or folder / "pages"
        if options.pages is None:
            unpack(options.folder / "parking_historique_full.tar.zst", pages)
        expected = distinct_ids(pages)
        with serving(pages, options.port):
            result = refresh(folder / "data", options.port)
            if options.again:
                again = refresh(folder / "data", options.port)
                result["again_seconds"] = again["wall_seconds"]
                result["again_state"] = again["state"]
        kept = published(folder / "data")
    result["distinct_ids_in_files"] = expected
    result["published_plus_quarantined"] = kept + int(str(result["quarantined"]))
    print(json.dumps(result, indent=2))
    if result["published_plus_quarantined"] != expected:
        sys.exit("rows were lost")


if __name__ == "__main__":
    main()
