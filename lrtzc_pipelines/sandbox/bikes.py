"""Invented bike stations in GBFS 3.0: names and counts are made up, communes real.

Station ids start with `sandbox-`, so that no map takes them for Yélo's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Any

import numpy as np
from shapely.geometry import Point, Polygon

from lrtzc_pipelines.sandbox.draws import AS_OF, generator
from lrtzc_pipelines.sandbox.territory import (
    CENTRAL_COMMUNE,
    COMMUNES,
    Commune,
    outlines,
)

STATIONS = 60
NOT_RENTING = 2
FEEDS = ("station_information", "station_status")
_SPREAD_DEGREES = (0.014, 0.010)
_KINDS = ("Place", "Halte", "Esplanade", "Parvis", "Square", "Carrefour", "Mail")
_NAMES = (
    "des Salicornes",
    "du Bécasseau",
    "de l'Estran",
    "des Sternes",
    "de la Balise",
    "du Cabestan",
    "de l'Amer Jaune",
    "de la Vasière",
    "des Oyats",
    "de l'Embrun",
    "du Cormoran",
    "de la Gabare",
)
_WINTER_TIME = timezone(timedelta(hours=1))


@dataclass(frozen=True)
class Station:
    """A station and what stands in it at the sandbox's moment."""

    station_id: str
    name: str
    longitude: float
    latitude: float
    capacity: int
    bikes: int
    disabled_bikes: int
    renting: bool
    reported_seconds_ago: int


def stations(seed: int) -> list[Station]:
    """Every station: one per commune at least, the others by population."""
    rng = generator(seed, "bikes")
    shapes = outlines()
    communes = list(COMMUNES)
    inhabitants = np.array([c.population_municipal for c in communes], dtype=float)
    more = rng.choice(
        len(communes), STATIONS - len(communes), p=inhabitants / inhabitants.sum()
    )
    communes += [communes[number] for number in more]
    places = [f"{kind} {name}" for kind in _KINDS for name in _NAMES]
    rng.shuffle(places)
    closed = rng.choice(STATIONS, NOT_RENTING, replace=False)
    found = [
        _station(rng, commune, shapes[commune.code], place)
        for commune, place in zip(communes, places, strict=False)
    ]
    return [
        replace(one, station_id=f"sandbox-{n + 1:03d}", renting=n not in closed)
        for n, one in enumerate(found)
    ]


def _station(
    rng: np.random.Generator, commune: Commune, outline: Polygon, place: str
) -> Station:
    """A renting station that has no id yet."""
    longitude, latitude = _position(rng, commune, outline)
    capacity = int(rng.choice([8, 10, 12, 14, 16, 20, 24]))
    disabled = int(rng.choice([0, 0, 0, 1, 2]))
    return Station(
        station_id="",
        name=place if commune.code == CENTRAL_COMMUNE else f"{commune.name}, {place}",
        longitude=longitude,
        latitude=latitude,
        capacity=capacity,
        bikes=int(rng.integers(0, capacity - disabled + 1)),
        disabled_bikes=disabled,
        renting=True,
        reported_seconds_ago=int(rng.integers(5, 900)),
    )


def _position(
    rng: np.random.Generator, commune: Commune, outline: Polygon
) -> tuple[float, float]:
    """A point near the centre, inside the outline."""
    centre = np.array([commune.longitude, commune.latitude])
    away = rng.normal(0.0, 0.5, 2) * _SPREAD_DEGREES
    while not outline.contains(Point(centre + away)):
        away = away / 2
    longitude, latitude = (centre + away).round(6).tolist()
    return longitude, latitude


def discovery(feed_urls: Mapping[str, str]) -> bytes:
    """The discovery file, naming each feed at the given address."""
    feeds = [{"name": name, "url": url} for name, url in feed_urls.items()]
    return _feed({"feeds": feeds})


def station_information(found: Iterable[Station]) -> bytes:
    """The `station_information` feed."""
    return _feed(
        {
            "stations": [
                {
                    "station_id": s.station_id,
                    "name": [{"text": s.name, "language": "fr"}],
                    "lat": s.latitude,
                    "lon": s.longitude,
                    "is_virtual_station": False,
                    "capacity": s.capacity,
                }
                for s in found
            ]
        }
    )


def station_status(found: Iterable[Station]) -> bytes:
    """The `station_status` feed."""
    return _feed({"stations": [_status(station) for station in found]})


def _status(station: Station) -> dict[str, Any]:
    docks = station.capacity - station.bikes - station.disabled_bikes
    return {
        "station_id": station.station_id,
        "num_vehicles_available": station.bikes if station.renting else 0,
        "num_vehicles_disabled": station.disabled_bikes
        + (0 if station.renting else station.bikes),
        "num_docks_available": docks,
        "num_docks_disabled": 0,
        "is_installed": True,
        "is_renting": station.renting,
        "is_returning": station.renting,
        "last_reported": _moment(station.reported_seconds_ago),
    }


def _moment(seconds_ago: int = 0) -> str:
    moment = AS_OF - timedelta(seconds=seconds_ago)
    return moment.astimezone(_WINTER_TIME).isoformat()


def _feed(data: Mapping[str, Any]) -> bytes:
    feed = {"last_updated": _moment(), "ttl": 60, "version": "3.0", "data": data}
    return json.dumps(feed, ensure_ascii=False).encode()
