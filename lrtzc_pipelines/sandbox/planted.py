"""The canaries of a whole sandbox: where they are planted, and the list of them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from lrtzc_pipelines.canaries.invented import Canary
from lrtzc_pipelines.sandbox import territory
from lrtzc_pipelines.sandbox.canary_uplinks import planted_messages
from lrtzc_pipelines.sandbox.deposits import planted_files
from lrtzc_pipelines.sandbox.draws import TODAY
from lrtzc_pipelines.sandbox.planting import Planted, is_personal, plant
from lrtzc_pipelines.sandbox.recipes import recipe_frame, recipe_ids
from lrtzc_pipelines.sandbox.uplinks import messages
from lrtzc_pipelines.sources.registry import SOURCES_DIR, load_source, load_sources

_COMMUNES = "larochelle_agglomeration_communes"
_FRAMES_KEPT = 256


@lru_cache(maxsize=_FRAMES_KEPT)
def planted_recipe(source_id: str, seed: int, day: date) -> Planted:
    """The rows of a source that has a recipe, planted once per process."""
    spec = load_source(SOURCES_DIR / f"{source_id}.yaml")
    return plant(recipe_frame(source_id, seed, day), spec, seed)


@lru_cache(maxsize=4)
def planted_communes(seed: int) -> Planted:
    """The city's list of communes: their places in it are left out of releases."""
    spec = load_source(SOURCES_DIR / f"{_COMMUNES}.yaml")
    # It has 28 rows, and any that is refused would be missed.
    return plant(territory.city_list(), spec, seed, refused=0)


def planted_canaries(seed: int) -> tuple[Canary, ...]:
    """Every canary that a sandbox plants under a seed."""
    recipes = set(recipe_ids())
    found = [
        canary
        for name, spec in load_sources().items()
        if name in recipes and is_personal(spec)
        for canary in planted_recipe(name, seed, TODAY).canaries
    ]
    found += planted_communes(seed).canaries
    found += (canary for file in planted_files(seed) for canary in file.canaries)
    found += planted_messages(messages(seed), seed)[1]
    # A partner who leaves two files is one canary.
    return tuple(dict.fromkeys(found))
