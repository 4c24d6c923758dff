"""Rows of the protected sources, drawn at random, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, ValidatedState, write_state

SPECS = load_sources()
CURVES = SPECS["linky_load_curves"]
TRIPS = SPECS["partner_mobility_trips"]
WASTE = SPECS["valorisation_company_waste"]
DWELLINGS = SPECS["ademe_dpe_dwellings"]
CARPOOL = SPECS["rpc_carpool_trips"]
BUILDINGS = SPECS["enedis_address_consumption"]
MIDNIGHT = datetime(2026, 3, 1, 23, tzinfo=UTC)


def frame_of(spec: SourceSpec, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {c.name: TYPES[c.type] for c in spec.columns}
    return pl.DataFrame(
        [{name: row.get(name) for name in schema} for row in rows], schema=schema
    )


def curves(rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "usage_point_id": f"{meter:014}",
            "started_at": MIDNIGHT + timedelta(minutes=30 * slot),
            "mean_power_w": float(rng.integers(50, 3000)),
        }
        for meter in range(int(rng.integers(12, 20)))
        for slot in range(48)
    ]
    return frame_of(CURVES, rows)


def trips(rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "depositor_id": "velo",
            "trip_id": f"t{n}",
            "user_id": f"user-{rng.integers(80)}",
            "origin_commune_code": rng.choice(["17300", "17010", "17028"]),
            "origin_longitude": rng.choice([-1.151, -1.149, -1.12, None]),
            "origin_latitude": rng.choice([46.158, 46.16, 46.2]),
            "destination_commune_code": rng.choice(["17300", "17010"]),
            "departed_at": MIDNIGHT + timedelta(minutes=int(rng.integers(40_000))),
        }
        for n in range(900)
    ]
    return frame_of(TRIPS, rows)


def waste(rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "depositor_id": "recyclage",
            "establishment_siret": f"000000000{rng.integers(60):05}",
            "commune_code": "17300",
            "activity_division_code": rng.choice(["10.71C", "47.11F", "56.10A", None]),
            "month": date(2025, int(rng.integers(1, 13)), 1),
            "waste_code": rng.choice(["150101", "170107", "200301", "130205*"]),
            "treatment_code": rng.choice(["R3", "D1"], p=[0.8, 0.2]),
            "mass_tonnes": float(rng.lognormal(1, 1)),
        }
        for _ in range(70)
    ]
    # There is always a firm alone with its waste.
    rows.append(rows[0] | {"waste_code": "060101*", "treatment_code": "R5"})
    return frame_of(WASTE, rows)


def dwellings(rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "dpe_number": f"0017E{n:08}",
            "established_date": date(2024, 1, 1),
            "commune_code": rng.choice(["17300", "17010", "17028"]),
            "building_type": rng.choice(["maison", "appartement"]),
            "construction_period": rng.choice(["avant 1948", "1975-1977"]),
            "living_area_m2": float(rng.integers(20, 200)),
            "energy_label": rng.choice(list("ABCDEFG")),
            "ghg_label": rng.choice(list("ABCDEFG")),
            "main_heating_energy": rng.choice(["Électricité", "Gaz naturel"]),
        }
        for n in range(700)
    ]
    return frame_of(DWELLINGS, rows)


def carpool(rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "journey_id": f"{n}",
            "trip_id": f"00000000-0000-4000-8000-{rng.integers(6000):012}",
            "origin_commune_code": rng.choice(["17300", "17010", "79191", "99134"]),
            "destination_commune_code": rng.choice(["17300", "17028", "1730"]),
            "departed_at": MIDNIGHT + timedelta(hours=int(rng.choice([7, 8, 17, 90]))),
            "passenger_seat_count": int(rng.integers(1, 4)),
            "distance_m": int(rng.integers(2_000, 60_000)),
        }
        for n in range(8000)
    ]
    return frame_of(CARPOOL, rows)


def buildings(rng: np.random.Generator) -> pl.DataFrame:
    places = ["173000101", "173000102", "173000201", "Sans IRIS", "170280000"]
    rows = [
        {
            "year": int(rng.integers(2022, 2025)),
            "iris_code": iris,
            "commune_code": iris[:5] if iris[:2] == "17" else "17300",
            "address": f"{n} RUE INVENTEE",
            "customer_segment": "RESIDENTIEL",
            "dwelling_count": int(rng.integers(10, 200)),
            "consumption_mwh": float(rng.lognormal(4, 1)),
        }
        for n in range(60)
        for iris in [str(rng.choice(places, p=[0.4, 0.05, 0.2, 0.05, 0.3]))]
    ]
    return frame_of(BUILDINGS, rows)


MADE: dict[str, Callable[[np.random.Generator], pl.DataFrame]] = {
    CURVES.id: curves,
    TRIPS.id: trips,
    WASTE.id: waste,
    DWELLINGS.id: dwellings,
    CARPOOL.id: carpool,
    BUILDINGS.id: buildings,
}


def renumbered(rows: pl.DataFrame) -> pl.DataFrame:
    """As many other dwellings again."""
    return rows.with_columns(pl.col("dpe_number").str.replace("17E", "18E"))


def hold(
    layout: Layout, spec: SourceSpec, rows: pl.DataFrame, origin: str = "sandbox"
) -> None:
    folder = layout.validated(*spec.parts)
    rows.write_parquet(folder / DATA)
    state = ValidatedState(
        source_id=spec.id,
        fingerprint="f",
        snapshot_id="s",
        content_sha256="c",
        row_count=rows.height,
        quarantined_count=0,
        origin=origin,
        collected_at="2026-03-01T00:00:00+00:00",
        validated_at="2026-03-01T00:00:00+00:00",
        run_id="r",
        continuity={},
    )
    write_state(folder, state)
