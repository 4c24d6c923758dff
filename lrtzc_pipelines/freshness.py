"""How fresh each source's data are here: what is promised, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.slicing import slices
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import AnonymizedState, read_state


class Freshness(StrEnum):
    """Whether a source's data changed within the days that its specification gives."""

    FRESH = "fresh"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True)
class Held:
    """What is held of a source.

    Attributes:
        changed_at: When its data last changed, UTC; None if it never was collected.
        freshness: Whether that is recent enough.
    """

    changed_at: datetime | None
    freshness: Freshness


def held(spec: SourceSpec, layout: Layout, now: datetime) -> Held:
    """What is held of a source, its days together.

    Args:
        spec: The source.
        layout: Where data are; only states are read.
        now: UTC.
    """
    if not layout.data_dir.is_dir():
        # Looking must not make folders where nothing ever was.
        return Held(None, Freshness.NEVER)
    folders = (layout.anonymized(*part.parts) for part in slices(spec, layout))
    states = (read_state(AnonymizedState, folder) for folder in folders)
    moments = [datetime.fromisoformat(s.data_changed_at) for s in states if s]
    if not moments:
        return Held(None, Freshness.NEVER)
    newest = max(moments)
    is_late = now - newest > timedelta(days=spec.freshness_days)
    return Held(newest, Freshness.LATE if is_late else Freshness.FRESH)
