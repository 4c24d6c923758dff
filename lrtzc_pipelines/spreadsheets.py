"""Tables that people open in a spreadsheet: no text of theirs may run as a formula."""

from __future__ import annotations

import polars as pl

_FORMULA = r"^[=+\-@\t\r\n]"
_NUMBER = r"^[+-]?\d+(?:[.,]\d+)?$"


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before each text that a spreadsheet would run.

    What producers and partners write ends in tables that officers open by a double
    click. Numbers written as text, signs included, are left alone.
    """
    texts = frame.select(pl.col(pl.String)).columns
    return frame.with_columns(_without_formula(name) for name in texts)


def _without_formula(name: str) -> pl.Expr:
    text = pl.col(name)
    runs = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(runs).then(pl.lit("'") + text).otherwise(text).alias(name)
