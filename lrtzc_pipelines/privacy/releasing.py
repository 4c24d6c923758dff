"""From validated rows to what may be released, given what already was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from lrtzc_pipelines.privacy.contributions import contributions, summed
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.protecting import protect_source
from lrtzc_pipelines.privacy.republishing import ChangeRule, Settled, settle
from lrtzc_pipelines.sources.protection import AggregateProtection
from lrtzc_pipelines.sources.spec import SourceSpec

_MADE_BY = ("subject", "dimensions", "grains", "fall_back", "measures")
"""What of an aggregate's policy decides what its cells are."""


@dataclass(frozen=True)
class Released:
    """What goes on of a source, once it is written down.

    Attributes:
        rows: The source's published columns.
        report: What was asked, what was achieved, what it cost, what was held back.
    """

    rows: pl.DataFrame
    report: dict[str, Any]
    _series: dict[str, Any]
    _settled: Settled | None = None

    def write_down(self, ledger: Ledger) -> None:
        """Enters the release into the ledger; to be done before it happens."""
        settled = self._settled
        if settled is not None and settled.changed.height:
            ledger.record(self._series, settled.changed, settled.persons)


def release(spec: SourceSpec, frame: pl.DataFrame, ledger: Ledger) -> Released:
    """What goes on of a source, by its protection and by what went on before.

    Args:
        spec: A source that has a protection.
        frame: Its validated rows.
        ledger: What of it was released before.

    Raises:
        LrtzcError: nothing can be let go on.
        PrivacyError: its rules changed since.
    """
    protected = protect_source(spec, frame)
    policy = spec.protection
    if not isinstance(policy, AggregateProtection):
        return Released(protected.rows, protected.report, {})
    told = policy.model_dump(mode="json")
    series = {name: told[name] for name in _MADE_BY}
    ledger.check(series)
    cells, persons = contributions(frame, protected.rows, policy, ledger.salt)
    rule = ChangeRule(policy.min_subjects, policy.max_share, summed(policy))
    settled = settle(cells, persons, ledger, rule)
    report = {**protected.report, "republication": settled.report}
    return Released(settled.cells, report, series, settled)
