"""Text frames to typed frames: names, types, required values, one row per key.

A cell that cannot be read takes its row to quarantine with a reason; nothing is
guessed and nothing is dropped in silence. What a value must satisfy beyond its type
is the suite's work, not this module's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from lrtzc_pipelines.cells import TYPES, faults_of, read_cells
from lrtzc_pipelines.continuity import Continuity, holes
from lrtzc_pipelines.coordinates import coordinate_notes
from lrtzc_pipelines.errors import SchemaError, one_line
from lrtzc_pipelines.parsers.registry import PAGE, ROW
from lrtzc_pipelines.sources.spec import SourceSpec

_HASH = "_hash"
"""Hash of a row's values: tells a repeat from a contradiction without their text."""

_WORTH_COMPACTING = 250_000
_NAMES_TOLD = 10
_MOST_REFUSED = 1_000_000
"""Rows of a few pages: of so many, no source would go on with the others."""


RULE, COLUMN, REASON, RECORD = "rule", "column", "reason", "record"
_RECORD_FORMATS = frozenset(
    {
        "ckan_records",
        "gbfs_stations",
        "geojson",
        "json",
        "gtfs",
        "gtfs_rt",
        "netex",
        "uplink",
    }
)


@dataclass(frozen=True)
class Conformed:
    """Typed rows, refused rows, and what was noticed on the way.

    Attributes:
        rows: Columns of the specification, plus `PAGE` and `ROW`; one row per key.
        refused: `PAGE`, `ROW`, rule, column, reason, and the row as received (JSON).
        unknown_columns: Columns received that the specification does not name.
        notes: What was put right or looks wrong in readable cells, counted.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame
    continuity: Continuity
    unknown_columns: tuple[str, ...]
    notes: dict[str, int]


REFUSED_SCHEMA = {
    PAGE: pl.UInt32(),
    ROW: pl.UInt32(),
    RULE: pl.String(),
    COLUMN: pl.String(),
    REASON: pl.String(),
    RECORD: pl.String(),
}


def conform(spec: SourceSpec, frames: Iterable[pl.DataFrame]) -> Conformed:
    """The rows of a source as its specification declares them.

    Raises:
        SchemaError: a declared column is missing from what was received.
    """
    kept = _DistinctRows(spec)
    refused: list[pl.DataFrame] = []
    unknown: dict[str, None] = {}
    notes: Counter[str] = Counter()
    received = 0
    for frame in frames:
        unknown |= dict.fromkeys(check_columns(spec, frame))
        if frame.is_empty():
            continue
        frame = _with_all_columns(spec, frame)  # noqa: PLW2901 - the same rows
        received += frame.height
        notes.update(coordinate_notes(spec, frame))
        typed, bad = _typed(spec, frame)
        kept.add(typed)
        refused.append(bad)
    bad_rows = pl.concat([pl.DataFrame(schema=REFUSED_SCHEMA), *refused])
    # A refused row comes once per page that repeats it, like any other row.
    once = bad_rows.unique(subset=[RECORD], keep="first", maintain_order=True)
    rows, conflicting = _one_row_per_key(spec, kept.take())
    return Conformed(
        rows=rows,
        refused=pl.concat([once, conflicting]),
        continuity=Continuity(
            received=received,
            repeats=kept.repeats + bad_rows.height - once.height,
            conflicts=conflicting.height,
            distinct=rows.height + once.height,
            **holes(spec, rows),
        ),
        unknown_columns=tuple(unknown),
        notes=dict(notes),
    )


def check_columns(spec: SourceSpec, frame: pl.DataFrame) -> list[str]:
    """Columns of a text frame that the specification does not name.

    Raises:
        SchemaError: a declared column is absent from a frame that has any. JSON
            records may leave out a field that has no value anywhere, so there only
            required columns must be present, unless a blank has a text of its own.
    """
    declared = [c for c in spec.columns if c.source]
    in_records = spec.format.kind in _RECORD_FORMATS
    missing = dict.fromkeys(
        str(c.source)
        for c in declared
        if c.source not in frame.columns
        and not (in_records and (c.blank_as or not c.required))
    )
    known = {PAGE, ROW, *spec.ignored_columns, *(c.source for c in declared)}
    unknown = [name for name in frame.columns if name not in known]
    # A header without rows still tells; a page without rows and columns does not.
    if missing and set(frame.columns) - {PAGE, ROW}:
        msg = f"{spec.label}: missing column: {', '.join(missing)}"
        if unknown:
            names = ", ".join(one_line(name, 80) for name in unknown[:_NAMES_TOLD])
            msg += f" (not declared: {names})"
        raise SchemaError(msg, tuple(missing), unknown)
    return unknown


def _with_all_columns(spec: SourceSpec, frame: pl.DataFrame) -> pl.DataFrame:
    sources = dict.fromkeys(str(c.source) for c in spec.columns if c.source)
    absent = [name for name in sources if name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)


class _DistinctRows:
    """Rows as they come, each once; `repeats` counts the ones that came again.

    Overlapping pages repeat rows by the million: those of other pages go as soon as
    they weigh as much as half of what is kept, before they cost memory.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.repeats = 0
        self._kept = pl.DataFrame(schema=_row_schema(spec))
        self._waiting: list[pl.DataFrame] = []
        self._waiting_rows = 0

    def add(self, rows: pl.DataFrame) -> None:
        distinct = rows.filter(pl.col(_HASH).is_first_distinct())
        self.repeats += rows.height - distinct.height
        self._waiting.append(distinct)
        self._waiting_rows += distinct.height
        if self._waiting_rows > max(_WORTH_COMPACTING, self._kept.height // 2):
            self._compact()

    def take(self) -> pl.DataFrame:
        """Every distinct row, in the order of arrival; nothing is kept here."""
        self._compact()
        rows, self._kept = self._kept.drop(_HASH), self._kept.clear()
        return rows

    def _compact(self) -> None:
        rows = pl.concat([self._kept, *self._waiting])
        self._kept = rows.filter(pl.col(_HASH).is_first_distinct())
        self._waiting, self._waiting_rows = [], 0
        self.repeats += rows.height - self._kept.height


def _row_schema(spec: SourceSpec) -> dict[str, pl.DataType]:
    places = {PAGE: pl.UInt32(), ROW: pl.UInt32()}
    return {c.name: TYPES[c.type] for c in spec.columns} | places | {_HASH: pl.UInt64()}


def _typed(spec: SourceSpec, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The readable rows of a text frame, typed, and the others with their reasons."""
    typed = frame.select(
        *(read_cells(column, spec).alias(column.name) for column in spec.columns),
        PAGE,
        ROW,
    )
    faults = {c.name: faults_of(c, frame, typed) for c in spec.columns if c.source}
    wrong = pl.DataFrame(
        {name: fault.is_not_null() for name, fault in faults.items()}
    ).select(pl.any_horizontal(pl.all()))[:, 0]
    values = typed.select(pl.exclude(PAGE, ROW)).hash_rows(seed=0)
    typed = typed.with_columns(values.alias(_HASH))
    if not wrong.any():
        return typed, pl.DataFrame(schema=REFUSED_SCHEMA)
    if wrong.sum() > _MOST_REFUSED:
        # Each is told with its reason and its text: that is for people to read.
        msg = f"{spec.label}: {wrong.sum()} rows that cannot be read as declared"
        raise SchemaError(msg)
    return typed.filter(~wrong), _refused(spec, frame.filter(wrong), faults, wrong)


def _refused(
    spec: SourceSpec,
    frame: pl.DataFrame,
    faults: dict[str, pl.Series],
    wrong: pl.Series,
) -> pl.DataFrame:
    """One line per refused row: every column at fault, and the row as received."""
    reasons = pl.DataFrame(
        {name: fault.filter(wrong) for name, fault in faults.items()}
    )
    at_fault = reasons.select(
        pl.concat_str(
            (pl.when(pl.col(n).is_not_null()).then(pl.lit(n)) for n in faults),
            separator=", ",
            ignore_nulls=True,
        )
    )[:, 0]
    return frame.select(
        PAGE,
        ROW,
        pl.lit("type").alias(RULE),
        at_fault.alias(COLUMN),
        reasons.select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True))[
            :, 0
        ].alias(REASON),
        record(spec).alias(RECORD),
    )


def record(spec: SourceSpec) -> pl.Expr:
    """A row as received, as JSON text with the producer's names."""
    names = dict.fromkeys(c.source for c in spec.columns if c.source)
    return pl.struct(list(names)).struct.json_encode()


def _one_row_per_key(
    spec: SourceSpec, rows: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row of each key, and a line for each row that contradicts it.

    No two of `rows` are equal, so what repeats a key has other values. Which one stays
    must not depend on the order in which pages came: it is the first by its values.
    """
    key = list(spec.primary_key)
    whole_key = pl.struct(key) if key[1:] else pl.col(key[0])
    # Cheaper than counting: mostly there is nothing to settle.
    if rows.select(whole_key.is_first_distinct().all()).item():
        return rows, pl.DataFrame(schema=REFUSED_SCHEMA)
    is_disputed = rows.select(whole_key.is_duplicated())[:, 0]
    disputed = rows.filter(is_disputed).sort(
        [column.name for column in spec.columns], nulls_last=True
    )
    stays = disputed.select(whole_key.is_first_distinct())[:, 0]
    lines = (
        disputed.filter(~stays)
        .sort(PAGE, ROW)
        .select(
            PAGE,
            ROW,
            pl.lit("primary_key").alias(RULE),
            pl.lit(", ".join(key)).alias(COLUMN),
            pl.lit("same key as another row, other values").alias(REASON),
            record_of_typed(spec).alias(RECORD),
        )
    )
    return pl.concat([rows.filter(~is_disputed), disputed.filter(stays)]), lines


def record_of_typed(spec: SourceSpec) -> pl.Expr:
    """A typed row as JSON text with the producer's names.

    Coordinates share the text they came from, so they go by their own names.
    """
    return pl.struct(
        pl.col(c.name).alias(c.name if c.point else c.source)
        for c in spec.columns
        if c.source
    ).struct.json_encode()
