"""Extracts under pseudonyms: one file for each period, in the private zone only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.pseudonyms import Keyring
from lrtzc_pipelines.privacy.taking import LOCAL_ZONE, take
from lrtzc_pipelines.privacy.unicity import unicity
from lrtzc_pipelines.slicing import slices
from lrtzc_pipelines.sources.pseudonymised import Pseudonymised
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.storage import replacing

_FORMATS = {"month": "%Y-%m", "year": "%Y"}
_PERIOD = "_period"


@dataclass(frozen=True)
class Extract:
    """What was written of one period.

    Attributes:
        period: A year or a month.
        rows: Rows in it.
        unicity: By how many rows somebody knows of a person, the share of persons that
            they are enough to single out.
    """

    period: str
    rows: int
    unicity: dict[int, float]


def write_pseudonymised(
    spec: SourceSpec, layout: Layout, keyring: Keyring
) -> list[Extract]:
    """Writes a source's validated rows under pseudonyms, a file for each period.

    Raises:
        LrtzcError: the source declares no such extract, or has no validated rows.
    """
    policy = spec.pseudonymised
    if policy is None:
        msg = f"{spec.id}: declares no extract under pseudonyms (pseudonymised: …)"
        raise LrtzcError(msg)
    files = [layout.validated(*part.parts) / DATA for part in slices(spec, layout)]
    there = [file for file in files if file.exists()]
    if not there:
        msg = f"{spec.id}: no validated rows; run `lrtzc refresh` first"
        raise LrtzcError(msg)
    frame = pl.concat([pl.read_parquet(file, columns=_used(policy)) for file in there])
    folder = layout.pseudonymised(spec.id)
    told = []
    for period, rows in pseudonymised(spec.id, frame, policy, keyring):
        with replacing(folder / f"{period}.parquet") as temporary:
            rows.write_parquet(temporary, compression="zstd")
        person, known = policy.identifiers[0], list(policy.columns)
        told.append(Extract(period, rows.height, unicity(rows, person, known)))
    return told


def pseudonymised(
    source_id: str, frame: pl.DataFrame, policy: Pseudonymised, keyring: Keyring
) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each period under its own pseudonyms.

    Args:
        source_id: Source; pseudonyms differ from source to source.
        frame: Validated rows; those without a period are in none.
        policy: What the extract holds.
        keyring: Keys.

    Yields:
        The period, and its rows: pseudonyms, and what is taken of other columns,
        sorted by them so that their order tells nothing.
    """
    moment = pl.col(policy.period_of)
    if isinstance(frame.schema[policy.period_of], pl.Datetime):
        moment = moment.dt.convert_time_zone(LOCAL_ZONE)
    dated = frame.with_columns(
        moment.dt.strftime(_FORMATS[policy.rotation]).alias(_PERIOD)
    ).drop_nulls(_PERIOD)
    for (period,), rows in sorted(dated.partition_by(_PERIOD, as_dict=True).items()):
        key = keyring.key(policy.domain, source_id, str(period))
        done = rows.select(
            *(key.pseudonym(pl.col(name)).alias(name) for name in policy.identifiers),
            *(
                take(name, rows.schema[name], what).alias(name)
                for name, what in policy.columns.items()
            ),
        )
        yield str(period), done.sort(done.columns, nulls_last=True)


def _used(policy: Pseudonymised) -> list[str]:
    return list(dict.fromkeys(policy.used))
