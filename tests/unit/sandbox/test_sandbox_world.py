"""The invented world: the same for a seed, large enough, and wrong where it must be."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from lrtzc_pipelines.sandbox import bikes, disorder, parking
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.registry import load_sources

# What nobody is asked for over HTTP is left on the disk by the sandbox.
SOURCES = {
    name
    for name, spec in load_sources().items()
    if spec.connector.kind not in {"spool", "deposit"}
}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def history(world: World) -> pl.DataFrame:
    return world.parking


def page(history: pl.DataFrame, number: int) -> pl.DataFrame:
    return history.slice(number * disorder.PAGE_ROWS, disorder.PAGE_ROWS)


def test_same_seed_gives_the_same_parking_history(history: pl.DataFrame) -> None:
    assert World().parking.equals(history)


@pytest.mark.parametrize(
    "dataset", ["perimeter_csv", "electricity_csv", "contours_geojson"]
)
def test_same_seed_gives_the_same_file(world: World, dataset: str) -> None:
    assert getattr(World(), dataset) == getattr(world, dataset)


@pytest.mark.parametrize("dataset", ["calendar_dates", "stations", "epcis"])
def test_same_seed_gives_the_same_records(world: World, dataset: str) -> None:
    assert getattr(World(), dataset) == getattr(world, dataset)


def test_same_seed_gives_the_same_buildings(world: World) -> None:
    assert World().buildings.equals(world.buildings)


@pytest.mark.parametrize(
    "dataset", ["perimeter_csv", "electricity_csv", "calendar_dates", "stations"]
)
def test_another_seed_gives_other_values(world: World, dataset: str) -> None:
    assert getattr(World(seed=7), dataset) != getattr(world, dataset)


def test_another_seed_gives_another_parking_history(history: pl.DataFrame) -> None:
    assert not World(seed=7).parking.equals(history)


def test_row_counts_name_every_source(world: World) -> None:
    assert set(world.row_counts()) == SOURCES


def test_there_are_a_quarter_of_a_million_rows(world: World) -> None:
    assert sum(world.row_counts().values()) >= 250_000


def test_a_quarter_of_a_million_measurements_are_distinct(
    history: pl.DataFrame,
) -> None:
    assert history["dp_id"].n_unique() >= 250_000


@pytest.mark.parametrize("seed", [2040, 7])
def test_the_first_page_repeats_ids(seed: int) -> None:
    first = page(World(seed).parking, 0)
    assert first["dp_id"].n_unique() < first.height


@pytest.mark.parametrize("seed", [2040, 7])
def test_the_second_page_brings_rows_of_the_first_again(seed: int) -> None:
    history = World(seed).parking
    first, second = page(history, 0), page(history, 1)
    assert set(first["dp_id"]) & set(second["dp_id"])


def test_a_repeated_measurement_never_contradicts_itself(
    history: pl.DataFrame,
) -> None:
    assert history.unique().height == history["dp_id"].n_unique()


def test_hours_are_missing_between_some_pages(history: pl.DataFrame) -> None:
    moments = history["dp_date"].str.to_datetime().unique().sort()
    holes = moments.diff().drop_nulls() > timedelta(hours=1)
    assert holes.sum() >= 10


def test_some_pages_jump_back_in_time(history: pl.DataFrame) -> None:
    starts = history["dp_date"][:: disorder.PAGE_ROWS]
    assert not starts.is_sorted()


def test_nameless_rows_have_park_zero_and_no_capacity(history: pl.DataFrame) -> None:
    nameless = history.unique().filter(pl.col("dp_libelle") == "")
    assert nameless.height == parking.NAMELESS_ROWS
    assert nameless["dp_parc_id"].unique().to_list() == [0]
    assert nameless["dp_nb_places"].null_count() == nameless.height


def test_a_stuck_counter_shows_more_free_places_than_places(
    history: pl.DataFrame,
) -> None:
    overfull = history.unique().filter(
        pl.col("dp_place_disponible") > pl.col("dp_nb_places")
    )
    assert 1 <= overfull.height <= parking.OVERFULL_ROWS
    assert overfull["dp_libelle"].unique().to_list() == ["ENCAN"]


def test_car_parks_have_their_real_numbers_and_capacities(
    history: pl.DataFrame,
) -> None:
    named = history.filter(pl.col("dp_libelle") != "")
    found = set(named.select("dp_parc_id", "dp_nb_places").unique().rows())
    assert found == {(4, 430), (5, 430), (16, 567), (17, 611), (20, 241), (21, 172)}


def test_a_car_park_changes_its_name_along_the_series(history: pl.DataFrame) -> None:
    names = history.filter(pl.col("dp_parc_id") == 17)["dp_libelle"].unique()
    assert set(names) == {"VIEUX PORT", "VIEUX PORT SUD"}


def test_a_car_park_is_fuller_at_noon_than_at_night(history: pl.DataFrame) -> None:
    encan = history.filter(pl.col("dp_libelle") == "ENCAN")
    hour = encan["dp_date"].str.slice(11, 2)
    free = encan["dp_place_disponible"]
    noon, night = free.filter(hour == "12").mean(), free.filter(hour == "03").mean()
    assert isinstance(noon, float)
    assert isinstance(night, float)
    assert noon < night - 100


def test_the_hour_of_the_clock_change_is_in_the_series(history: pl.DataFrame) -> None:
    twice = history.filter(pl.col("dp_date").str.starts_with("2026-10-25 02:"))
    assert twice["dp_id"].n_unique() > 6 * 12


def test_buildings_have_untidy_postcodes(world: World) -> None:
    postcodes = world.buildings["eb_localisation_code_postal"]
    shares = {
        code: (postcodes == code).mean() for code in ("17300     ", "17000     ", "")
    }
    assert shares["17300     "] > 0.6
    assert shares["17000     "] > 0.03
    assert shares[""] > 0.02


def test_almost_half_of_the_surfaces_are_missing(world: World) -> None:
    missing = (world.buildings["eb_surface"] == "").mean()
    assert isinstance(missing, float)
    assert 0.38 < missing < 0.52


def test_building_ids_are_unique(world: World) -> None:
    assert world.buildings["eb_id"].is_unique().all()


def test_a_bus_service_has_a_day_at_most_once(world: World) -> None:
    keys = [(row["service_id"], row["date"]) for row in world.calendar_dates]
    assert len(keys) == len(set(keys))


def test_bike_stations_stand_in_every_commune(world: World) -> None:
    outside = [s.name.split(", ")[0] for s in world.stations if ", " in s.name]
    assert len(set(outside)) == 27
    assert len(world.stations) == bikes.STATIONS


def test_bike_station_names_are_unique(world: World) -> None:
    assert len({station.name for station in world.stations}) == bikes.STATIONS


def test_a_bike_station_never_holds_more_than_it_can(world: World) -> None:
    assert all(s.bikes + s.disabled_bikes <= s.capacity for s in world.stations)


def test_two_bike_stations_are_not_renting(world: World) -> None:
    assert sum(not station.renting for station in world.stations) == bikes.NOT_RENTING
