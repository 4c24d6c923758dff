"""Scenes of a STAC API: Copernicus Data Space, or Earth Search where that is down.

pystac-client speaks the protocol. What is added: how long it may take, that nothing a
remote answer says leads to a private address or a file of this machine, and that a
catalogue that is broken is an error and not an empty list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pystac import STACError
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from urllib3.util import Retry

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.imagery.scenes import CatalogError, Scene, SceneQuery
from lrtzc_pipelines.imagery.stac_items import scene_of

_COLLECTION = "sentinel-2-l2a"
_PAGE = 100
_MOST_SCENES = 20_000
_SECONDS = (10.0, 60.0)
_RETRIED = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class StacCatalog:
    """A STAC API with Sentinel-2 Level-2A.

    Attributes:
        target: Its address, and who asks.
        tells_published: Whether it can be asked by when a scene was published.
        backoff: Seconds before a second try, doubled each time.
    """

    target: Target
    tells_published: bool = True
    backoff: float = 1.0

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.target.endpoint_id

    def search(self, query: SceneQuery) -> list[Scene]:
        """The scenes that are asked for, by overpass and then by version.

        Raises:
            CatalogError: the catalogue did not answer, or not in a way that can be
                understood.
            SettingsError: nobody said whom the service may write to.
        """
        self.target.require_contact()
        try:
            items = list(self._items(query))
        except (APIError, STACError, ValueError, KeyError, TypeError) as error:
            msg = (
                f"{self.name}: {self.target.shown(f'{type(error).__name__}: {error}')}"
            )
            raise CatalogError(msg) from error
        if len(items) >= _MOST_SCENES:
            msg = f"{self.name}: more than {_MOST_SCENES} scenes: ask for fewer"
            raise CatalogError(msg)
        scenes = [scene_of(item, self.name) for item in items]
        wanted = [scene for scene in scenes if query.wants(scene)]
        return sorted(wanted, key=lambda scene: (scene.sensed_at, scene.id))

    def _items(self, query: SceneQuery) -> list[Mapping[str, Any]]:
        client = Client.open(
            self.target.base_url, stac_io=_Guarded(self.target, self.backoff)
        )
        asked: dict[str, Any] = {"eo:cloud_cover": {"lte": query.max_cloud_cover}}
        if query.published_after and self.tells_published:
            asked["published"] = {"gt": query.published_after.isoformat()}
        search = client.search(
            collections=[_COLLECTION],
            intersects=dict(query.area),
            datetime=(query.start, query.end),
            query=asked,
            limit=_PAGE,
            max_items=_MOST_SCENES,
        )
        return list(search.items_as_dicts())


class _Guarded(StacApiIO):
    """Requests that go where the operator, or a public address, is."""

    def __init__(self, target: Target, backoff: float) -> None:
        retry = Retry(
            total=3,
            backoff_factor=backoff,
            status_forcelist=_RETRIED,
            allowed_methods=("GET", "POST"),
            respect_retry_after_header=True,
        )
        super().__init__(
            headers={"User-Agent": target.user_agent},
            timeout=_SECONDS,
            max_retries=retry,
        )
        self._target = target
        # A redirect would be followed without being looked at.
        self.session.max_redirects = 0
        self.session.trust_env = not target.is_loopback

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """The answer at an address; never a file, whatever a link says."""
        href = str(getattr(source, "href", source))
        if not href.startswith(("http://", "https://")):
            msg = f"refused to read {href[:80]!r}, which is no web address"
            raise APIError(msg)
        return str(super().read_text(source, *args, **kwargs))

    def request(self, href: str, *args: Any, **kwargs: Any) -> str:
        """The answer at an address that may be asked.

        `Client` replaces a modifier of requests, so they are looked at here.
        """
        own = self._target.rebase(href)
        try:
            self._target.check(own)
        except FetchError as error:
            raise APIError(str(error)) from error
        return _sound(str(super().request(own, *args, **kwargs)))


def _sound(answer: str) -> str:
    """An answer that is a catalogue or a page of scenes: anything else has none.

    pystac-client takes what has no features for a page without any.
    """
    told = json.loads(answer)
    is_catalog = isinstance(told, dict) and told.get("type") == "Catalog"
    if not is_catalog and not isinstance(dict(told).get("features"), list):
        msg = "the answer is neither a catalogue nor a list of scenes"
        raise APIError(msg)
    return answer
