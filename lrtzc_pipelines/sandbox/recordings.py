"""Which recorded answers a directory holds, found by name in one walk.

`<db>-<table>[-<offset>].xml` is a page of the legacy web service, a JSON file with a
`result.resource_id` a CKAN answer, `gbfs.json` and its feeds are GBFS; CSV and GeoJSON
files go by their names. Nothing here serves anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from lrtzc_pipelines.errors import SettingsError

GBFS_FEEDS = ("gbfs", "station_information", "station_status")
_PAGE_NAME = re.compile(
    r"(?P<database>[^-]+)-(?P<table>.+?)(?:-(?P<offset>\d+))?\.xml", re.IGNORECASE
)
_CONTOURS_NAME = re.compile(r".*communes.*(?<!\d)28(?!\d).*\.geojson|communes\.geojson")
# A CKAN answer announces itself early; larger files are not read to find out.
_CKAN_MARK = b'"result"'
_CKAN_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Recordings:
    """Recorded answers of a directory.

    Attributes:
        directory: Where they were looked for.
        tables: Pages by offset, by database and table.
        resources: CKAN answers by resource id.
        feeds: GBFS files by feed name, `gbfs` being the discovery file.
        files: CSV and GeoJSON files by name.
        contours: GeoJSON of the agglomeration's communes.
    """

    directory: Path
    tables: dict[tuple[str, str], dict[int, Path]] = field(default_factory=dict)
    resources: dict[str, Path] = field(default_factory=dict)
    feeds: dict[str, Path] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    contours: Path | None = None

    def summary(self) -> dict[str, object]:
        """Names and numbers of what was found."""
        return {
            "tables": {
                f"{database}.{table}": len(pages)
                for (database, table), pages in sorted(self.tables.items())
            },
            "resources": sorted(self.resources),
            "feeds": sorted(self.feeds),
            "files": sorted(self.files),
            "contours": self.contours.name if self.contours else None,
        }


def find_recordings(directory: Path) -> Recordings:
    """Everything servable below `directory`; of two equal names the shallower wins.

    Raises:
        SettingsError: no such directory, or nothing in it is a known answer.
    """
    if not directory.is_dir():
        msg = f"{directory}: no such directory of recorded answers"
        raise SettingsError(msg)
    paths = [path for path in directory.rglob("*") if path.is_file()]
    paths.sort(key=lambda path: (len(path.parts), path))
    found = Recordings(directory, contours=_contours(paths))
    for path in paths:
        _file(found, path)
    if not (found.tables or found.resources or found.feeds or found.files):
        msg = (
            f"{directory}: no recorded answer here: expected pages named "
            "<db>-<table>[-<offset>].xml, CKAN or GBFS JSON, CSV or GeoJSON files"
        )
        raise SettingsError(msg)
    return found


def _file(found: Recordings, path: Path) -> None:
    match path.suffix.lower():
        case ".xml":
            if name := _PAGE_NAME.fullmatch(path.name):
                pages = found.tables.setdefault((name["database"], name["table"]), {})
                pages.setdefault(int(name["offset"] or 1), path)
        case ".csv" | ".geojson":
            found.files.setdefault(path.name, path)
        case ".json" if path.stem in GBFS_FEEDS:
            found.feeds.setdefault(path.stem, path)
        case ".json":
            if resource := _resource_id(path):
                found.resources.setdefault(resource, path)


def _contours(paths: list[Path]) -> Path | None:
    return next((path for path in paths if _CONTOURS_NAME.fullmatch(path.name)), None)


def _resource_id(path: Path) -> str | None:
    """The resource a JSON file answers for; None if it is no CKAN answer."""
    with path.open("rb") as file:
        if _CKAN_MARK not in file.read(_CKAN_HEAD_BYTES):
            return None
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return None
    result = document.get("result") if isinstance(document, dict) else None
    resource = result.get("resource_id") if isinstance(result, dict) else None
    return str(resource) if resource else None
