"""The audit of counts with noise: silent on what is right, loud on every fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from noisy_trips import (
    ENOUGH,
    POLICY,
    SPEC,
    ledger_of,
    noisy,
    released,
    text_of_spec,
    trips,
)

from lrtzc_pipelines.privacy.audit import CHECKS, audit
from lrtzc_pipelines.privacy.grid import with_points
from lrtzc_pipelines.privacy.ledger import Ledger
from lrtzc_pipelines.privacy.noise_budget import BudgetAccount
from lrtzc_pipelines.privacy.noise_counts import COUNT, clamped_counts, due_periods
from lrtzc_pipelines.privacy.releasing import release
from lrtzc_pipelines.sources.noise_protection import NoiseProtection
from lrtzc_pipelines.sources.spec import SourceSpec


def findings(
    written: pl.DataFrame,
    rows: pl.DataFrame,
    ledger: Ledger | None,
    folder: Path,
    spec: SourceSpec = SPEC,
) -> dict[str, bool]:
    out, validated = folder / "out.parquet", folder / "l'agglo.parquet"
    written.write_parquet(out)
    rows.write_parquet(validated)
    return {f.check: f.passed for f in audit(spec, out, validated, ledger)}


def hours(**more: Any) -> SourceSpec:
    """Cells of origin square, destination section and hour: every kind of side."""
    return noisy(
        dimensions=[
            POLICY["dimensions"][0],
            {
                "name": "departure_hour",
                "column": "departed_at",
                "description": "Heure.",
            },
            {
                "name": "department_code",
                "column": "origin_commune_code",
                "description": "Département.",
            },
            {
                "name": "section",
                "column": "destination_commune_code",
                "description": "Groupe d'une table.",
            },
        ],
        takes={
            "month": "3mo",
            "departure_hour": "hour_of_day",
            "department_code": "first:2",
            "section": "lookup:iris:epci",
        },
        categories={"department_code": [17, "79"]},
        **more,
    )


@pytest.mark.parametrize("spec", [SPEC, hours()], ids=["communes", "hours"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_right_raises_no_alarm(
    tmp_path: Path, seed: int, spec: SourceSpec
) -> None:
    rows, ledger = trips(np.random.default_rng(seed)), ledger_of(tmp_path)
    done = release(spec, rows, ledger, (), ENOUGH)
    assert done.rows.height
    passed = dict.fromkeys(CHECKS, True)
    assert findings(done.rows, rows, ledger, tmp_path, spec) == passed
    done.write_down(ledger)
    assert findings(done.rows, rows, ledger, tmp_path, spec) == passed
    # What stands is not counted again, when its rows are gone.
    assert findings(done.rows, rows.clear(), ledger, tmp_path, spec) == passed


@pytest.mark.parametrize("max_cells", [1, 4, 40])
@pytest.mark.parametrize("epsilon", [0.01, 3])
def test_much_or_little_noise_raises_no_alarm(
    tmp_path: Path, max_cells: int, epsilon: float
) -> None:
    spec = noisy(max_cells=max_cells, epsilon=epsilon, budget={"epsilon": 36})
    rows, ledger = trips(np.random.default_rng(1)), ledger_of(tmp_path)
    done = release(spec, rows, ledger, (), ENOUGH)
    assert all(findings(done.rows, rows, ledger, tmp_path, spec).values())


def test_squares_and_bins_are_cells_too(tmp_path: Path) -> None:
    """A square that is listed, and numbers in bins."""
    square = "CRS3035RES1000mN2627000E3461000"
    told = yaml.safe_load(
        text_of_spec(
            points=[
                {
                    "name": "origin",
                    "longitude": "origin_longitude",
                    "latitude": "origin_latitude",
                    "description": "Lieu de départ.",
                }
            ],
            dimensions=[
                POLICY["dimensions"][0],
                {"name": "square_id", "column": "origin", "description": "Carreau."},
                {"name": "west", "column": "origin_longitude", "description": "Ouest."},
            ],
            takes={
                "month": "1mo",
                "square_id": "grid:1000",
                "west": "below:-1.15,-1.1",
            },
            categories={"square_id": [square]},
        )
    )
    for column in told["columns"]:
        column["required"] = column["name"] != "user_id"
    spec = SourceSpec.model_validate(told)
    rng = np.random.default_rng(2)
    rows = trips(rng).with_columns(
        pl.Series("origin_longitude", rng.choice([-1.151, -1.149, 170.0], 1500)),
        pl.lit(46.16).alias("origin_latitude"),
    )
    ledger = ledger_of(tmp_path)
    done = release(spec, rows, ledger, (), ENOUGH)
    assert all(findings(done.rows, rows, ledger, tmp_path, spec).values())
    assert done.rows.height == 3 * 2 * 3


Mutation = Callable[[pl.DataFrame, pl.DataFrame, Ledger], pl.DataFrame]


def with_first(name: str, value: object) -> Mutation:
    """The first cell with another value in a column."""

    def mutated(written: pl.DataFrame, *_: object) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == 0
        kind = written.schema[name]
        changed = pl.when(first).then(pl.lit(value, kind)).otherwise(pl.col(name))
        return written.with_columns(changed.alias(name))

    return mutated


def without_a_cell(written: pl.DataFrame, *_: object) -> pl.DataFrame:
    """One of the cells of nobody is not told."""
    least = written[COUNT].arg_min()
    return written.filter(pl.int_range(pl.len()) != least)


def with_a_category(written: pl.DataFrame, *_: object) -> pl.DataFrame:
    extra = written.head(1).with_columns(origin_commune_code=pl.lit("79191"))
    return pl.concat([written, extra])


def with_one_twice(written: pl.DataFrame, *_: object) -> pl.DataFrame:
    return pl.concat([written, written.head(1)])


def exact(written: pl.DataFrame, rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """The counts of persons themselves, in the place of those with noise."""
    policy = SPEC.protection
    assert isinstance(policy, NoiseProtection)
    rows = with_points(rows, policy.points)
    due = due_periods(rows, policy, ENOUGH)
    cells = clamped_counts(rows, policy, due, ledger.salt).cells
    start = pl.col("_region").str.to_datetime("%Y-%m-%d", time_unit="us")
    month = start.dt.replace_time_zone("Europe/Paris").dt.convert_time_zone("UTC")
    keys = ["month", "origin_commune_code", "destination_commune_code", "day_type"]
    told = cells.with_columns(month.alias("month"))
    return written.drop(COUNT).join(told, on=keys).select(written.columns)


def said_exact(written: pl.DataFrame, *more: Any) -> pl.DataFrame:
    return exact(written, *more).with_columns(noise_scale=pl.lit(0.0))


def counted_by_rows(written: pl.DataFrame, *_: object) -> pl.DataFrame:
    """Far more than there are persons."""
    return written.with_columns(pl.col(COUNT) + 400)


def months_later(written: pl.DataFrame, *_: object) -> pl.DataFrame:
    """A period that is not over."""
    later = written.filter(pl.col("month") == written["month"].max())
    april = datetime(2026, 3, 31, 22, tzinfo=UTC)
    return pl.concat(
        [written, later.with_columns(month=pl.lit(april, later["month"].dtype))]
    )


def off_its_beginning(written: pl.DataFrame, *_: object) -> pl.DataFrame:
    return written.with_columns(pl.col("month") + timedelta(hours=1))


MUTATIONS: dict[str, tuple[Mutation, str]] = {
    "a cell of nobody that is missing": (without_a_cell, "thresholds"),
    "a category that is not public": (with_a_category, "thresholds"),
    "a category that is absent": (
        with_first("origin_commune_code", None),
        "thresholds",
    ),
    "a cell twice": (with_one_twice, "thresholds"),
    "a negative count": (with_first(COUNT, -1), "thresholds"),
    "no count": (with_first(COUNT, None), "thresholds"),
    "counts that are not whole": (
        lambda written, *_: written.with_columns(pl.col(COUNT).cast(pl.Float64)),
        "thresholds",
    ),
    "exact counts": (said_exact, "thresholds"),
    "exact counts that claim noise": (exact, "thresholds"),
    "less noise than was paid for": (
        lambda written, *_: written.with_columns(noise_scale=pl.lit(3.9)),
        "thresholds",
    ),
    "counts of rows": (counted_by_rows, "thresholds"),
    "a period that is not over": (months_later, "thresholds"),
    "a period that begins off its day": (off_its_beginning, "thresholds"),
    "no scale": (with_first("noise_scale", None), "thresholds"),
    "a column missing": (lambda written, *_: written.drop(COUNT), "schema_closure"),
    "a person's number": (
        lambda written, rows, _: with_first(
            "day_type", rows["user_id"].drop_nulls()[0]
        )(written, rows, _),
        "no_identifier",
    ),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", MUTATIONS)
def test_every_fault_is_found(tmp_path: Path, fault: str, seed: int) -> None:
    mutate, check = MUTATIONS[fault]
    rows, ledger = trips(np.random.default_rng(1000 + seed)), ledger_of(tmp_path)
    done = release(SPEC, rows, ledger, (), ENOUGH)
    faulty = mutate(done.rows, rows, ledger)
    assert not findings(faulty, rows, ledger, tmp_path)[check]


def redrawn(rows: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """The same counts, with noise that is drawn once more."""
    return released(rows, ledger_of(folder / "other")).rows


@pytest.mark.parametrize("seed", range(5))
def test_another_draw_of_a_released_period_is_found(tmp_path: Path, seed: int) -> None:
    rows, ledger = trips(np.random.default_rng(seed)), ledger_of(tmp_path)
    released(rows, ledger)
    again = redrawn(rows, tmp_path)
    assert not findings(again, rows, ledger, tmp_path)["republication"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "mutate",
    [
        without_a_cell,
        with_first(COUNT, 77),
        with_first("noise_scale", 5.0),
        lambda written, *_: written.filter(pl.col("month") > written["month"].min()),
        lambda written, *_: written.drop(COUNT),
    ],
    ids=["a cell less", "a count", "a scale", "a period less", "a column less"],
)
def test_what_was_released_is_all_there_as_it_was(
    tmp_path: Path, seed: int, mutate: Mutation
) -> None:
    rows, ledger = trips(np.random.default_rng(seed)), ledger_of(tmp_path)
    faulty = mutate(released(rows, ledger).rows, rows, ledger)
    assert not findings(faulty, rows, ledger, tmp_path)["republication"]


Tampering = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def changed(**values: Any) -> Tampering:
    return lambda charges: [charges[0] | values, *charges[1:]]


TAMPERED: dict[str, Tampering] = {
    "nothing was paid": lambda _: [],
    "a period was not paid": lambda charges: charges[1:],
    "another period was paid": changed(period="2025-01-01"),
    "less was paid": changed(epsilon=0.4),
    "for less cells": changed(max_cells=1),
    "in another series": changed(series=2),
    "over budget": lambda charges: [
        *charges,
        charges[0] | {"period": "2026-07-01", "epsilon": 4.6},
    ],
    "over budget, in an earlier series": lambda charges: [
        *charges,
        *(charge | {"series": 0, "epsilon": 2} for charge in charges),
    ],
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", TAMPERED)
def test_what_nobody_paid_for_is_found(tmp_path: Path, fault: str, seed: int) -> None:
    rows, ledger = trips(np.random.default_rng(seed), count=200), ledger_of(tmp_path)
    done = release(SPEC, rows, ledger, (), ENOUGH)
    path = BudgetAccount(ledger).path
    path.write_text(json.dumps(TAMPERED[fault](json.loads(path.read_text()))))
    assert not findings(done.rows, rows, ledger, tmp_path)["thresholds"]


@pytest.mark.parametrize("fault", TAMPERED)
def test_what_stands_must_be_paid_for_too(tmp_path: Path, fault: str) -> None:
    rows, ledger = trips(np.random.default_rng(6), count=200), ledger_of(tmp_path)
    done = released(rows, ledger)
    path = BudgetAccount(ledger).path
    path.write_text(json.dumps(TAMPERED[fault](json.loads(path.read_text()))))
    assert not findings(done.rows, rows, ledger, tmp_path)["thresholds"]


def test_without_an_account_nothing_was_paid(tmp_path: Path) -> None:
    rows, ledger = trips(np.random.default_rng(3), count=200), ledger_of(tmp_path)
    done = release(SPEC, rows, ledger, (), ENOUGH)
    assert not findings(done.rows, rows, None, tmp_path)["thresholds"]
    BudgetAccount(ledger).path.unlink()
    assert not findings(done.rows, rows, ledger, tmp_path)["thresholds"]


def test_of_invented_data_earlier_series_do_not_count(tmp_path: Path) -> None:
    rows, ledger = trips(np.random.default_rng(4)), ledger_of(tmp_path, invented=True)
    for second in range(6):
        done = released(rows, ledger)
        assert all(findings(done.rows, rows, ledger, tmp_path).values())
        ledger.restart(datetime(2026, 6, 1, second=second, tzinfo=UTC))


def test_the_first_day_counts(tmp_path: Path) -> None:
    rows, ledger = trips(np.random.default_rng(5)), ledger_of(tmp_path)
    done = release(SPEC, rows, ledger, (), ENOUGH)
    later = noisy(since=date(2026, 2, 1))
    assert not findings(done.rows, rows, ledger, tmp_path, later)["thresholds"]
    done.write_down(ledger)
    # Released before somebody chose a later one, it stays.
    assert all(findings(done.rows, rows, ledger, tmp_path, later).values())
