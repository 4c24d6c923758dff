"""What goes on of a source that has a protection, with what protecting it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.aggregates import aggregate
from lrtzc_pipelines.privacy.grid import with_points
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
from lrtzc_pipelines.privacy.taking import take, unknown_code_share
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
    NoiseProtection,
)
from lrtzc_pipelines.sources.sides import Quasi
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
    spec: SourceSpec,
    frame: pl.DataFrame,
    levels: Mapping[str, str] | None = None,
    released: Sequence[Released] = (),
) -> Protected:
    """What goes on of a source, by its protection.

    Args:
        spec: A source that has one.
        frame: Its validated rows.
        levels: What to take of the quasi-identifiers of rows, where an earlier release
            settled it; otherwise whatever loses least.
        released: Linked sources that went on before.

    Raises:
        LrtzcError: nothing can be let go on.
    """
    if spec.protection:
        frame = with_points(frame, spec.protection.points)
    match spec.protection:
        case AggregateProtection() as policy:
            found = _aggregated(frame, policy)
        case CellProtection() as policy:
            found = Protected(*tabulated(spec, policy, frame, released))
        case MicrodataProtection() as policy:
            found = _coarsened(spec, frame, policy, levels)
        case NoiseProtection() | None:
            msg = f"{spec.label}: has no protection that rows alone decide"
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
        "unknown_code_share": unknown_code_share(frame, policy.taken()),
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
    spec: SourceSpec,
    frame: pl.DataFrame,
    policy: MicrodataProtection,
    settled: Mapping[str, str] | None,
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
    subject = [policy.subject] if policy.subject else []
    used = [*subject, *(q.column for q in policy.quasi), *policy.sensitive, *kept]
    done = protect(
        frame.select(list(dict.fromkeys(used))),
        hierarchies,
        Requirements(
            k=policy.k,
            l=policy.l,
            t=policy.t,
            suppression_limit=policy.suppression_limit,
            subject=policy.subject,
            sensitive=policy.sensitive,
            search=policy.search,
        ),
        [[*_own(q.levels), EVERYTHING].index(settled[q.column]) for q in policy.quasi]
        if settled
        else None,
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
        # Nothing but nulls, at each level there is.
        empty = [ABSENT] * len(_own(quasi.levels))
        found = from_rows(quasi.column, [[*empty, EVERYTHING]], nulls=False)
    else:
        table = [[*row, EVERYTHING] for row in rows]
        found = from_rows(quasi.column, table, nulls=nulls)
    return replace(found, weight=quasi.weight)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
