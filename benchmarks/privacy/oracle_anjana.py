"""Run by the Python of an environment with anjana: anonymizes a CSV, greedily."""

import csv
import json
import sys
import time
from pathlib import Path

import pandas as pd
from anjana.anonymity import k_anonymity

source, levels_file, k, limit, target = sys.argv[1:]
data = pd.read_csv(source, dtype=str, keep_default_na=False)
levels = json.loads(Path(levels_file).read_text())
quasi = list(levels)
hierarchies = {
    name: {n: [row[n] for row in rows] for n in range(len(rows[0]))}
    for name, rows in levels.items()
}
started = time.perf_counter()
done = k_anonymity(data, [], quasi, int(k), float(limit) * 100, hierarchies)
seconds = time.perf_counter() - started
counts = done.groupby(quasi).size()
with Path(target).open("w", newline="") as file:
    csv.writer(file).writerows([*key, int(n)] for key, n in sorted(counts.items()))
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
told = {
    "peak_mb": round(peak / 1000),
    "seconds": seconds,
    "suppressed": len(data) - len(done),
}
print(json.dumps(told | {"columns": list(done.columns)}))
