"""Sources that are linked with one that is protected, and were released before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lrtzc_pipelines.errors import LrtzcError
from lrtzc_pipelines.sources.cell_protection import CellProtection
from lrtzc_pipelines.sources.spec import SourceSpec


@dataclass(frozen=True)
class Released:
    """A linked source as it was released: what is in it cannot be taken back.

    Attributes:
        spec: The source.
        validated: Parquet file of the rows it was made from (private).
        written: Parquet file of what went on.
    """

    spec: SourceSpec
    validated: Path
    written: Path

    @property
    def policy(self) -> CellProtection:
        """The tables that were released.

        Raises:
            LrtzcError: the source is protected otherwise.
        """
        if not isinstance(self.spec.protection, CellProtection):
            msg = f"{self.spec.label}: linked, but has no tables of cells"
            raise LrtzcError(msg)
        return self.spec.protection
