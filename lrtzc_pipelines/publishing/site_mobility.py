"""The page's sections on mobility: car parks over time, bike stations on a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lrtzc_pipelines.publishing import site_text as text
from lrtzc_pipelines.publishing.charts import Panel, history_panel, profile_panel
from lrtzc_pipelines.publishing.map import Map, Outline, draw_maps
from lrtzc_pipelines.publishing.site_data import (
    Commune,
    SourceStatus,
    StationStatus,
    drawable,
)
from lrtzc_pipelines.publishing.site_parking import DAY_TYPES, CarPark, Parking
from lrtzc_pipelines.publishing.site_table import Table, TableGroup

HOURS_OF_DAY = 24


@dataclass(frozen=True)
class DrawnCarPark:
    """A car park's two panels."""

    name: str
    capacity: str
    history: Panel
    profile: Panel


@dataclass(frozen=True)
class ParkingSection:
    """The section on car parks.

    Attributes:
        day_types: CSS class and French name of each line of a profile.
        least_hours: Hours under which a mean is left out.
    """

    car_parks: Sequence[DrawnCarPark]
    day_types: Sequence[tuple[str, str]]
    noun: str
    least_hours: int
    period: str
    profile_period: str
    measurements: str
    history_table: Table
    profile_table: Table


@dataclass(frozen=True)
class BikeSection:
    """The section on bike stations.

    Attributes:
        descriptions: What a screen reader says of each map.
        undrawn: Which stations the maps lack, if any.
    """

    maps: Sequence[Map]
    descriptions: Sequence[str]
    has_stations: bool
    summary: str
    outline_note: str
    undrawn: str
    updated_at: str
    table: Table


def parking_section(parking: Parking | None) -> ParkingSection | None:
    """The panels and tables of the car parks; None if nothing was measured."""
    if parking is None:
        return None
    return ParkingSection(
        car_parks=[_drawn(park, parking) for park in parking.car_parks],
        day_types=[
            (style, label)
            for style, label in zip(_styles(), DAY_TYPES.values(), strict=True)
        ],
        noun=parking.bucket.noun,
        least_hours=parking.bucket.least_hours,
        period=_period(parking.first_at, parking.last_at),
        profile_period=_period(parking.since, parking.last_at),
        measurements=text.counted(parking.measurement_count, "relevé"),
        history_table=_history_table(parking),
        profile_table=_profile_table(parking),
    )


def bike_section(
    outlines: Sequence[Outline],
    stations: Sequence[StationStatus],
    communes: Sequence[Commune],
    outline_source: SourceStatus | None,
) -> BikeSection:
    """The maps and the table of the bike stations."""
    placed = drawable(stations)
    names = {c.commune_code: c.commune_name for c in communes if c.commune_name}
    maps = draw_maps(
        [
            Outline(item.code, names.get(item.code, item.name), item.geojson)
            for item in outlines
        ],
        placed,
        {c.commune_code: c.population_municipal or 0 for c in communes},
    )
    missing = len(stations) - (len(maps[0].discs) if maps else 0)
    read_at = max(
        (s.feed_updated_at for s in stations if s.feed_updated_at), default=None
    )
    return BikeSection(
        maps=maps,
        descriptions=[_describe(drawn) for drawn in maps],
        has_stations=bool(stations),
        summary=_bike_summary(stations),
        outline_note=_outline_note(outlines, outline_source),
        undrawn=(
            f"{text.counted(missing, 'station')} hors du cadre ou sans position : "
            "voir le tableau."
            if missing
            else ""
        ),
        updated_at=text.moment(read_at) if read_at else "",
        table=_station_table(stations),
    )


def _styles() -> list[str]:
    return [f"series-{rank}" for rank in range(1, len(DAY_TYPES) + 1)]


def _drawn(park: CarPark, parking: Parking) -> DrawnCarPark:
    capacity = "capacité inconnue"
    if park.capacity is not None:
        capacity = text.counted(park.capacity, "place")
    return DrawnCarPark(
        name=park.name,
        capacity=capacity,
        history=history_panel(
            f"{park.name} ({capacity}) : part de places occupées, "
            f"moyenne par {parking.bucket.noun}",
            park.history,
            parking.bucket,
            parking.extent,
        ),
        profile=profile_panel(
            f"{park.name} ({capacity}) : part de places occupées selon l'heure",
            {
                style: (label, park.profiles[day])
                for style, (day, label) in zip(
                    _styles(), DAY_TYPES.items(), strict=True
                )
            },
        ),
    )


def _period(first: datetime, last: datetime) -> str:
    return f"du {text.day(first)} au {text.day(last)}"


def _history_table(parking: Parking) -> Table:
    bucket = parking.table_bucket
    indexes = sorted({index for park in parking.car_parks for index in park.table})
    return Table(
        element_id="table-occupation",
        summary=f"Les données de ces graphiques, par {bucket.noun}",
        caption=f"Part moyenne de places occupées par {bucket.noun} et par parking",
        columns=[bucket.noun.capitalize(), *(park.name for park in parking.car_parks)],
        groups=[
            TableGroup(
                "",
                [
                    [
                        bucket.label(index),
                        *(text.percent(p.table.get(index)) for p in parking.car_parks),
                    ]
                    for index in indexes
                ],
            )
        ],
    )


def _profile_table(parking: Parking) -> Table:
    return Table(
        element_id="table-profil",
        summary="Les données de ces graphiques, heure par heure",
        caption="Part moyenne de places occupées selon l'heure locale, par parking",
        columns=["Heure", *DAY_TYPES.values()],
        groups=[
            TableGroup(
                park.name,
                [
                    [
                        f"{hour}{text.HARD_SPACE}h",
                        *(text.percent(park.profiles[day][hour]) for day in DAY_TYPES),
                    ]
                    for hour in range(HOURS_OF_DAY)
                ],
            )
            for park in parking.car_parks
        ],
    )


def _describe(drawn: Map) -> str:
    empty = sum(disc.inner == 0 for disc in drawn.discs)
    out = sum(not disc.in_service for disc in drawn.discs)
    parts = [
        text.counted(len(drawn.shapes), "commune"),
        text.counted(len(drawn.discs), "station"),
        f"{empty} sans vélo",
        f"{out} hors service",
    ]
    return f"{', '.join(parts if drawn.discs else parts[:1])}."


def _bike_summary(stations: Sequence[StationStatus]) -> str:
    bikes = sum(s.bikes_available or 0 for s in stations if s.in_service)
    places = sum(s.places or 0 for s in stations if s.in_service)
    open_count = sum(s.in_service for s in stations)
    return (
        f"{text.counted(bikes, 'vélo')} pour {text.counted(places, 'place')} dans "
        f"{text.counted(open_count, 'station')} en service, sur {len(stations)}."
    )


def _outline_note(outlines: Sequence[Outline], source: SourceStatus | None) -> str:
    if not outlines:
        return "Contours des communes : pas encore collectés."
    if source is not None and source.origin == "sandbox":
        return "Contours schématiques, tracés depuis la position des mairies."
    return "Contours : IGN / Etalab."


def _station_table(stations: Sequence[StationStatus]) -> Table:
    return Table(
        element_id="table-velos",
        summary="Les données de cette carte, station par station",
        caption="État des stations de vélos en libre-service",
        columns=("Station", "Places", "Vélos", "Accroches libres", "État", "Relevé le"),
        groups=[
            TableGroup(
                "",
                [
                    [
                        item.station_name or item.station_id,
                        text.number(item.places),
                        text.number(item.bikes_available),
                        text.number(item.docks_available),
                        "en service" if item.in_service else "hors service",
                        text.moment(item.last_reported_at),
                    ]
                    for item in stations
                ],
            )
        ],
        is_numeric=False,
    )
