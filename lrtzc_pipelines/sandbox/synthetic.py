"""Answers from the invented world, in the protocols of the real services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from lrtzc_pipelines.sandbox import bikes, bus_calendar, webservice
from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.service import Answer, Origin
from lrtzc_pipelines.sandbox.territory import EPCI_SIREN
from lrtzc_pipelines.sandbox.webservice import PageRequest
from lrtzc_pipelines.sandbox.world import World

JSON = "application/json"
GEOJSON = "application/geo+json"
CSV = "text/csv"
_PAGES_KEPT = 64


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
            return Answer(webservice.failure(query), webservice.MEDIA_TYPE)
        return Answer(webservice.success(query, rows), webservice.MEDIA_TYPE)

    def ckan(self, query: Mapping[str, str]) -> Answer:
        """Records of the one resource there is."""
        if query.get("resource_id") != bus_calendar.RESOURCE_ID:
            message = f'Resource "{query.get("resource_id", "")}" was not found.'
            return Answer(bus_calendar.refusal(message, "Not Found Error"), JSON, 404)
        limit = query.get("limit", str(bus_calendar.DEFAULT_LIMIT))
        offset = query.get("offset", "0")
        if not (limit.isdecimal() and offset.isdecimal()):
            refused = bus_calendar.refusal("Invalid integer", "Validation Error")
            return Answer(refused, JSON, 409)
        body = bus_calendar.found(
            self.world.calendar_dates,
            query,
            min(int(limit), bus_calendar.MAX_LIMIT),
            int(offset),
        )
        return Answer(body, JSON)

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

    def summary(self) -> dict[str, Any]:
        """Seed and rows by source."""
        counts = self.world.row_counts()
        return {
            "seed": self.world.seed,
            "rows": counts,
            "total_rows": sum(counts.values()),
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
