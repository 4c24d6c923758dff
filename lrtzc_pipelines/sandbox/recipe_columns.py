"""A column of a recipe: made, multiplied by its factors, respelt and disturbed.

Each column draws from a generator of its own, so that changing one moves no other.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from lrtzc_pipelines.sandbox import recipe_moments
from lrtzc_pipelines.sandbox.draws import TODAY, chances, generator
from lrtzc_pipelines.sandbox.recipe_grammar import ColumnRecipe, Recipe
from lrtzc_pipelines.sandbox.recipe_makers import MAKERS, Draw, positions, rounded
from lrtzc_pipelines.sandbox.recipe_rows import Floats, Rows


@dataclass(frozen=True)
class Made:
    """A column: its values as they are, and as the producer writes them."""

    values: pl.Series
    written: pl.Series


def make_column(
    recipe: Recipe, column: ColumnRecipe, rows: Rows, topic: tuple[int, str], day: date
) -> Made:
    """One column of a recipe.

    Args:
        recipe: The recipe.
        column: The column to make.
        rows: The rows and what is known of them.
        topic: Seed and source id.
        day: Day that is asked for, in sources partitioned by day.
    """
    seed, source_id = topic
    rng = generator(seed, f"{_drawn_for(source_id, column, day)}: {column.name}")
    values = _values(recipe, column, rows, rng, day)
    written = values
    if column.swapped:
        written = _swapped(column, rows, written, generator(seed, f"{source_id} axes"))
    if written.dtype.is_temporal():
        default = "%Y-%m-%d" if column.date else None
        written = recipe_moments.written(written, column.format or default, column.zone)
    written = _spelt(column, written)
    written = _disturbed(column, written, rng)
    written = _confined(column, rows, written)
    return Made(values.alias(column.name), written.alias(column.name))


def _drawn_for(source_id: str, column: ColumnRecipe, day: date) -> str:
    """Whose draws a column has: another day's differ, but for what `per` holds."""
    return source_id if column.per or day == TODAY else f"{source_id} on {day}"


def _values(
    recipe: Recipe,
    column: ColumnRecipe,
    rows: Rows,
    rng: np.random.Generator,
    day: date,
) -> pl.Series:
    """The values before they are written, one per combination if `per` says so."""
    if column.per:
        first, group = rows.groups(column.per)
        made = MAKERS[column.maker](Draw(rows.only(first), column, rng, day))
        values = made.gather(group)
    else:
        values = MAKERS[column.maker](Draw(rows, column, rng, day))
    if column.later:
        values = values.dt.offset_by(column.later)
    factors = _factors(recipe, column, rows)
    if factors is None:
        return values
    return rounded(values.cast(pl.Float64).to_numpy() * factors, _decimals(column))


def _factors(recipe: Recipe, column: ColumnRecipe, rows: Rows) -> Floats | None:
    if not (column.profile or column.times):
        return None
    factors = np.ones(rows.count)
    for name, by_value in column.times.items():
        texts = rows.values[name].cast(pl.String)
        known = list(by_value)
        factors *= texts.replace_strict(
            known, list(by_value.values()), default=1.0, return_dtype=pl.Float64
        ).to_numpy()
    for name in column.profile:
        moments = rows.values[recipe.series_of(column) or ""]
        factors *= recipe_moments.profile(name, moments)
    return factors


def _decimals(column: ColumnRecipe) -> int:
    if column.decimals is not None:
        return column.decimals
    made = column.number or column.per_inhabitant
    if made:
        return made.decimals
    return 0 if column.integer else 6


def _swapped(
    column: ColumnRecipe, rows: Rows, written: pl.Series, rng: np.random.Generator
) -> pl.Series:
    """The positions, a share of them with their axes inverted.

    The generator is the same for every column of a source, so that a latitude and a
    longitude of the same share are swapped in the same rows.
    """
    swapped = pl.Series(chances(rng, column.swapped, rows.count))
    turned = replace(rows, longitude=rows.latitude, latitude=rows.longitude)
    day = date.min
    others = positions(Draw(turned, column, rng, day))
    return others.zip_with(swapped, written)


def _spelt(column: ColumnRecipe, written: pl.Series) -> pl.Series:
    if column.decimal:
        written = written.cast(pl.String).str.replace(".", column.decimal, literal=True)
    match column.spelling:
        case None:
            return written
        case "upper":
            return written.cast(pl.String).str.to_uppercase()
    texts = [text if text is None else unaccented(text) for text in written.to_list()]
    plain = pl.Series(texts, dtype=pl.String)
    return plain.str.to_uppercase() if "upper" in column.spelling else plain


def unaccented(text: str) -> str:
    """A text without its accents."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _disturbed(
    column: ColumnRecipe, written: pl.Series, rng: np.random.Generator
) -> pl.Series:
    """The column with blanks and with texts in place of values, in their shares."""
    if not (column.blank or column.literal):
        return written
    drawn = pl.Series("drawn", rng.random(len(written)))
    if column.literal:
        written = written.cast(pl.String)
    frame = pl.DataFrame({"written": written, "drawn": drawn})
    chosen = pl.col("written")
    upto = 1.0
    # From the last share down to the first, each over the ones before it.
    for text, share in reversed([(None, column.blank), *column.literal.items()]):
        upto -= share
        is_drawn = pl.col("drawn").is_between(upto, upto + share, closed="left")
        chosen = pl.when(is_drawn).then(pl.lit(text)).otherwise(chosen)
    return frame.select(chosen)[:, 0]


def _confined(column: ColumnRecipe, rows: Rows, written: pl.Series) -> pl.Series:
    """The column with blanks wherever another has none of the wanted values."""
    for name, wanted in column.only_where.items():
        is_there = (
            rows.values[name].cast(pl.String).is_in(wanted).fill_null(value=False)
        )
        written = pl.select(pl.when(is_there).then(written))[:, 0]
    return written
