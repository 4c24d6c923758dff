"""Answers from the invented world, in the protocols of the real services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from http import HTTPStatus
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

from lrtzc_pipelines.sandbox import bikes, bus_calendar, webservice
from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.protocols import ckan
from lrtzc_pipelines.sandbox.service import Answer, Origin
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sandbox.territory import EPCI_SIREN
from lrtzc_pipelines.sandbox.webservice import PageRequest
from lrtzc_pipelines.sandbox.world import World

JSON = "application/json"
GEOJSON = "application/geo+json"
CSV = "text/csv"
_PAGES_KEPT = 64

_MANNERS: dict[str, dict[str, Any]] = {
    # Every answer is made anew and has no version; GeoServer's web.xml compresses JSON.
    "wfs": {"has_etag": False, "is_packed": True},
    # Compressed by Kuzzle itself, whoever asks for it.
    "kuzzle": {"has_etag": False, "is_packed": True},
    # PostgREST has no ETags (its issue 1176), nor has Django without the middleware
    # that makes them, which the RNB does not load.
    "postgrest": {"has_etag": False},
    "rnb": {"has_etag": False},
    # It says when a dataset was last finalized, in Last-Modified, and nothing else.
    "data_fair": {"has_etag": False},
}
"""What services are known to do for all their answers, where it is not the rule here.

What does not offer validators must not be made to here: then collecting from it twice
would look cheaper than it is.
"""


@dataclass(frozen=True)
class SyntheticService:
    """The invented world behind the questions of `Service`."""

    world: World

    @property
    def origin(self) -> Origin:
        """Always `synthetic`."""
        return "synthetic"

    def webservice(self, query: str) -> Answer:
        """A page of a table; refusals are `code=7` with HTTP 200, as in reality."""
        request = webservice.read_request(query)
        rows = self._rows(request) if request else None
        if rows is None:
            question = Question("GET", "", dict(parse_qsl(query)))
            refusal = Answer(webservice.failure(query), webservice.MEDIA_TYPE)
            return self.ask("larochelle_webservice", question) or refusal
        return Answer(webservice.success(query, rows), webservice.MEDIA_TYPE)

    def ckan(self, query: Mapping[str, str]) -> Answer:
        """Records of the bus calendar, or of a resource that has a recipe."""
        if query.get("resource_id") == bus_calendar.RESOURCE_ID:
            calendar = self.world.calendar_dates
            return ckan.search(calendar, bus_calendar.COLUMNS, query)
        question = Question("GET", "datastore_search", query)
        return self.ask("larochelle_d4c", question) or ckan.unknown(query)

    def gbfs(self, feed: str, base_url: str) -> Answer | None:
        """The discovery file, station information or station status."""
        match feed:
            case "gbfs":
                urls = {name: f"{base_url}/{name}.json" for name in bikes.FEEDS}
                body = bikes.discovery(urls)
            case "station_information":
                body = bikes.station_information(self.world.stations)
            case "station_status":
                body = bikes.station_status(self.world.stations)
            case _:
                return None
        return Answer(body, JSON, last_modified=AS_OF)

    def file(self, endpoint_id: str, path: str) -> Answer | None:
        """One of the three files."""
        match endpoint_id, path:
            case "dgcl_banatic", "perimetre-epci-a-fp.csv":
                body, media_type = self.world.perimeter_csv, CSV
            case "agence_ore", "logement_conso2023.csv":
                body, media_type = self.world.electricity_csv, CSV
            case "geo_api_gouv", where if where == f"epcis/{EPCI_SIREN}/communes":
                body, media_type = self.world.contours_geojson, GEOJSON
            case _:
                return None
        return Answer(body, media_type, last_modified=AS_OF)

    def ask(self, endpoint_id: str, question: Question) -> Answer | None:
        """The answer of the first kind of connector whose counterpart has one.

        A refusal counts only if no other kind has better to say.
        """
        recipes = self.world.recipes
        refusal = None
        for kind in recipes.kinds(endpoint_id):
            tables = recipes.tables(endpoint_id, kind, question)
            answer = _protocol(kind)(tables, question)
            answer = answer and replace(answer, **_MANNERS.get(kind, {}))
            if answer and answer.status < HTTPStatus.BAD_REQUEST:
                return answer
            refusal = refusal or answer
        return refusal

    def summary(self) -> dict[str, Any]:
        """Seed and rows by source, and what is not served."""
        counts = self.world.row_counts()
        return {
            "seed": self.world.seed,
            "rows": counts,
            "total_rows": sum(counts.values()),
            "not_served": self.world.not_served(),
        }

    @cached_property
    def _rows(self) -> Callable[[PageRequest], str | None]:
        """Rendered rows of a page, the latest kept in memory."""
        return lru_cache(maxsize=_PAGES_KEPT)(self._render)

    def _render(self, request: PageRequest) -> str | None:
        """Rows of a page, none past the end; None if there is no such table."""
        frame = self.world.table(request.database, request.table)
        if frame is None:
            return None
        return webservice.rows_xml(frame.slice(request.offset - 1, request.limit))


def _protocol(kind: str) -> Callable[[Mapping[str, Table], Question], Answer | None]:
    # Imported when used: a sandbox that is asked for one source needs one protocol.
    module = import_module(f"lrtzc_pipelines.sandbox.protocols.{kind}")
    answer: Callable[[Mapping[str, Table], Question], Answer | None] = module.answer
    return answer
