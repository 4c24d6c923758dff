"""The one list of scenes that every kind of catalogue shows, and what asks for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pyproj
import shapely
from shapely.geometry import box, mapping

from lrtzc_pipelines.sandbox.imagery.landscape import CRS
from lrtzc_pipelines.sandbox.imagery.overpasses import Overpass
from lrtzc_pipelines.sandbox.imagery.products import Products

_NODE = re.compile(r"/Nodes\('?([^')]+)'?\)")


@dataclass(frozen=True)
class Archive:
    """Scenes and their files.

    Attributes:
        scenes: Every product, withdrawn ones included, by the time it was listed.
        products: Their files.
    """

    scenes: tuple[Overpass, ...]
    products: Products

    @cached_property
    def footprint(self) -> shapely.Geometry:
        """What every scene covers (WGS84): the sandbox cuts tiles to the territory."""
        west, south, east, north = self.products.landscape.grid.bounds
        project = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
        flat = box(west, south, east, north)
        return shapely.transform(flat, project.transform, interleaved=False)

    @property
    def geometry(self) -> dict[str, object]:
        """The footprint as GeoJSON."""
        return dict(mapping(self.footprint))

    @property
    def listed(self) -> list[Overpass]:
        """The scenes that are there."""
        return [one for one in self.scenes if not one.is_withdrawn]

    def find(
        self,
        *,
        area: shapely.Geometry | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        cloud: float = 100.0,
        published_after: datetime | None = None,
    ) -> list[Overpass]:
        """The scenes that are asked for, the newest overpass first."""
        if area is not None and not area.intersects(self.footprint):
            return []
        found = [
            one
            for one in self.listed
            if (start is None or one.sensed_at >= start)
            and (end is None or one.sensed_at <= end)
            and one.cloud_share * 100 <= cloud
            and (published_after is None or one.published_at > published_after)
        ]
        return sorted(found, key=lambda one: (one.sensed_at, one.id), reverse=True)

    def by_name(self, name: str) -> Overpass | None:
        """The scene of a name."""
        wanted = name.removesuffix(".SAFE")
        return next((one for one in self.listed if one.id == wanted), None)

    def by_uuid(self, uuid: str) -> Overpass | None:
        """The scene that hubs call so."""
        return next((one for one in self.listed if one.uuid == uuid), None)

    def node(self, one: Overpass, path: str) -> bytes | None:
        """The file behind a path of nodes, as in `/Nodes(X.SAFE)/Nodes(a)/Nodes(b)`."""
        names = _NODE.findall(path)
        if not names or names[0] != f"{one.id}.SAFE":
            return None
        return self.products.files(one).get("/".join(names[1:]))


def node_path(one: Overpass, path: str, *, quote: str = "") -> str:
    """A path of nodes to a file below the `.SAFE` folder."""
    names = [f"{one.id}.SAFE", *path.split("/")]
    return "/".join(f"Nodes({quote}{name}{quote})" for name in names)
