"""Sources that are linked with one that is protected, and were released before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.cell_units import unit_rows
from lrtzc_pipelines.privacy.grid import with_points
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.table_republishing import changed_regions
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, ValidatedState, read_state


@dataclass(frozen=True)
class Released:
    """A linked source as it was released: what is in it cannot be taken back.

    Attributes:
        spec: The source.
        validated: Parquet file of its rows (private); None if they are gone.
        cells: Every cell as it was last released, with `_region`.
        changed: Regions whose rows are others now than those that were released.
    """

    spec: SourceSpec
    validated: Path | None
    cells: pl.DataFrame
    changed: frozenset[str] = frozenset()

    @property
    def policy(self) -> CellProtection:
        """The tables that were released."""
        return _policy(self.spec)

    @property
    def held(self) -> pl.DataFrame:
        """Its validated rows; none if they are gone."""
        if self.validated is None:
            schema = {column.name: TYPES[column.type] for column in self.spec.columns}
            return pl.DataFrame(schema=schema)
        return pl.read_parquet(self.validated)

    @property
    def units(self) -> pl.DataFrame:
        """What each firm contributes, as `unit_rows` gives it."""
        return unit_rows(with_points(self.held, self.policy.points), self.policy)


def linked_releases(
    spec: SourceSpec, layout: Layout, specs: Mapping[str, SourceSpec], origin: str
) -> list[Released]:
    """What linked sources have published of the rows that they hold.

    Args:
        spec: A source.
        layout: Where everything is.
        specs: Sources by id; those that are not linked are not looked at.
        origin: Where the rows come from: invented data are not beside real ones.

    Raises:
        LrtzcError: a linked source has published something, and is not among `specs`.
    """
    found = []
    for other_id in spec.linked:
        ledger = Ledger(layout.ledger(origin, other_id), other_id)
        published = ledger.published()
        if published is None:
            continue
        if other_id not in specs:
            msg = f"{spec.label}: linked with {other_id}, which is no source"
            raise LrtzcError(msg)
        folder = layout.validated(other_id)
        held = read_state(ValidatedState, folder)
        rows = folder / DATA if held and held.origin == origin else None
        one = Released(specs[other_id], rows, published)
        changed = changed_regions(one.units, one.policy, ledger)
        found.append(Released(one.spec, rows, published, changed))
    return found


def _policy(spec: SourceSpec) -> CellProtection:
    if not isinstance(spec.protection, CellProtection):
        msg = f"{spec.label}: linked, but has no tables of cells"
        raise LrtzcError(msg)
    return spec.protection
