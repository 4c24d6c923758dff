"""The whole invented world: one seed, every dataset, each made when first asked for.

What a dataset contains is decided by the module of its topic; how it travels is
`synthetic`'s and `server`'s work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from lrtzc_pipelines.sandbox import (
    bikes,
    buildings,
    bus_calendar,
    electricity,
    parking,
    perimeter,
    territory,
)
from lrtzc_pipelines.sandbox.planted import planted_communes
from lrtzc_pipelines.sandbox.recipe_sources import RecipeSources

DEFAULT_SEED = 2040


@dataclass(frozen=True)
class World:
    """Every dataset the sandbox serves; equal seeds give equal bytes.

    Attributes:
        seed: Equal seeds give equal bytes.
        canaries: Whether canaries are planted in the personal sources.
    """

    seed: int = DEFAULT_SEED
    canaries: bool = False

    @cached_property
    def communes(self) -> pl.DataFrame:
        """The city's list of the communes, in its own spelling and order."""
        if self.canaries:
            return planted_communes(self.seed).frame
        return territory.city_list()

    @cached_property
    def buildings(self) -> pl.DataFrame:
        """The inventory of municipal buildings."""
        return buildings.inventory(self.seed)

    @cached_property
    def parking(self) -> pl.DataFrame:
        """The history of the car parks, row by row as it is served."""
        return parking.history(self.seed)

    @cached_property
    def calendar_dates(self) -> list[dict[str, Any]]:
        """Records of the bus calendar."""
        return bus_calendar.calendar_dates(self.seed)

    @cached_property
    def stations(self) -> list[bikes.Station]:
        """Bike stations."""
        return bikes.stations(self.seed)

    @cached_property
    def epcis(self) -> list[perimeter.Epci]:
        """La Rochelle and the fictive EPCIs."""
        return perimeter.epcis(self.seed)

    @cached_property
    def perimeter_csv(self) -> bytes:
        """The perimeter file."""
        return perimeter.perimeter_csv(self.epcis)

    @cached_property
    def electricity_csv(self) -> bytes:
        """The file of dwellings' electricity."""
        return electricity.consumption_csv(self.seed, self.epcis)

    @cached_property
    def contours_geojson(self) -> bytes:
        """Schematic outlines of the communes; the same for every seed."""
        return territory.contours_geojson()

    @cached_property
    def recipes(self) -> RecipeSources:
        """The sources that have no module here but a recipe."""
        return RecipeSources(self.seed, self.canaries)

    def table(self, database: str, table: str) -> pl.DataFrame | None:
        """A table of the legacy web service; None if it has no such table."""
        match database, table:
            case "decoupadmin", "decoupage_cda_liste":
                return self.communes
            case "patrimoine", "pat_bati":
                return self.buildings
            case "stationnement", "disponibilite_parking_historique":
                return self.parking
        return None

    def row_counts(self) -> dict[str, int]:
        """Rows served by source id, repeats included, as a client would count them.

        The perimeter's closing line of empty cells is not counted.
        """
        return self.recipes.row_counts() | {
            "dgcl_epci_perimeter": sum(len(epci.members) for epci in self.epcis),
            "geo_commune_contours": len(territory.COMMUNES),
            "larochelle_agglomeration_communes": self.communes.height,
            "larochelle_parking_history": self.parking.height,
            "larochelle_public_buildings": self.buildings.height,
            "ore_residential_electricity": self.electricity_csv.count(b"\n") - 1,
            "yelo_bike_stations": len(self.stations),
            "yelo_calendar_dates": len(self.calendar_dates),
        }

    def not_served(self) -> dict[str, str]:
        """Declared sources that the sandbox does not play, and what it would take."""
        served = self.row_counts()
        return {
            source_id: hint
            for source_id, hint in self.recipes.hints()
            if source_id not in served
        }
