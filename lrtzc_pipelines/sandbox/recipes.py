"""Recipes: what the tables of the sources look like, without any Python.

`recipes/<source_id>.yaml` says how many rows a source has and how each column is made
(`recipe_grammar`). The same seed always makes the same rows.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import ValidationError

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.sandbox.draws import TODAY, generator
from lrtzc_pipelines.sandbox.recipe_columns import make_column
from lrtzc_pipelines.sandbox.recipe_grammar import Recipe
from lrtzc_pipelines.sandbox.recipe_rows import bare_rows, combination_count
from lrtzc_pipelines.sources.registry import explain, read_yaml

RECIPES_DIR = Path(__file__).parent / "recipes"
MOST_ROWS = 2_000_000
_FRAMES_KEPT = 256


def load_recipe(path: Path) -> Recipe:
    """The recipe in one file.

    Raises:
        SpecError: it does not load; names file and field.
    """
    data = read_yaml(path)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise explain(path, data, error) from None


def recipe_ids(directory: Path = RECIPES_DIR) -> list[str]:
    """Ids of the sources that have a recipe, sorted."""
    return sorted(path.stem for path in directory.glob("*.yaml"))


@lru_cache(maxsize=_FRAMES_KEPT)
def recipe_of(source_id: str, directory: Path = RECIPES_DIR) -> Recipe:
    """The recipe of a source, read once per process.

    Raises:
        SpecError: it is absent or does not load.
    """
    return load_recipe(directory / f"{source_id}.yaml")


@lru_cache(maxsize=_FRAMES_KEPT)
def recipe_frame(
    source_id: str, seed: int, day: date, directory: Path = RECIPES_DIR
) -> pl.DataFrame:
    """The rows of a source, made once per process; see `make`.

    Raises:
        SpecError: its recipe is absent or does not load.
    """
    recipe = recipe_of(source_id, directory)
    return make(recipe, seed, source_id, day=day)


def make(
    recipe: Recipe, seed: int, source_id: str, *, day: date = TODAY
) -> pl.DataFrame:
    """The rows of a recipe, in the producer's column names.

    Args:
        recipe: What to make.
        seed: Equal seeds give equal rows.
        source_id: Whose rows these are: sources differ under one seed.
        day: Day that is asked for, where the recipe speaks of `day`.

    Raises:
        SpecError: more rows than the sandbox makes, or a template that cannot be
            filled.
    """
    count = combination_count(recipe, day)
    if count > MOST_ROWS:
        msg = f"{source_id}.yaml: for_each: {count} rows, {MOST_ROWS} at most"
        raise SpecError(msg)
    rows = bare_rows(recipe, seed, source_id, day)
    delivered = []
    for column in recipe.columns:
        try:
            made = make_column(recipe, column, rows, (seed, source_id), day)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            msg = f"{source_id}.yaml: columns[{column.name}]: {error}"
            raise SpecError(msg) from error
        # What `for_each` calls by the same name keeps its meaning.
        if column.name not in recipe.for_each:
            rows.values[column.name] = made.values
        if not column.hidden:
            delivered.append(made.written)
    return _disordered(recipe, pl.DataFrame(delivered), seed, source_id)


def row_count(recipe: Recipe, *, day: date = TODAY) -> int:
    """How many rows a recipe makes, repeats included, without making them."""
    kept = _kept(recipe, combination_count(recipe, day))
    return kept + round(kept * recipe.repeat)


def _kept(recipe: Recipe, count: int) -> int:
    return count - round(count * recipe.skip)


def _disordered(
    recipe: Recipe, frame: pl.DataFrame, seed: int, source_id: str
) -> pl.DataFrame:
    """The rows as delivered: some left out, some twice, in or out of order."""
    rng = generator(seed, f"{source_id} order")
    kept = _kept(recipe, frame.height)
    order = np.sort(rng.permutation(frame.height)[:kept])
    repeats = rng.choice(order, round(kept * recipe.repeat)) if kept else order
    order = np.sort(np.concatenate([order, repeats]))
    if recipe.shuffle:
        order = rng.permutation(order)
    return frame[order]
