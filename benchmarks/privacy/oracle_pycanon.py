"""Run by the Python of an environment with pycanon: measures a CSV."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
from pycanon import anonymity

source, quasi, sensitive = sys.argv[1], sys.argv[2].split(","), sys.argv[3]
data = pd.read_csv(source, dtype=str, keep_default_na=False)
started = time.perf_counter()
told = {
    "k": int(anonymity.k_anonymity(data, quasi)),
    "l": int(anonymity.l_diversity(data, quasi, [sensitive])),
    "t": float(anonymity.t_closeness(data, quasi, [sensitive])),
}
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
told["peak_mb"] = round(peak / 1000)
print(json.dumps(told | {"seconds": time.perf_counter() - started}))
