"""The sources that the sandbox plays by recipe: their tables, endpoint by endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.util import find_spec

import polars as pl

from lrtzc_pipelines.sandbox.draws import TODAY
from lrtzc_pipelines.sandbox.planted import planted_recipe
from lrtzc_pipelines.sandbox.planting import is_personal
from lrtzc_pipelines.sandbox.recipes import (
    recipe_frame,
    recipe_ids,
    recipe_of,
    row_count,
)
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec

_DAYS = re.compile(
    r"(?<!\d)(?:(?P<year>\d{4})[-/]?(?P<month>\d{2})[-/]?(?P<day>\d{2})"
    r"|(?P<day_first>\d{2})/(?P<month_second>\d{2})/(?P<year_last>\d{4}))(?!\d)"
)


@dataclass(frozen=True)
class RecipeSources:
    """Every source that has a recipe, under one seed.

    Attributes:
        seed: Equal seeds give equal rows.
        canaries: Whether canaries are planted in the personal ones.
    """

    seed: int
    canaries: bool = False

    @cached_property
    def specs(self) -> dict[str, SourceSpec]:
        """Every declared source, with a recipe or not."""
        return load_sources()

    @cached_property
    def played(self) -> dict[str, SourceSpec]:
        """The sources that have a recipe and a protocol, by id."""
        lacking = dict(self.hints())
        return {n: spec for n, spec in self.specs.items() if n not in lacking}

    def kinds(self, endpoint_id: str) -> list[str]:
        """Kinds of connector in use at an endpoint that the sandbox can face."""
        used = {
            spec.connector.kind
            for spec in self.specs.values()
            if spec.endpoint == endpoint_id
        }
        return sorted(kind for kind in used if is_spoken(kind))

    def tables(
        self, endpoint_id: str, kind: str, question: Question
    ) -> dict[str, Table]:
        """Tables of one endpoint and kind, by source id.

        A source partitioned by day gives the rows of the day that is asked for.
        """
        day = asked_day(question)
        return {
            name: self.table(spec, day)
            for name, spec in self.played.items()
            if spec.endpoint == endpoint_id and spec.connector.kind == kind
        }

    def table(self, spec: SourceSpec, day: date = TODAY) -> Table:
        """The rows of a source, of one day if it is partitioned by day."""
        day = day if spec.is_daily else TODAY
        return Table(
            spec.for_day(day) if spec.is_daily else spec,
            self._frame(spec, day),
            files=recipe_of(spec.id).files,
        )

    def row_counts(self) -> dict[str, int]:
        """Rows served by source id; those of one day if it is partitioned by day."""
        return {
            name: self._frame(spec, TODAY).height
            if self.canaries and is_personal(spec)
            else row_count(recipe_of(name))
            for name, spec in self.played.items()
        }

    def _frame(self, spec: SourceSpec, day: date) -> pl.DataFrame:
        if self.canaries:
            return planted_recipe(spec.id, self.seed, day).frame
        return recipe_frame(spec.id, self.seed, day)

    def hints(self) -> Iterator[tuple[str, str]]:
        """What keeps a source from being played by recipe, with its id."""
        made = set(recipe_ids())
        for name, spec in self.specs.items():
            if name not in made:
                yield name, f"no recipe: write sandbox/recipes/{name}.yaml"
            elif not is_spoken(spec.connector.kind):
                yield name, f"no sandbox/protocols/{spec.connector.kind}.py"


def is_spoken(kind: str) -> bool:
    """Whether the sandbox has the counterpart of a kind of connector."""
    return find_spec(f"lrtzc_pipelines.sandbox.protocols.{kind}") is not None


def asked_day(question: Question) -> date:
    """The earliest day that a request names; the sandbox's own if it names none.

    A request for one day may name the next one too, as the end of what it asks for.
    """
    texts = [question.path, *question.query.values(), question.body.decode("latin-1")]
    named = (day for text in texts for day in _days(text))
    return min(named, default=TODAY)


def _days(text: str) -> Iterator[date]:
    for found in _DAYS.finditer(text):
        parts = [
            found["year"] or found["year_last"],
            found["month"] or found["month_second"],
            found["day"] or found["day_first"],
        ]
        try:
            yield date(*(int(part) for part in parts))
        except ValueError:
            # Eight digits may be anything; only what is a day counts as one.
            continue
