"""What goes on of a source that has a protection, with what protecting it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.privacy.aggregates import aggregate
from lrtzc_pipelines.privacy.cell_attacks import attack
from lrtzc_pipelines.privacy.cell_suppression import CellRule, suppress
from lrtzc_pipelines.privacy.cell_tables import VALUE, cell_table
from lrtzc_pipelines.privacy.grid import with_points
from lrtzc_pipelines.privacy.hierarchies import (
    ABSENT,
    EVERYTHING,
    Hierarchy,
    from_rows,
)
from lrtzc_pipelines.privacy.measures import measure
from lrtzc_pipelines.privacy.microdata import Requirements, protect
from lrtzc_pipelines.privacy.taking import take, unknown_code_share
from lrtzc_pipelines.sources.columns import State
from lrtzc_pipelines.sources.protection import (
    AggregateProtection,
    CellProtection,
    MicrodataProtection,
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
    spec: SourceSpec, frame: pl.DataFrame, levels: Mapping[str, str] | None = None
) -> Protected:
    """What goes on of a source, by its protection.

    Args:
        spec: A source that has one.
        frame: Its validated rows.
        levels: What to take of the quasi-identifiers of rows, where an earlier release
            settled it; otherwise whatever loses least.

    Raises:
        LrtzcError: nothing can be let go on.
    """
    if spec.protection:
        frame = with_points(frame, spec.protection.points)
    match spec.protection:
        case AggregateProtection() as policy:
            found = _aggregated(frame, policy)
        case CellProtection() as policy:
            found = _tabulated(spec, frame, policy)
        case MicrodataProtection() as policy:
            found = _coarsened(spec, frame, policy, levels)
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


def _tabulated(
    spec: SourceSpec, frame: pl.DataFrame, policy: CellProtection
) -> Protected:
    rule = CellRule(
        policy.min_units, policy.dominance, policy.protection, policy.source
    )
    names = [dimension.name for dimension in policy.dimensions]
    sides = [name for name in names if name not in policy.separate_by]
    taken = unit_rows(frame, policy)
    apart = list(policy.separate_by)
    tables = taken.partition_by(apart, as_dict=True) if apart else {(): taken}
    made = [
        _table(rows, sides, dict(zip(apart, key, strict=True)), policy, rule)
        for key, rows in sorted(tables.items(), key=str)
    ]
    counts = [report for _, report in made]
    totals = {
        name: sum(c[name] for c in counts) for name in ("cells", "primary", "secondary")
    }
    if breaches := sum(c["breaches"] for c in counts):
        msg = f"{spec.label}: {breaches} suppressed cells could be worked out"
        raise LrtzcError(msg)
    rows = (
        pl.concat([table for table, _ in made])
        if made
        else pl.DataFrame(
            schema={c.name: TYPES[c.type] for c in spec.published_columns}
        )
    )
    hidden = totals["primary"] + totals["secondary"]
    return Protected(
        rows,
        {**totals, "suppressed_share": _share(hidden, totals["cells"]), "breaches": 0},
    )


def unit_rows(frame: pl.DataFrame, policy: CellProtection) -> pl.DataFrame:
    """What each firm brings: the dimensions, `_unit_of`, and `_value`."""
    return frame.select(
        *(
            take(d.column, frame.schema[d.column], policy.takes[d.name]).alias(d.name)
            for d in policy.dimensions
        ),
        pl.col(policy.subject).alias("_unit_of"),
        pl.col(str(policy.measure.column)).alias(VALUE),
    )


def _table(
    rows: pl.DataFrame,
    sides: list[str],
    apart: Mapping[str, Any],
    policy: CellProtection,
    rule: CellRule,
) -> tuple[pl.DataFrame, dict[str, int]]:
    """One table of cells, without the empty ones; what became of it."""
    table = cell_table(rows, sides, unit="_unit_of", value=VALUE)
    done = suppress(table, rule)
    name = policy.measure.name
    hidden = pl.Series("_hidden", done.all)
    cells = table.cells.with_columns(
        *(pl.lit(value).alias(key) for key, value in apart.items()),
        pl.Series(name, table.values),
        hidden,
        pl.Series("_units", table.units),
    ).filter(pl.col("_units") > 0)
    state = pl.when("_hidden").then(pl.lit(str(State.SECRET)))
    shown = cells.select(
        *sides,
        *apart,
        pl.when(~pl.col("_hidden")).then(pl.col(name)).alias(name),
        state.otherwise(pl.lit(str(State.OBSERVED))).alias(f"{name}_state"),
    )
    return shown, {
        "cells": shown.height,
        "primary": int(done.primary.sum()),
        "secondary": int(done.secondary.sum()),
        "breaches": len(attack(table, done.all, rule)),
    }


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
