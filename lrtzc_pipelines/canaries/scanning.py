"""Whether canaries got out: the public zone of a data directory, looked through whole.

Public here is everything that is not declared private: the anonymized layer, the
warehouse and its builds, releases and their pages, the logs, and Dagster's storage with
its events, runs and metadata. Nothing in it may tell of a canary, in any spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lrtzc_pipelines.canaries.encodings import needles
from lrtzc_pipelines.canaries.invented import Canary
from lrtzc_pipelines.canaries.matching import Matcher
from lrtzc_pipelines.canaries.reading import pieces
from lrtzc_pipelines.layout import PRIVATE_ZONE, Layout


@dataclass(frozen=True)
class Leak:
    """A canary that was found.

    Attributes:
        path: File.
        where: Part of it, such as a table and a column.
        canary: What was found.
        encoding: How it is written there.
    """

    path: Path
    where: str
    canary: Canary
    encoding: str


class Scanner:
    """Looks for canaries in files."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        """Prepares what to look for.

        Args:
            canaries: Every canary that was planted.
        """
        known = tuple(canaries)
        self._matcher = Matcher(needles(known))
        self._cells = {canary.value: canary for canary in known if canary.is_cell}

    def scan(self, paths: Iterable[Path]) -> Iterator[Leak]:
        """Every canary in every part of the files, once per part and encoding.

        Raises:
            LrtzcError: a file that cannot be looked into.
        """
        for path in paths:
            for piece in pieces(path):
                leaks = [
                    Leak(path, piece.where, needle.canary, needle.encoding)
                    for needle in self._matcher.find(piece.body)
                ]
                leaks += (
                    Leak(path, piece.where, self._cells[value], "cell")
                    for value in self._cells.keys() & piece.cells
                )
                yield from dict.fromkeys(leaks)


def files_at(places: Iterable[Path]) -> Iterator[Path]:
    """Every regular file at some places or below them; links are not followed.

    Raises:
        FileNotFoundError: there is nothing at one of the places.
    """
    for place in places:
        if not place.exists():
            msg = f"{place}: there is nothing to look at"
            raise FileNotFoundError(msg)
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not path.is_symlink():
                yield path


def public_files(layout: Layout) -> Iterator[Path]:
    """Every file of a data directory outside of its private zone."""
    return files_at(p for p in _inside(layout) if p.name not in PRIVATE_ZONE)


def private_files(layout: Layout) -> Iterator[Path]:
    """Every file of the private zone of a data directory."""
    return files_at(p for p in _inside(layout) if p.name in PRIVATE_ZONE)


def _inside(layout: Layout) -> list[Path]:
    return sorted(layout.data_dir.iterdir()) if layout.data_dir.is_dir() else []
