"""Who contributes what to each cell that goes on: what a ledger of releases compares.

Nothing here is published. Persons appear as keyed hashes, and what they contribute as a
hash and a number of rows; sums are kept where one person's share of a change matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import polars_hash  # noqa: F401 - brings the `chash` namespace

from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.protection import AggregateProtection

REGION, CELL, SUBJECT = "_region", "_cell", "_subject"
ROWS, DIGEST = "_rows", "_digest"

SEPARATOR = "\x1f"
NONE = "∅"
"""What a null is called in the name of a cell or region."""

_MICRO = 1_000_000
"""Quantities are compared to a millionth: the order of a sum does not matter."""

SUBJECT_HEX, DIGEST_HEX = 32, 24
"""Hexadecimal digits of the hashes of persons, and of what they contribute."""


def summed(policy: AggregateProtection) -> list[str]:
    """Names of the measures that one person could dominate."""
    return [m.name for m in policy.measures if m.function == "sum"]


def contributions(
    frame: pl.DataFrame, cells: pl.DataFrame, policy: AggregateProtection, salt: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who is in the cells of an aggregate, and with what.

    Args:
        frame: Validated rows.
        cells: What `aggregate` made of them.
        policy: What it was made by.
        salt: Keys the hashes.

    Returns:
        The cells with their `_region` and `_cell`; and a row for each person of each
        cell: `_region`, `_cell`, `_subject`, `_rows`, `_digest`, and the sum of each
        measure that adds up.

    A region is what the coarsest grain tells of a row: cells of one region may be made
    of each other's rows at another grain, those of two regions never.

    Raises:
        PrivacyError: a cell is made of none of the rows.
    """
    keyed = cells.with_columns(_key(cells, policy).alias(CELL))
    rest = frame.filter(pl.col(policy.subject).is_not_null())
    found = []
    for takes in policy.grains:
        own = keyed.filter(_of_grain(policy, takes)).select(
            *(pl.col(d.name).alias(f"_side_{d.name}") for d in policy.dimensions), CELL
        )
        sides = [f"_side_{d.name}" for d in policy.dimensions]
        taken = rest.with_columns(
            take(d.column, rest.schema[d.column], takes[d.name])
            .cast(own.schema[f"_side_{d.name}"])
            .alias(f"_side_{d.name}")
            for d in policy.dimensions
        )
        found.append(taken.join(own, on=sides, nulls_equal=True).drop(sides))
        rest = taken.join(own, on=sides, how="anti", nulls_equal=True).drop(sides)
    persons = _persons(pl.concat(found), policy, salt)
    regions = persons.select(CELL, REGION).unique()
    located = keyed.join(regions, on=CELL, how="left")
    if strays := located[REGION].null_count():
        msg = f"{strays} cells are made of no row"
        raise PrivacyError(msg)
    return located, persons


def _key(cells: pl.DataFrame, policy: AggregateProtection) -> pl.Expr:
    """What tells a cell from every other of its source, as text."""
    names = []
    for dimension in policy.dimensions:
        names.append(dimension.name)
        if f"{dimension.name}_grain" in cells.columns:
            names.append(f"{dimension.name}_grain")
    return named(cells, names)


def named(frame: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    """Some columns as one text; days and moments by their number since 1970."""
    texts = [
        (pl.col(n).to_physical() if frame.schema[n].is_temporal() else pl.col(n))
        .cast(pl.String)
        .fill_null(NONE)
        for n in names
    ]
    return pl.concat_str(texts, separator=SEPARATOR) if texts else pl.lit("")


def _of_grain(policy: AggregateProtection, takes: Mapping[str, str]) -> pl.Expr:
    """Whether a cell is of a grain, by the labels of those dimensions that have one."""
    same = pl.lit(value=True)
    for dimension in policy.dimensions:
        if len({grain[dimension.name] for grain in policy.grains}) > 1:
            same &= pl.col(f"{dimension.name}_grain") == takes[dimension.name]
    return same


def _persons(
    rows: pl.DataFrame, policy: AggregateProtection, salt: str
) -> pl.DataFrame:
    coarsest = policy.grains[-1]
    taken = rows.with_columns(
        take(d.column, rows.schema[d.column], coarsest[d.name]).alias(f"_in_{d.name}")
        for d in policy.dimensions
    )
    names = [f"_in_{d.name}" for d in policy.dimensions]
    region = taken.with_columns(named(taken, names).alias(REGION))
    measured = [m for m in policy.measures if m.column]
    own = region.group_by(REGION, CELL, policy.subject).agg(
        pl.len().cast(pl.Int64).alias(ROWS),
        *(pl.col(m.column or "").count().alias(f"_count_{m.name}") for m in measured),
        *(
            pl.col(m.column or "").sum().cast(pl.Float64).alias(m.name)
            for m in measured
        ),
    )
    parts = [pl.lit(salt), pl.col(policy.subject).cast(pl.String)]
    told = [pl.col(ROWS)]
    for measure in measured:
        micro = (pl.col(measure.name) * _MICRO).round().cast(pl.Int64)
        told += [pl.col(f"_count_{measure.name}"), micro]
    return own.select(
        REGION,
        CELL,
        hashed(parts, SUBJECT_HEX).alias(SUBJECT),
        ROWS,
        hashed([*parts, *told], DIGEST_HEX).alias(DIGEST),
        *summed(policy),
    )


def hashed(parts: Sequence[pl.Expr], length: int) -> pl.Expr:
    """The start of the sha256 of some values, in hexadecimal."""
    joined = pl.concat_str([part.cast(pl.String) for part in parts], separator="|")
    found: pl.Expr = joined.chash.sha2_256().str.head(length)  # type: ignore[attr-defined]
    return found
