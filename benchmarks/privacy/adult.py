"""The Adult data set and its hierarchies, and larger sets that look like it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import polars as pl

SEED = 20250801
REDRAWN = 0.15
FILES = {
    "age": "age",
    "education": "education",
    "marital-status": "marital",
    "occupation": "occupation",
    "sex": "sex",
    "native-country": "country",
}
QUASI = list(FILES)
DEFAULT = Path(__file__).parents[3] / "shared" / "real" / "adult"


def levels(folder: Path) -> dict[str, list[list[str]]]:
    """The rows of each hierarchy: a value, then what it becomes level by level."""
    found = {}
    for column, file in FILES.items():
        with (folder / "hierarchies" / f"{file}.csv").open(newline="") as lines:
            found[column] = [
                [cell.strip() for cell in row] for row in csv.reader(lines) if row
            ]
    return found


def rows(folder: Path, count: int | None = None) -> pl.DataFrame:
    """The quasi-identifiers and the salary class, of Adult or of a larger set.

    Larger ones are whole rows drawn again, of which each quasi-identifier is then
    drawn anew from its own distribution with a probability of 0.15.
    """
    frame = pl.read_csv(folder / "adult.csv", infer_schema=False)
    frame.columns = [name.strip() for name in frame.columns]
    frame = frame.with_columns(pl.all().str.strip_chars()).drop_nulls("age")
    frame = frame.select(*QUASI, "salary-class")
    if count is None:
        return frame
    rng = np.random.default_rng(SEED)
    drawn = frame[rng.integers(frame.height, size=count)]
    for name in QUASI:
        anew = frame[name][rng.integers(frame.height, size=count)]
        is_anew = pl.Series(rng.random(count) < REDRAWN)
        drawn = drawn.with_columns(
            pl.when(is_anew).then(anew).otherwise(pl.col(name)).alias(name)
        )
    return drawn
