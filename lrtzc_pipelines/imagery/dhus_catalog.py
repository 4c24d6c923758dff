"""Scenes of a hub that runs DHuS, by the unmodified sentinelsat.

sentinelsat is under the GPL and only of use where such a hub is: it is an extra, and is
imported when a hub is asked. It finds scenes; it fetches none. Its own time limit is
never applied, so one is mounted; a hub takes short questions only, so the hull of the
area is sent, and footprints are compared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
import shapely
from requests.adapters import HTTPAdapter
from shapely.geometry import mapping, shape
from urllib3.util import Retry

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.imagery.scenes import (
    CatalogError,
    Scene,
    SceneAsset,
    SceneName,
    SceneQuery,
)
from lrtzc_pipelines.imagery.stac_items import PRODUCT

if TYPE_CHECKING:
    from sentinelsat import SentinelAPI

_SECONDS = (10.0, 60.0)
_RETRIED = (429, 500, 502, 503, 504)
_SIMPLER = 0.001
"""Degrees (100 m) by which the hull that is sent may be off; it is made larger."""


@dataclass(frozen=True)
class DhusCatalog:
    """A hub with an OpenSearch and an OData v1 interface.

    Attributes:
        target: Its address, and `user:password` as its key.
        backoff: Seconds before a second try, doubled each time.
    """

    target: Target
    backoff: float = 1.0

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.target.endpoint_id

    def search(self, query: SceneQuery) -> list[Scene]:
        """The scenes that are asked for, by overpass and then by version.

        Raises:
            CatalogError: the hub did not answer, or not in a way that can be
                understood.
            SettingsError: sentinelsat is not installed, or nobody said whom the hub
                may write to.
        """
        self.target.require_contact()
        area = shape(dict(query.area))
        api = self._api()
        try:
            found = api.query(
                area=_hull(area),
                date=(query.start, query.end),
                platformname="Sentinel-2",
                producttype="S2MSI2A",
                cloudcoverpercentage=(0, query.max_cloud_cover),
            )
            scenes = [self._scene(uuid, told) for uuid, told in found.items()]
        except _failures() as error:
            raise self._failed(error) from error
        wanted = [
            scene
            for scene in scenes
            if query.wants(scene) and shape(dict(scene.geometry)).intersects(area)
        ]
        return sorted(wanted, key=lambda scene: (scene.sensed_at, scene.id))

    def _failed(self, error: Exception) -> CatalogError:
        told = self.target.shown(f"{type(error).__name__}: {error}")
        return CatalogError(f"{self.name}: {told}")

    def _api(self) -> SentinelAPI:
        try:
            from sentinelsat import SentinelAPI  # noqa: PLC0415 - GPL, an extra
        except ImportError as error:
            msg = f"{self.name}: a DHuS hub needs `pip install lrtzc-pipelines[dhus]`"
            raise SettingsError(msg) from error
        user, _, password = self.target.key.partition(":")
        api = SentinelAPI(user, password, self.target.base_url, show_progressbars=False)
        retry = Retry(total=3, backoff_factor=self.backoff, status_forcelist=_RETRIED)
        for scheme in ("http://", "https://"):
            api.session.mount(scheme, _Bounded(max_retries=retry))
        # A redirect would be followed without being looked at.
        api.session.max_redirects = 0
        api.session.trust_env = not self.target.is_loopback
        api.session.headers["User-Agent"] = self.target.user_agent
        return api

    def _scene(self, uuid: str, told: Mapping[str, Any]) -> Scene:
        name = SceneName.parse(str(told["title"]))
        root = self.target.base_url.rstrip("/")
        address = f"{root}/odata/v1/Products('{quote(uuid)}')/$value"
        return Scene(
            id=name.id,
            tile=name.tile,
            sensed_at=name.sensed_at,
            published_at=_utc(told["ingestiondate"]),
            cloud_cover=float(told["cloudcoverpercentage"]),
            processing_version=name.baseline,
            catalog=self.name,
            geometry=mapping(shapely.from_wkt(told["footprint"])),
            assets={PRODUCT: SceneAsset(PRODUCT, address)},
        )


class _Bounded(HTTPAdapter):
    """Connections with a limit of time, which sentinelsat does not pass on."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Sends a request."""
        return super().send(*args, **{**kwargs, "timeout": _SECONDS})


def _failures() -> tuple[type[Exception], ...]:
    """What a hub that is down, or answers something else, ends in."""
    from sentinelsat.exceptions import SentinelAPIError  # noqa: PLC0415 - the same

    unusable = (KeyError, TypeError, ValueError, shapely.errors.ShapelyError)
    return (requests.RequestException, SentinelAPIError, *unusable)


def _hull(area: shapely.Geometry) -> str:
    """A short polygon around an area, as WKT."""
    hull = area.convex_hull.buffer(_SIMPLER, join_style="mitre").simplify(_SIMPLER)
    return str(shapely.to_wkt(hull, rounding_precision=5))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
