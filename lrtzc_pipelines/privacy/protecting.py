"""What goes on of a source that has a protection, with what protecting it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.aggregates import aggregate
from lrtzc_pipelines.privacy.hierarchies import (
    ABSENT,
    EVERYTHING,
    Hierarchy,
    from_rows,
)
from lrtzc_pipelines.privacy.measures import measure
from lrtzc_pipelines.privacy.microdata import Requirements, protect
from lrtzc_pipelines.privacy.released import Released
from lrtzc_pipelines.privacy.tabulating import tabulated
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    MicrodataProtection,
    Quasi,
)
from lrtzc_pipelines.sources.spec import SourceSpec


@dataclass(frozen=True)
class Protected:
    """Rows that may go on.

    Attributes:
        rows: The source's published columns.
        report: What was asked, what was achieved and what it cost; without any value.
    """

    rows: pl.DataFrame
    report: dict[str, Any] = field(default_factory=dict)


def protect_source(
    spec: SourceSpec, frame: pl.DataFrame, released: Sequence[Released] = ()
) -> Protected:
    """What goes on of a source, by its protection.

    Args:
        spec: A source that has one.
        frame: Its validated rows.
        released: Linked sources that went on before.

    Raises:
        LrtzcError: nothing can be let go on.
    """
    match spec.protection:
        case AggregateProtection() as policy:
            found = _aggregated(frame, policy)
        case CellProtection() as policy:
            found = Protected(*tabulated(spec, policy, frame, released))
        case MicrodataProtection() as policy:
            found = _coarsened(spec, frame, policy)
        case None:
            msg = f"{spec.label}: has no protection"
            raise LrtzcError(msg)
    columns = [
        pl.col(column.name).cast(TYPES[column.type])
        for column in spec.published_columns
    ]
    report = {
        "release": policy.release,
        "policy": policy.model_dump(mode="json"),
        "threshold_source": policy.source,
        "row_count": frame.height,
        **found.report,
    }
    return Protected(found.rows.select(columns), report)


def _aggregated(frame: pl.DataFrame, policy: AggregateProtection) -> Protected:
    found = aggregate(frame, policy)
    least = found.cells["subject_count"].min() if found.cells.height else None
    return Protected(
        found.cells,
        {
            "cells": found.cells.height,
            "least_subjects": least,
            "suppressed_rows": found.suppressed,
            "suppressed_share": _share(found.suppressed, frame.height),
            "grains": [
                {"takes": dict(g.takes), "cells": g.cells, "rows": g.rows}
                for g in found.grains
            ],
        },
    )


def _coarsened(
    spec: SourceSpec, frame: pl.DataFrame, policy: MicrodataProtection
) -> Protected:
    hierarchies = [_hierarchy(frame, quasi) for quasi in policy.quasi]
    # Nobody sees more than the finest level that is allowed.
    frame = frame.with_columns(
        take(q.column, frame.schema[q.column], _own(q.levels)[0])
        .cast(pl.String)
        .alias(q.column)
        for q in policy.quasi
    )
    kept = [c.name for c in spec.columns if c.privacy == "keep"]
    used = [*policy.used, *kept]
    done = protect(
        frame.select(used),
        hierarchies,
        Requirements(
            k=policy.k,
            l=policy.l,
            t=policy.t,
            suppression_limit=policy.suppression_limit,
            subject=policy.subject,
            sensitive=policy.sensitive,
        ),
    )
    rows = done.rows.with_columns(
        pl.col(quasi.column).cast(pl.String) for quasi in policy.quasi
    )
    risk = measure(rows, [q.column for q in policy.quasi], sensitive=policy.sensitive)
    names = [c.name for c in spec.published_columns]
    levels = {
        quasi.column: [*_own(quasi.levels), EVERYTHING][done.levels[quasi.column]]
        for quasi in policy.quasi
    }
    return Protected(
        # Their order must not tell where they came from.
        rows.select(names).sort(names, nulls_last=True),
        {
            "rows": rows.height,
            "suppressed_rows": done.suppressed,
            "suppressed_share": _share(done.suppressed, frame.height),
            "information_loss": round(done.loss, 4),
            "levels": levels,
            "k": risk.k,
            "prosecutor_risk": risk.prosecutor,
            "marketer_risk": round(risk.marketer, 6),
            "sensitive": {
                name: {"distinct": found.distinct, "distance": round(found.distance, 4)}
                for name, found in risk.sensitive.items()
            },
        },
    )


def _own(levels: tuple[str, ...]) -> tuple[str, ...]:
    """The levels below the one that tells nothing, which every hierarchy ends in."""
    return tuple(level for level in levels if level != "all")


def _hierarchy(frame: pl.DataFrame, quasi: Quasi) -> Hierarchy:
    """The hierarchy of a column: the labels of its values, level by level.

    Raises:
        LrtzcError: a level tears apart what a finer one holds together.
    """
    kind = frame.schema[quasi.column]
    labels = frame.select(pl.col(quasi.column).unique().sort()).select(
        take(quasi.column, kind, level).cast(pl.String).alias(str(n))
        for n, level in enumerate(_own(quasi.levels))
    )
    rows = labels.unique(maintain_order=True).drop_nulls("0").rows()
    nulls = labels["0"].null_count() > 0
    if not rows:
        return from_rows(quasi.column, [[ABSENT, EVERYTHING]], nulls=False)
    return from_rows(quasi.column, [[*row, EVERYTHING] for row in rows], nulls=nulls)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
