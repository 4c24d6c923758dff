"""The audit of what was written: silent on what is right, loud on every fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from protected_rows import (
    BUILDINGS,
    CARPOOL,
    CURVES,
    DWELLINGS,
    MADE,
    MIDNIGHT,
    SPECS,
    TRIPS,
    WASTE,
    dwellings,
    hold,
    renumbered,
)

from lrtzc_pipelines.anonymizing import REPORT, write_anonymized
from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.privacy import releasing
from lrtzc_pipelines.privacy.audit import CHECKS, audit
from lrtzc_pipelines.privacy.protecting import Protected, protect_source
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA, read_json


def findings(
    spec: SourceSpec, written: pl.DataFrame, validated: pl.DataFrame, folder: Path
) -> dict[str, bool]:
    out, rows = folder / "out.parquet", folder / "l'agglo.parquet"
    written.write_parquet(out)
    validated.write_parquet(rows)
    return {found.check: found.passed for found in audit(spec, out, rows)}


@pytest.mark.parametrize("source_id", MADE)
@pytest.mark.parametrize("seed", range(25))
def test_what_is_right_raises_no_alarm(
    tmp_path: Path, source_id: str, seed: int
) -> None:
    spec, rows = SPECS[source_id], MADE[source_id](np.random.default_rng(seed))
    done = protect_source(spec, rows)
    assert done.rows.height
    assert done.rows.columns == [c.name for c in spec.published_columns]
    assert findings(spec, done.rows, rows, tmp_path) == dict.fromkeys(CHECKS, True)


Mutation = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]


def with_first(name: str, value: object) -> Mutation:
    """The first row with another value in a column."""

    def mutated(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == 0
        kind = written.schema[name]
        changed = pl.when(first).then(pl.lit(value, kind)).otherwise(pl.col(name))
        return written.with_columns(changed.alias(name))

    return mutated


def leaked(name: str, subject: str, spelt: Callable[[str], str]) -> Mutation:
    """An identifier of the rows, in some spelling, in a text that is written."""

    def mutated(written: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        return with_first(name, spelt(str(rows[subject][0])))(written, rows)

    return mutated


def shown_secret(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    """Every secret cell shown as if it were none."""
    return written.with_columns(
        pl.lit("observed").alias("mass_tonnes_state"),
        pl.col("mass_tonnes").fill_null(1.0),
    )


def valued_secret(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    return written.with_columns(pl.col("mass_tonnes").fill_null(1.0))


def only_primary(written: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Secret are only the cells of few or of one that dominates: totals give them."""
    sides = ["waste_code", "treatment_family_code", "activity_division_code"]
    finest = rows.select(
        pl.col("month").dt.truncate("1y").alias("year"),
        pl.col("waste_code").str.head(4),
        pl.col("treatment_code").str.head(1).alias("treatment_family_code"),
        pl.col("activity_division_code").str.head(2).fill_null("(absent)"),
        "establishment_siret",
        pl.col("mass_tonnes").alias("tonnes"),
    )
    shown = []
    for cell in written.iter_rows(named=True):
        of = [
            pl.col("year") == cell["year"],
            *(
                pl.col(side).str.starts_with(cell[side])
                for side in sides
                if cell[side] != "(total)"
            ),
        ]
        per_unit = (
            finest.filter(*of)
            .group_by("establishment_siret")
            .agg(pl.col("tonnes").sum())["tonnes"]
        )
        is_fine = len(per_unit) >= 3 and per_unit.max() <= 0.85 * per_unit.sum()
        state = "observed" if is_fine else "secret"
        value = per_unit.sum() if is_fine else None
        shown.append(cell | {"mass_tonnes": value, "mass_tonnes_state": state})
    return pl.DataFrame(shown, schema=written.schema)


def other_value(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    return written.with_columns(pl.col("mass_tonnes") * 1.01)


def without_first(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    return written.slice(1)


def dropped_row(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    """One class with one row less than it needs."""
    quasi = ["commune_code", "building_type", "construction_period", "living_area_m2"]
    sizes = written.with_columns(pl.len().over(quasi).alias("n"))
    smallest = sizes.sort("n", maintain_order=True).select(quasi).head(1)
    rest = written.join(smallest, on=quasi, how="anti", nulls_equal=True)
    poor = written.join(smallest, on=quasi, how="semi", nulls_equal=True).head(10)
    return pl.concat([rest, poor])


def a_person_alone(written: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
    alone = written.head(1).with_columns(pl.lit("17483").alias("commune_code"))
    return pl.concat([written, alone])


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


GRAIN, USER = "started_at_grain", "user_id"
MUTATIONS: dict[str, tuple[SourceSpec, Mutation, str]] = {
    "the number of a dwelling": (
        DWELLINGS,
        leaked("energy_label", "dpe_number", str.lower),
        "no_identifier",
    ),
    "the number of a dwelling, hashed": (
        DWELLINGS,
        leaked("energy_label", "dpe_number", sha256),
        "no_identifier",
    ),
    "a cell of ten": (CURVES, with_first("subject_count", 10), "thresholds"),
    "a cell of nobody said": (CURVES, with_first("subject_count", None), "thresholds"),
    "more persons than there are": (
        CURVES,
        with_first("subject_count", 99),
        "thresholds",
    ),
    "a cell that no row is in": (
        CURVES,
        with_first("started_at", MIDNIGHT - timedelta(days=400)),
        "thresholds",
    ),
    "the meter's number": (
        CURVES,
        leaked(GRAIN, "usage_point_id", str),
        "no_identifier",
    ),
    "its number hashed without a key": (
        CURVES,
        leaked(GRAIN, "usage_point_id", sha256),
        "no_identifier",
    ),
    "its number hashed otherwise": (
        CURVES,
        leaked(GRAIN, "usage_point_id", md5),
        "no_identifier",
    ),
    "an identifier in capitals": (
        TRIPS,
        leaked("day_type", USER, str.upper),
        "no_identifier",
    ),
    "fewer trips than eleven persons may make": (
        CARPOOL,
        with_first("subject_count", 681),
        "thresholds",
    ),
    "a commune for the agglomeration": (
        CARPOOL,
        with_first("origin_commune_code", "17483"),
        "thresholds",
    ),
    "another square": (
        TRIPS,
        with_first("origin_square_id", "CRS3035RES200mN2625000E3462000"),
        "thresholds",
    ),
    "the address of a building": (
        BUILDINGS,
        leaked("iris_code", "address", str.lower),
        "no_identifier",
    ),
    "the number of rows": (
        CURVES,
        lambda written, _: written.with_row_index("index"),
        "schema_closure",
    ),
    "a column that was dropped": (
        CURVES,
        lambda written, _: written.with_columns(pl.lit("x").alias("quality")),
        "schema_closure",
    ),
    "a column missing": (
        TRIPS,
        lambda written, _: written.drop("trip_count"),
        "schema_closure",
    ),
    "secret cells shown": (WASTE, shown_secret, "thresholds"),
    "secret cells with their values": (WASTE, valued_secret, "thresholds"),
    "nothing secret but what must be": (WASTE, only_primary, "attacks"),
    "cells with other values": (WASTE, other_value, "thresholds"),
    "a cell missing": (WASTE, without_first, "thresholds"),
    "a cell that no row adds to": (
        WASTE,
        with_first("waste_code", "9999"),
        "thresholds",
    ),
    "a class of k-1": (DWELLINGS, dropped_row, "thresholds"),
    "somebody alone": (DWELLINGS, a_person_alone, "thresholds"),
    "a null in a quasi-identifier": (
        DWELLINGS,
        with_first("building_type", None),
        "thresholds",
    ),
    "an e-mail": (
        DWELLINGS,
        with_first("energy_label", "jean@exemple.fr"),
        "no_pattern",
    ),
    "a telephone": (DWELLINGS, with_first("ghg_label", "06 12 34 56 78"), "no_pattern"),
    "a number of fourteen digits": (
        TRIPS,
        with_first("day_type", "n 00000000012345"),
        "no_pattern",
    ),
    "an IBAN": (
        DWELLINGS,
        with_first("main_heating_energy", "FR76 3000 6000 0112 3456 7890 189"),
        "no_pattern",
    ),
    "a plate": (DWELLINGS, with_first("ghg_label", "AB-123-CD"), "no_pattern"),
}


@pytest.mark.parametrize("source_id", MADE)
def test_a_column_that_is_missing_fails_every_check(
    tmp_path: Path, source_id: str
) -> None:
    spec, rows = SPECS[source_id], MADE[source_id](np.random.default_rng(1))
    written = protect_source(spec, rows).rows
    for name in written.columns:
        found = findings(spec, written.drop(name), rows, tmp_path)
        assert found == dict.fromkeys(CHECKS, False)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("fault", MUTATIONS)
def test_every_fault_is_found(tmp_path: Path, fault: str, seed: int) -> None:
    spec, mutate, check = MUTATIONS[fault]
    rows = MADE[spec.id](np.random.default_rng(1000 + seed))
    faulty = mutate(protect_source(spec, rows).rows, rows)
    assert not findings(spec, faulty, rows, tmp_path)[check]


def test_the_report_says_what_was_asked_achieved_and_lost(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    hold(layout, DWELLINGS, dwellings(np.random.default_rng(3)))
    state, _ = write_anonymized(DWELLINGS, layout, run_id="r")
    report = read_json(layout.anonymized(DWELLINGS.id) / REPORT)
    assert report["k"] >= report["policy"]["k"] == 11
    assert report["threshold_source"].startswith("Règle du projet")
    assert report["rows"] + report["suppressed_rows"] == report["row_count"]
    assert state.row_count == report["rows"]
    assert set(report["audit"]) == set(CHECKS)
    assert 0 <= report["information_loss"] < 1


def test_what_fails_its_audit_is_withdrawn_with_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, rows = Layout(tmp_path), dwellings(np.random.default_rng(4))
    hold(layout, DWELLINGS, rows)
    write_anonymized(DWELLINGS, layout, run_id="r")
    folder = layout.anonymized(DWELLINGS.id)
    assert (folder / DATA).exists()

    def faulty(
        spec: SourceSpec,
        frame: pl.DataFrame,
        levels: dict[str, str] | None,
        _: object,
    ) -> Protected:
        done = protect_source(spec, frame, levels)
        leak = leaked("energy_label", "dpe_number", str)
        return Protected(leak(done.rows, frame), done.report)

    monkeypatch.setattr(releasing, "protect_source", faulty)
    hold(layout, DWELLINGS, pl.concat([rows, renumbered(rows)]))
    with pytest.raises(PrivacyError, match="no_identifier") as error:
        write_anonymized(DWELLINGS, layout, run_id="r")
    assert rows["dpe_number"][0] not in str(error.value)
    assert list(folder.iterdir()) == []
