"""What the platform knows of a scene, whichever catalogue told of it.

What belongs here: the shape of a scene and of a question, and the port that catalogues
implement. How a catalogue is asked is each adapter's work; no bytes are fetched here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from lrtzc_pipelines.errors import LrtzcError

_NAME = re.compile(
    r"^S2[A-D]_MSIL2A_(?P<sensed>\d{8}T\d{6})_N(?P<baseline>\d{4})_R\d{3}"
    r"_T(?P<tile>[0-9]{2}[A-Z]{3})_\d{8}T\d{6}$"
)
"""Name of a Sentinel-2 Level-2A product, without `.SAFE`."""


class CatalogError(LrtzcError):
    """A catalogue could not be read, or tells of a scene in a way nobody can use."""


@dataclass(frozen=True)
class SceneName:
    """What the name of a product says; catalogues put other times beside it.

    Attributes:
        id: The name, without `.SAFE`: letters, digits and underscores.
        tile: Tile of the military grid.
        sensed_at: UTC time at which the overpass began.
        baseline: Processing version, such as `05.11`.
    """

    id: str
    tile: str
    sensed_at: datetime
    baseline: str

    @classmethod
    def parse(cls, text: str) -> SceneName:
        """What a name says.

        Raises:
            ValueError: it is not that of a Level-2A product.
        """
        name = text.removesuffix(".SAFE")
        found = _NAME.match(name)
        if found is None:
            msg = f"{name[:80]!r} is no name of a Sentinel-2 Level-2A product"
            raise ValueError(msg)
        sensed = datetime.strptime(found["sensed"], "%Y%m%dT%H%M%S")  # noqa: DTZ007
        digits = found["baseline"]
        return cls(
            name,
            found["tile"],
            sensed.replace(tzinfo=UTC),
            f"{digits[:2]}.{digits[2:]}",
        )


@dataclass(frozen=True)
class SceneAsset:
    """One file of a scene.

    Attributes:
        name: Band (`B04`, `SCL`), or `product` for the archive of all.
        href: Address of the file over HTTPS.
        resolution: Metres of a pixel's side; None for what is no raster.
        scale: What a stored number is multiplied by to be a reflectance.
        offset: What is added then. It was not always zero, and is not the same in all
            copies of a scene: forgetting it is the largest silent error there is.
        size: Bytes that are announced, if any are.
        checksum: Multihash that is announced, as it is written, if one is.
    """

    name: str
    href: str
    resolution: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class Scene:
    """One scene of a tile.

    Attributes:
        id: Name of the product, without `.SAFE`.
        tile: Tile of the military grid, such as `30TXS`.
        sensed_at: UTC time of the overpass.
        published_at: UTC time since which the catalogue has this version of it.
        cloud_cover: Percent of the tile under clouds, if it is told.
        processing_version: Baseline, such as `05.11`; a later one replaces an earlier.
        catalog: Which catalogue told of it.
        geometry: GeoJSON of its footprint (WGS84).
        assets: Its files by name.
    """

    id: str
    tile: str
    sensed_at: datetime
    published_at: datetime
    cloud_cover: float | None
    processing_version: str
    catalog: str
    geometry: Mapping[str, Any] = field(repr=False)
    assets: Mapping[str, SceneAsset] = field(repr=False)

    @property
    def overpass(self) -> tuple[str, datetime]:
        """Tile and time: versions of one scene share them."""
        return self.tile, self.sensed_at


@dataclass(frozen=True)
class SceneQuery:
    """Which scenes are asked for.

    Attributes:
        area: GeoJSON geometry that footprints intersect (WGS84).
        start: Earliest overpass, UTC.
        end: Latest overpass, UTC.
        tile: Tile, since neighbours overlap and would count a place twice.
        max_cloud_cover: Percent of the tile at most.
        published_after: Only what was published after that, UTC: scenes come late,
            and are processed again years after.
    """

    area: Mapping[str, Any]
    start: datetime
    end: datetime
    tile: str | None = None
    max_cloud_cover: float = 100.0
    published_after: datetime | None = None

    def wants(self, scene: Scene) -> bool:
        """Whether a scene is asked for, by all that it says of itself.

        Catalogues differ in what they can be asked, so the exact answer is given here.
        """
        return (
            self.start <= scene.sensed_at <= self.end
            and (self.tile is None or scene.tile == self.tile)
            and (scene.cloud_cover or 0.0) <= self.max_cloud_cover
            and (
                self.published_after is None
                or scene.published_at > self.published_after
            )
        )


class SceneCatalog(Protocol):
    """Somewhere scenes are listed."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def search(self, query: SceneQuery) -> list[Scene]:
        """The scenes that are asked for, by overpass and then by version.

        Raises:
            CatalogError: the catalogue did not answer, or not in a way that can be
                understood. No scenes is an answer, a broken catalogue is none.
        """


def newest_versions(scenes: list[Scene]) -> list[Scene]:
    """Of each overpass the scene with the latest processing, by overpass."""
    found: dict[tuple[str, datetime], Scene] = {}
    for scene in scenes:
        other = found.get(scene.overpass)
        if other is None or _version(scene) > _version(other):
            found[scene.overpass] = scene
    return sorted(found.values(), key=lambda scene: (scene.sensed_at, scene.tile))


def _version(scene: Scene) -> tuple[tuple[int, ...], datetime]:
    numbers = tuple(int(part) for part in re.findall(r"\d+", scene.processing_version))
    return numbers, scene.published_at
