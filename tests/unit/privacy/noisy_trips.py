"""A source whose counts have noise, made of one that there is, and rows of it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from lrtzc_pipelines.cells import TYPES
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.releasing import Releasable, release
from lrtzc_pipelines.sources.registry import SOURCES_DIR
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, ValidatedState, file_sha256, write_state

TRIPS = "partner_mobility_trips"
COMMUNES = ["17300", "17010", "17028"]
POLICY: dict[str, Any] = {
    "release": "noisy_counts",
    "open_licence": "etalab-2.0",
    "source": "Règle inventée pour ces tests.",
    "subject": "user_id",
    "dimensions": [
        {"name": "month", "column": "departed_at", "description": "Mois."},
        {
            "name": "origin_commune_code",
            "column": "origin_commune_code",
            "description": "Commune.",
        },
        {
            "name": "destination_commune_code",
            "column": "destination_commune_code",
            "description": "Commune.",
        },
        {"name": "day_type", "column": "departed_at", "description": "Type de jour."},
    ],
    "takes": {
        "month": "1mo",
        "origin_commune_code": "value",
        "destination_commune_code": "value",
        "day_type": "day_type",
    },
    "categories": {
        "origin_commune_code": "lookup:iris:commune",
        "destination_commune_code": COMMUNES,
    },
    "period": "month",
    "since": date(2026, 1, 1),
    "wait_days": 20,
    "epsilon": 0.5,
    "max_cells": 2,
    "budget": {"epsilon": 6, "per": "1y"},
}


def text_of_spec(**changes: Any) -> str:
    """The specification as its YAML would say it."""
    told = yaml.safe_load((SOURCES_DIR / f"{TRIPS}.yaml").read_text("utf-8"))
    told["protection"] = deepcopy(POLICY) | changes
    used = {dimension["column"] for dimension in told["protection"]["dimensions"]}
    for point in told["protection"].get("points", ()):
        used |= {point["longitude"], point["latitude"]}
    for column in told["columns"]:
        if column["privacy"] == "quasi" and column["name"] not in used:
            column["privacy"] = "drop"
    return yaml.safe_dump(told, allow_unicode=True, sort_keys=False)


def noisy(**changes: Any) -> SourceSpec:
    """The source, with another rule or two."""
    return SourceSpec.model_validate(yaml.safe_load(text_of_spec(**changes)))


SPEC = noisy()
ENOUGH = date(2026, 5, 15)
"""Day on which January to March are over, and waited for."""


def trips(rng: np.random.Generator, count: int = 1500, months: int = 4) -> pl.DataFrame:
    """Trips from January on, each month some, of 300 persons; a few of nobody."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    places = [*COMMUNES, "79191", "17264"]
    minutes = rng.integers((months * 30 - 1) * 1440, size=count)
    return pl.DataFrame(
        {
            "depositor_id": "velo",
            "trip_id": [f"t{n}" for n in range(count)],
            "user_id": [
                f"user-{n}" if n else None for n in rng.integers(300, size=count)
            ],
            "origin_commune_code": rng.choice(places, count),
            "origin_longitude": None,
            "origin_latitude": None,
            "destination_commune_code": rng.choice(places, count),
            "departed_at": [start + timedelta(minutes=int(n)) for n in minutes],
        },
        schema={c.name: TYPES[c.type] for c in SPEC.columns},
    )


def released(
    rows: pl.DataFrame, ledger: Ledger, spec: SourceSpec = SPEC, day: date = ENOUGH
) -> Releasable:
    """What is released of some rows, as a whole night would do it."""
    done = release(spec, rows, ledger, (), day)
    done.write_down(ledger)
    return done


def ledger_of(folder: Path, **more: Any) -> Ledger:
    return Ledger(folder / "ledger", TRIPS, **more)


def hold(
    layout: Layout, rows: pl.DataFrame, day: date = ENOUGH, origin: str = "live"
) -> None:
    """Leaves validated data, as `validate` does."""
    folder = layout.validated(TRIPS)
    rows.write_parquet(folder / DATA)
    state = ValidatedState(
        source_id=TRIPS,
        fingerprint="f",
        snapshot_id="s",
        content_sha256=file_sha256(folder / DATA),
        row_count=rows.height,
        quarantined_count=0,
        origin=origin,
        collected_at=f"{day}T10:00:00+00:00",
        validated_at=f"{day}T10:00:00+00:00",
        run_id="r",
        continuity={},
    )
    write_state(folder, state)
