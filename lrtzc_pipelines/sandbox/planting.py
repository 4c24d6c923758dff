"""Canaries planted in the rows of a source.

64 rows get values that exist nowhere in every column that may not go on as it is. The
last few are made to be refused, by their types or by the suite, so that quarantine,
messages and results of checks are put to the test too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from lrtzc_pipelines.canaries.invented import PLANTED, Canary, Draw, Invented
from lrtzc_pipelines.expectations.suites import Expectation, Suite, load_suite
from lrtzc_pipelines.sandbox.canary_rows import as_many_meters, as_many_rows
from lrtzc_pipelines.sandbox.canary_values import (
    is_expected,
    undeclared_value,
    unexpected,
    unreadable,
    value_for,
)
from lrtzc_pipelines.sources.columns import Column, ColumnType
from lrtzc_pipelines.sources.protocols import LinkyConnector
from lrtzc_pipelines.sources.spec import SourceSpec

REFUSED = 6
"""Of the planted rows of a source, those that are to be refused."""

_ANY_NUMBER = 50.0


@dataclass(frozen=True)
class Planted:
    """Rows with canaries in them, and what was planted."""

    frame: pl.DataFrame
    canaries: tuple[Canary, ...]


def is_personal(spec: SourceSpec) -> bool:
    """Whether a source has columns that may not go on as they are."""
    return any(column.is_personal for column in spec.columns)


def plant(
    frame: pl.DataFrame, spec: SourceSpec, seed: int, *, refused: int = REFUSED
) -> Planted:
    """The rows of a source with canaries in 64 of them, or in all if they are fewer.

    Args:
        frame: Rows in the producer's column names.
        spec: A source; nothing is planted in one that is not personal.
        seed: Equal seeds plant equal values.
        refused: How many of the planted rows are made to be refused.
    """
    if not is_personal(spec) or frame.is_empty():
        return Planted(frame, ())
    suite, canaries, meter = load_suite(spec), list[Canary](), _meter(spec)
    if meter:
        frame, canaries = as_many_meters(frame, spec, meter, seed)
    frame = as_many_rows(frame, spec, suite)
    chosen = np.linspace(0, frame.height - 1, min(PLANTED, frame.height))
    bed = _Bed(frame, spec, suite, seed, [int(row) for row in chosen], refused)
    bed.fill()
    return Planted(bed.planted(), (*canaries, *bed.canaries()))


def _meter(spec: SourceSpec) -> str | None:
    """The column of the meters by whose number a source is asked."""
    if not isinstance(spec.connector, LinkyConnector):
        return None
    subjects = (c.source for c in spec.columns if c.privacy == "subject")
    return next(subjects, None)


@dataclass
class _Bed:
    """The rows that are planted, cell by cell."""

    frame: pl.DataFrame
    spec: SourceSpec
    suite: Suite
    seed: int
    rows: Sequence[int]
    refused: int
    _cells: dict[tuple[str, int], Invented] = field(default_factory=dict)

    def fill(self) -> None:
        """Decides what every cell gets."""
        declared = {c.source: c for c in _plantable(self.spec, self.frame)}
        for name in self.frame.columns:
            for number in range(len(self.rows)):
                made = self._made(name, declared.get(name), number)
                if made:
                    self._cells[name, number] = made
        for number in range(len(self.rows) - self.refused, len(self.rows)):
            self._spoil(number)

    def planted(self) -> pl.DataFrame:
        """The rows with what was decided."""
        columns = dict.fromkeys(name for name, _ in self._cells)
        return self.frame.with_columns(self._column(name) for name in columns)

    def canaries(self) -> Iterator[Canary]:
        """What was planted."""
        for (name, number), made in self._cells.items():
            yield Canary(
                self.spec.id,
                name,
                number,
                str(made.value),
                made.parts,
                is_refused=self._is_refused(number),
                is_cell=made.is_cell,
            )

    def _is_refused(self, number: int) -> bool:
        return number >= len(self.rows) - self.refused

    def _made(self, name: str, column: Column | None, number: int) -> Invented | None:
        near = self._near(name, number)
        draw = self._draw(name, number)
        if column is None:
            known = {column.source for column in self.spec.columns}
            return None if name in known else undeclared_value(name, near, draw)
        made = value_for(column, self.spec, near, draw)
        if made is None:
            return None
        broken = {
            item.meta.on_failure
            for item in self.suite.expectations
            if item.columns == (column.name,)
            and item.meta.on_failure in {"block", "quarantine"}
            and not is_expected(item, made.value)
        }
        fits = not broken or (broken == {"quarantine"} and self._is_refused(number))
        return made if fits else None

    def _spoil(self, number: int) -> None:
        """Makes a row one that the types refuse, or the suite, turn by turn."""
        target = _unreadable_column(self.spec, self.frame)
        if target and number % 2:
            draw = self._draw(target, number)
            self._cells[target, number] = unreadable(draw)
            return
        for item, name in self._single():
            draw = self._draw(name, number)
            made = unexpected(item, self._near(name, number), draw)
            if made and item.meta.on_failure == "quarantine":
                self._cells[name, number] = made
                return
        if target:
            self._cells[target, number] = unreadable(self._draw(target, number))

    def _single(self) -> Iterator[tuple[Expectation, str]]:
        """Expectations about single values, with the producer's name of the column."""
        for item in self.suite.expectations:
            if len(item.columns) == 1:
                source = self.spec.column(item.columns[0]).source
                if source in self.frame.columns and source:
                    yield item, source

    def _draw(self, name: str, number: int) -> Draw:
        return Draw(self.seed, self.spec.id, name, number)

    def _near(self, name: str, number: int) -> Any:
        """What stands in a cell, or else in the first one of its column.

        Not so for numbers of a source partitioned by day: what is planted must not
        follow from those of one day.
        """
        column = self.frame[name]
        if self.spec.is_daily and column.dtype.is_numeric():
            return _ANY_NUMBER
        own = column[self.rows[number]]
        if own is not None:
            return own
        filled = column.drop_nulls()
        return filled[0] if len(filled) else None

    def _column(self, name: str) -> pl.Series:
        before = self.frame[name]
        made = {
            self.rows[number]: cell.value
            for (own, number), cell in self._cells.items()
            if own == name
        }
        kinds = {type(value) for value in made.values()}
        if str in kinds:
            after: list[Any] = before.cast(pl.String).to_list()
            return _with(name, after, {row: str(v) for row, v in made.items()})
        if float in kinds:
            after = before.cast(pl.Float64).to_list()
            return _with(name, after, {row: float(v) for row, v in made.items()})
        return _with(name, before.to_list(), made)


def _with(name: str, values: list[Any], made: dict[int, Any]) -> pl.Series:
    for row, value in made.items():
        values[row] = value
    return pl.Series(name, values)


def _plantable(spec: SourceSpec, frame: pl.DataFrame) -> Iterator[Column]:
    """Personal columns that are in the rows, and share no text with others."""
    shared = {c.source for c in spec.columns if not c.is_personal}
    # Meters are planted whole, before.
    shared.add(_meter(spec))
    for column in spec.columns:
        source = column.source
        if column.is_personal and source in frame.columns and source not in shared:
            yield column


def _unreadable_column(spec: SourceSpec, frame: pl.DataFrame) -> str | None:
    """The column where a text would be refused; a personal one if there is one."""
    kinds = (ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.DATE)
    for personal in (True, False):
        for kind in (*kinds, ColumnType.DATETIME):
            for column in spec.columns:
                if (
                    column.type is kind
                    and column.is_personal is personal
                    and column.source in frame.columns
                    and not column.point
                ):
                    return column.source
    return None
