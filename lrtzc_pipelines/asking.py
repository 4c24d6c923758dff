"""Asks the services what is new, before a run is started for it.

A command that finds nothing new needs no Dagster, which takes longer to load than most
services to answer. What was collected here is handed over to the runs that record it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from lrtzc_pipelines.collecting import Collected
from lrtzc_pipelines.errands import Errands
from lrtzc_pipelines.errors import NothingYet
from lrtzc_pipelines.expectations.suites import Suite
from lrtzc_pipelines.gathering import Gathering
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.pending import is_processed
from lrtzc_pipelines.slicing import last_complete_day, window
from lrtzc_pipelines.sources.spec import SourceSpec


@dataclass(frozen=True)
class Asked:
    """Services that were asked, each with what came of it; use as a context manager.

    Leaving it, by an error or not, asks nothing more.

    Attributes:
        parts: Sources, or days of them, that were asked for.
        gathering: What collecting each brought, by label.
        run_ids: Ids of the runs to record it, by day; None is no day.
    """

    parts: tuple[SourceSpec, ...]
    gathering: Gathering
    run_ids: Mapping[str | None, str]

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        self.gathering.close()

    def split(
        self, suites: Mapping[str, Suite], layout: Layout
    ) -> tuple[list[SourceSpec], dict[str, list[Collected]]]:
        """Waits for every service, and tells what needs a run from what does not.

        Returns:
            Parts that failed or brought what is still to be processed, and, by source
            id, what collecting the others found.
        """
        news: list[SourceSpec] = []
        quiet: dict[str, list[Collected]] = defaultdict(list)
        for part in self.parts:
            try:
                found = self.gathering.result(part.label)
            except NothingYet:
                quiet[part.id] += []
            except Exception:  # noqa: BLE001 - the run meets it again and says it
                news.append(part)
            else:
                if is_processed(part, suites[part.id], found.snapshot, layout):
                    quiet[part.id].append(found)
                else:
                    news.append(part)
        return news, dict(quiet)


def ask(parts: Iterable[SourceSpec], errands: Errands) -> Asked:
    """Asks for some sources, or days of them; hosts are asked side by side."""
    wanted = tuple(parts)
    run_ids = {day: str(uuid.uuid4()) for day in by_day(wanted)}
    gathering = Gathering(
        {part.label: errands.make(part, run_ids[day_of(part)]) for part in wanted}
    )
    return Asked(wanted, gathering, run_ids)


def to_ask(specs: Iterable[SourceSpec], since: date | None = None) -> list[SourceSpec]:
    """Sources as they are asked for tonight: whole, or the days that may have changed.

    Args:
        specs: Sources.
        since: First day, where days are asked for; by default each source goes back
            as far as its data may come late.
    """
    last = last_complete_day(datetime.now(UTC))
    return [
        part
        for spec in specs
        for part in (
            [spec.for_day(day) for day in window(spec, last, since)]
            if spec.is_daily
            else [spec]
        )
    ]


def day_of(part: SourceSpec) -> str | None:
    """The day that a part of a source is about; None if it is whole."""
    return "".join(part.parts[1:]) or None


def by_day(parts: Iterable[SourceSpec]) -> dict[str | None, list[str]]:
    """Ids of sources by the day they are asked for, in order; None is no day."""
    found: dict[str | None, list[str]] = defaultdict(list)
    for part in parts:
        found[day_of(part)].append(part.id)
    return dict(sorted(found.items(), key=lambda item: item[0] or ""))
