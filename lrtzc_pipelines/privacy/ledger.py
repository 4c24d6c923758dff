"""The ledger of releases: what was let go on before, and made of whose data.

Two releases that differ by one person tell of that person, whatever each of them keeps
to. So what was published stays as it is until enough persons changed. The ledger is
private: it holds keyed hashes of persons, under a salt that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.layout import PRIVATE_DIR_MODE
from lrtzc_pipelines.privacy.contributions import REGION
from lrtzc_pipelines.privacy.salts import salt
from lrtzc_pipelines.storage import read_json, replacing, write_json

_SERIES, _SALT = "series.json", "salt"
_CELLS, _PERSONS = "cells.parquet", "persons.parquet"
_ASIDE = "until-"


@dataclass(frozen=True)
class Edition:
    """What one release changed.

    Attributes:
        folder: Where it is.
        cells: Cells of the regions that were new or changed, with `_region`, `_cell`.
        persons: Their contributions; None once these were forgotten.
    """

    folder: Path
    cells: pl.DataFrame
    persons: pl.DataFrame | None

    @property
    def cells_path(self) -> Path:
        """File of the cells."""
        return self.folder / _CELLS

    @property
    def persons_path(self) -> Path | None:
        """File of the contributions; None once these were forgotten."""
        return None if self.persons is None else self.folder / _PERSONS


@dataclass(frozen=True)
class Ledger:
    """The releases of a source, or of a day of it.

    Attributes:
        folder: Private folder.
        label: What messages call the source.
        invented: Whether its data are a sandbox's, which are about nobody.
    """

    folder: Path
    label: str
    invented: bool = False

    @property
    def salt(self) -> str:
        """Keys the hashes of persons, here and nowhere else; made at first."""
        return salt(self.folder / _SALT).hex()

    def check(self, series: dict[str, Any]) -> None:
        """Makes sure that what was released before was made by the same rules.

        Cells of other shapes overlap, and nobody could tell what their differences
        tell. Of invented data nobody need: they start a new series by themselves.

        Raises:
            PrivacyError: it was made by others.
        """
        before = self.series
        changed = sorted(k for k in series if series[k] != before.get(k))
        if before and changed and self.invented:
            self.restart(datetime.now(UTC))
        elif before and changed:
            msg = (
                f"{self.label}: {', '.join(changed)} of its protection changed, and "
                "what was released overlaps with what would be; if the data "
                "protection officer agrees, start a new series with "
                f"`lrtzc privacy restart {self.label.split()[0]}`"
            )
            raise PrivacyError(msg)

    @property
    def series(self) -> dict[str, Any]:
        """What the releases were made by; empty before the first."""
        return (read_json(self.folder / _SERIES) if self._folders() else None) or {}

    @property
    def series_number(self) -> int:
        """Which series of releases this is, from 1: those set aside come before."""
        return 1 + sum(1 for _ in self.folder.glob(f"{_ASIDE}*"))

    def editions(self) -> list[Edition]:
        """What each release changed, from the first."""
        return [_read(folder) for folder in self._folders()]

    def published(self) -> pl.DataFrame | None:
        """Every cell as it was last released; None before the first release."""
        found: pl.DataFrame | None = None
        for edition in self.editions():
            if found is None:
                found = edition.cells
                continue
            kept = found.join(edition.cells, on=REGION, how="anti", nulls_equal=True)
            found = pl.concat([kept, edition.cells], how="vertical_relaxed")
        return found

    def record(
        self, series: dict[str, Any], cells: pl.DataFrame, persons: pl.DataFrame
    ) -> None:
        """Writes down a release before it happens.

        Killed in between, a release that never happened counts as one: that holds
        back too much, never too little.

        Args:
            series: What the cells are made by.
            cells: Every cell of the regions that are new or changed.
            persons: Contributions to them.
        """
        write_json(self.folder / _SERIES, series)
        folders = self._folders()
        number = int(folders[-1].name) + 1 if folders else 1
        folder = self.folder / f"{number:05}"
        folder.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        # Cells last: an edition counts from then on.
        for name, frame in ((_PERSONS, persons), (_CELLS, cells)):
            with replacing(folder / name) as temporary:
                frame.write_parquet(temporary, compression="zstd")

    def forget(self, before: datetime) -> int:
        """Deletes who contributed to releases before a time; how many releases.

        What was released stays known, and then can never change again.
        """
        count = 0
        for folder in self._folders():
            written = datetime.fromtimestamp((folder / _CELLS).stat().st_mtime, UTC)
            if written < before and (folder / _PERSONS).exists():
                (folder / _PERSONS).unlink()
                count += 1
        return count

    def restart(self, now: datetime) -> Path | None:
        """Sets the releases aside and starts a new series; the folder of the old one.

        Persons of the old series are forgotten; its cells stay for the record. What
        was spent of a budget stays spent.
        """
        if not self._folders():
            return None
        self.forget(datetime.max.replace(tzinfo=UTC))
        aside = self.folder / f"{_ASIDE}{now:%Y%m%dT%H%M%SZ}"
        aside.mkdir(mode=PRIVATE_DIR_MODE)
        for path in (*self._folders(), self.folder / _SERIES):
            path.replace(aside / path.name)
        return aside

    def _folders(self) -> list[Path]:
        return sorted(self._every())

    def _every(self) -> Iterator[Path]:
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name.isdigit() and (path / _CELLS).exists():
                yield path


def _read(folder: Path) -> Edition:
    persons = folder / _PERSONS
    return Edition(
        folder,
        pl.read_parquet(folder / _CELLS),
        pl.read_parquet(persons) if persons.exists() else None,
    )
