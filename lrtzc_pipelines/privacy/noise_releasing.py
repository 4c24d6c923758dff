"""From rows to counts with noise: drawn once for each period, and then frozen.

Noise that is drawn again averages out. So a period that was released stays as it is, to
the last digit and for ever, whatever comes late; what differs since is only counted.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.privacy.contributions import REGION
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise import mechanism
from lrtzc_pipelines.privacy.noise_budget import BudgetAccount
from lrtzc_pipelines.privacy.noise_counts import (
    COUNT,
    clamped_counts,
    due_periods,
)
from lrtzc_pipelines.privacy.republishing import Settled
from lrtzc_pipelines.privacy.taking import LOCAL_ZONE
from lrtzc_pipelines.sources.noise_protection import NOISE_SCALE, NoiseProtection
from lrtzc_pipelines.sources.spec import SourceSpec

PRIVATE = "private"
"""Part of a report that tells of the rows without noise: it is not for the public."""

_DIGEST = "_digest"


def release_noisy(
    spec: SourceSpec,
    policy: NoiseProtection,
    frame: pl.DataFrame,
    ledger: Ledger,
    collected: date,
) -> tuple[dict[str, Any], Settled]:
    """What goes on of a source whose counts have noise, and what is said of it.

    New periods are paid for before their noise is drawn.

    Args:
        spec: The source.
        policy: Its protection.
        frame: Its validated rows, with their points.
        ledger: What of it was released before.
        collected: Day the rows were collected.

    Raises:
        PrivacyError: the budget of a year does not pay for it.
        SettingsError: OpenDP is not installed.
    """
    published = _with_internals(spec, ledger.published())
    known = set(published[REGION])
    due = due_periods(frame, policy, collected)
    exact = clamped_counts(frame, policy, due, ledger.salt)
    digests = _digests(exact.cells, ledger.salt)
    fresh = [period for period in due if period.isoformat() not in known]
    drawn = _drawn(policy, exact.cells, fresh, ledger)
    changed = _with_internals(spec, _told(spec, policy, drawn, digests))
    together = pl.concat([published, changed])
    names = [column.name for column in spec.published_columns]
    held = _held_back(published, exact.cells, digests)
    settled = Settled(
        cells=together.select(names).sort(names),
        changed=changed,
        persons=pl.DataFrame(schema={REGION: pl.String}),
        report={
            "regions_released_anew": len(fresh),
            "regions_unchanged": len(known),
        },
    )
    private = {
        # Whether anybody came late, and how much people move about, is told of rows.
        "regions_held_back": held,
        "clamped_share": round(exact.left_out, 2),
    }
    report = {**_report(policy, ledger), "cells": together.height, PRIVATE: private}
    return report, settled


def _drawn(
    policy: NoiseProtection,
    exact: pl.DataFrame,
    periods: Sequence[date],
    ledger: Ledger,
) -> pl.DataFrame:
    """Cells of some periods with noise, which is paid for first."""
    if not periods:
        return exact.clear().with_columns(pl.lit(0.0).alias(NOISE_SCALE))
    # Without the library nothing is paid.
    add_noise = mechanism(max_cells=policy.max_cells, epsilon=policy.epsilon)
    BudgetAccount(ledger).charge(periods, policy, datetime.now(UTC))
    return pl.concat(
        own.with_columns(
            pl.Series(COUNT, add_noise(own[COUNT].to_list()), pl.Int64),
            pl.lit(add_noise.scale).alias(NOISE_SCALE),
        )
        for period in periods
        for own in [exact.filter(pl.col(REGION) == period.isoformat())]
    )


def _told(
    spec: SourceSpec,
    policy: NoiseProtection,
    drawn: pl.DataFrame,
    digests: dict[str, str],
) -> pl.DataFrame:
    """Cells as they are published, with what is internal."""
    start = pl.col(REGION).str.to_date("%Y-%m-%d")
    kind = {column.name: TYPES[column.type] for column in spec.published_columns}
    if isinstance(kind[policy.period], pl.Datetime):
        midnight = start.cast(pl.Datetime("us")).dt.replace_time_zone(LOCAL_ZONE)
        start = midnight.dt.convert_time_zone("UTC")
    digest = pl.col(REGION).replace_strict(digests, return_dtype=pl.String)
    return drawn.with_columns(
        start.alias(policy.period), digest.alias(_DIGEST)
    ).with_columns(pl.col(name).cast(own) for name, own in kind.items())


def _with_internals(spec: SourceSpec, cells: pl.DataFrame | None) -> pl.DataFrame:
    """Cells with the columns of the ledger, in their order; none of them if None."""
    schema = {column.name: TYPES[column.type] for column in spec.published_columns}
    schema |= {REGION: pl.String(), _DIGEST: pl.String()}
    return pl.DataFrame(schema=schema) if cells is None else cells.select(*schema)


def _digests(exact: pl.DataFrame, salt: str) -> dict[str, str]:
    """A keyed hash of the exact counts of each period: equal ones, nothing changed."""
    found = {}
    for (region,), cells in exact.group_by(REGION, maintain_order=True):
        told = ",".join(map(str, cells[COUNT])).encode()
        keyed = hmac.new(salt.encode(), told, hashlib.sha256)
        found[str(region)] = keyed.hexdigest()
    return found


def _held_back(
    published: pl.DataFrame, exact: pl.DataFrame, digests: dict[str, str]
) -> int:
    """Released periods whose rows are others now, those aside that are purged."""
    alive = exact.group_by(REGION).agg(pl.col(COUNT).sum())
    with_rows = set(alive.filter(pl.col(COUNT) > 0)[REGION])
    before = published.select(REGION, _DIGEST).unique().iter_rows()
    return sum(
        region in with_rows and digests[region] != digest for region, digest in before
    )


def _report(policy: NoiseProtection, ledger: Ledger) -> dict[str, Any]:
    """What is asked and what it costs: nothing of it depends on a row."""
    account, whole = BudgetAccount(ledger), policy.budget.epsilon
    years = {
        str(year): {"spent": round(spent, 6), "left": round(max(0.0, whole - spent), 6)}
        for year, spent in sorted(account.spent().items())
    }
    return {
        "release": policy.release,
        "policy": policy.model_dump(mode="json"),
        "threshold_source": policy.source,
        "epsilon": policy.epsilon,
        "max_cells": policy.max_cells,
        NOISE_SCALE: policy.max_cells / policy.epsilon,
        "budget": {"epsilon": whole, "per": policy.budget.per, "years": years},
    }
