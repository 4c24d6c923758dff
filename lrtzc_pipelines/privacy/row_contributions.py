"""Who is in each class of released rows: what a ledger of releases compares."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.privacy.contributions import (
    CELL,
    DIGEST,
    DIGEST_HEX,
    REGION,
    ROWS,
    SEPARATOR,
    SUBJECT,
    SUBJECT_HEX,
    hashed,
)
from lrtzc_pipelines.privacy.hierarchies import ABSENT, EVERYTHING
from lrtzc_pipelines.privacy.taking import take
from lrtzc_pipelines.sources.protection import MicrodataProtection
from lrtzc_pipelines.sources.spec import SourceSpec


def row_contributions(
    spec: SourceSpec,
    frame: pl.DataFrame,
    released: pl.DataFrame,
    levels: Mapping[str, str],
    salt: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who is behind released rows, class by class.

    Args:
        spec: A source whose rows are made coarser; without a subject its primary key
            tells persons apart.
        frame: Validated rows.
        released: Rows that may go on.
        levels: What was taken of each quasi-identifier.
        salt: Keys the hashes.

    Returns:
        The released rows with `_region` and `_cell`, both their class; and a row for
        each person of each class: `_region`, `_cell`, `_subject`, `_rows`, `_digest`.

    Raises:
        PrivacyError: the classes are not of as many rows as were validated in them.
    """
    policy = spec.protection
    if not isinstance(policy, MicrodataProtection):
        msg = f"{spec.label}: its rows are not released"
        raise PrivacyError(msg)
    quasi = [q.column for q in policy.quasi]
    keyed = _in_classes(released, [pl.col(name) for name in quasi])
    labelled = _in_classes(
        frame,
        [
            pl.lit(EVERYTHING)
            if levels[name] == EVERYTHING
            else take(name, frame.schema[name], levels[name])
            for name in quasi
        ],
    )
    inside = labelled.join(keyed.select(CELL).unique(), on=CELL, how="semi")
    if inside.height != released.height:
        msg = f"{spec.label}: released rows are not those of their classes"
        raise PrivacyError(msg)
    who = [policy.subject] if policy.subject else list(spec.primary_key)
    kept = [c.name for c in spec.columns if c.privacy == "keep"]
    told = [*policy.sensitive, *(name for name in kept if name not in policy.sensitive)]
    person = [pl.lit(salt), *(_text(name) for name in who)]
    # Rows of one person are told apart by what is released of them only.
    per_row = inside.with_columns(
        hashed(person, SUBJECT_HEX).alias(SUBJECT),
        hashed([*person, *(_text(name) for name in told)], DIGEST_HEX).alias(DIGEST),
    )
    persons = per_row.group_by(REGION, CELL, SUBJECT).agg(
        pl.len().cast(pl.Int64).alias(ROWS),
        pl.col(DIGEST).sort().str.join("").alias(DIGEST),
    )
    return keyed, persons.select(REGION, CELL, SUBJECT, ROWS, DIGEST)


def _in_classes(frame: pl.DataFrame, labels: list[pl.Expr]) -> pl.DataFrame:
    texts = [label.cast(pl.String).fill_null(ABSENT) for label in labels]
    name = pl.concat_str(texts, separator=SEPARATOR)
    return frame.with_columns(name.alias(REGION), name.alias(CELL))


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null(ABSENT)
