"""The audit against registers, addresses and names: silent on what is right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from lrtzc_pipelines.anonymizing import REPORT, write_anonymized
from lrtzc_pipelines.errors import PrivacyError
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.pending import is_anonymized
from lrtzc_pipelines.privacy.audit import PATTERNS, audit
from lrtzc_pipelines.privacy.audit_persons import PERSON_PATTERNS
from lrtzc_pipelines.privacy.protecting import protect_source
from lrtzc_pipelines.sources.registers import absent_registers, register_problems
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import ValidatedState, read_json, read_state

sys.path.append(str(Path(__file__).parent))
from protected_rows import (
    BUILDINGS,
    DWELLINGS,
    MADE,
    SPECS,
    TRIPS,
    WASTE,
    dwellings,
    frame_of,
    hold,
)
from test_audit import with_first

BDNB = SPECS["bdnb_buildings"]
SIRENE = SPECS["insee_sirene_establishments"]
QUASI = ["commune_code", "building_type", "construction_period"]


def stock(rng: np.random.Generator) -> pl.DataFrame:
    """Buildings of three communes, some of unknown use, year or size."""
    rows = [
        {
            "building_group_id": f"bdnb-bg-{n}",
            "commune_code": rng.choice(["17300", "17010", "17028", "17483"]),
            "construction_year": rng.choice([1900, 1930, 1976, 1977, 2003, None]),
            "dwelling_count": rng.choice([1, 2, 12, 40, None]),
            "main_use": rng.choice(
                ["Résidentiel individuel", "Résidentiel collectif", "Tertiaire", None]
            ),
        }
        for n in range(900)
    ]
    return frame_of(BDNB, rows)


def firms(rng: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "siret": f"000000000{n:05}",
            "diffusion_status": "O",
            "commune_code": "17300",
            "naf_code": rng.choice(["43.22A", "86.21Z", "20.11Z", "47.11F", None]),
            "state_code": rng.choice(["A", "F"]),
        }
        for n in range(400)
    ]
    return frame_of(SIRENE, rows)


REGISTERS = {BDNB.id: stock, SIRENE.id: firms}
LINKED = [DWELLINGS.id, BUILDINGS.id, WASTE.id]
Frames = dict[str, pl.DataFrame]


def registers_of(spec: SourceSpec, rng: np.random.Generator) -> Frames:
    assert spec.protection
    links = spec.protection.linked_registers
    return {link.source: REGISTERS[link.source](rng) for link in links}


def found(
    spec: SourceSpec,
    written: pl.DataFrame,
    rows: pl.DataFrame,
    registers: Frames,
    folder: Path,
) -> dict[str, Any]:
    """What each check found: whether it passed, and its details."""
    out, validated = folder / "out.parquet", folder / "rows.parquet"
    written.write_parquet(out)
    rows.write_parquet(validated)
    paths = {name: folder / f"l'{name}.parquet" for name in registers}
    for name, frame in registers.items():
        frame.write_parquet(paths[name])
    findings = audit(spec, out, validated, registers=paths)
    return {f.check: (f.passed, f.details) for f in findings}


@pytest.mark.parametrize("source_id", LINKED)
@pytest.mark.parametrize("seed", range(10))
def test_what_is_right_raises_no_alarm(
    tmp_path: Path, source_id: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    spec, rows = SPECS[source_id], MADE[source_id](rng)
    registers = registers_of(spec, rng)
    told = found(spec, protect_source(spec, rows).rows, rows, registers, tmp_path)
    assert [name for name, (passed, _) in told.items() if not passed] == []
    assert {d["register"] for d in told["linkage"][1].values()} == {"held"}


def first_class(written: pl.DataFrame) -> dict[str, str]:
    """A released class that tells of houses or flats in a commune."""
    kinds = pl.col("building_type").is_in(["maison", "appartement"])
    return written.filter(kinds).sort(QUASI).row(0, named=True)


def fits(told: dict[str, str]) -> pl.Expr:
    """Buildings of the commune that the class is of, or could be."""
    return pl.col("commune_code") == told["commune_code"]


def one_building(told: dict[str, str], dwelling_count: int) -> pl.DataFrame:
    """A building that fits in a class, whatever its level."""
    rows = [
        {
            "building_group_id": f"bdnb-bg-alone-{year}",
            "commune_code": told["commune_code"],
            "construction_year": year,
            "dwelling_count": dwelling_count,
            "main_use": "Résidentiel individuel",
        }
        for year in _years(told["construction_period"])
    ]
    return frame_of(BDNB, rows)


def _years(label: str) -> list[int]:
    return [1900] if label in {"*", "avant 1948", "avant 1975"} else [1976]


def with_few(written: pl.DataFrame, registers: Frames, dwellings: int) -> Frames:
    """The register, with a single building where a class could be."""
    told = first_class(written)
    rest = registers[BDNB.id].filter(~fits(told))
    return registers | {BDNB.id: pl.concat([rest, one_building(told, dwellings)])}


def changed(spec: SourceSpec, **policy: Any) -> SourceSpec:
    assert spec.protection
    protection = spec.protection.model_copy(update=policy)
    return spec.model_copy(update={"protection": protection})


@pytest.mark.parametrize("seed", range(5))
def test_a_class_that_leads_to_few_dwellings_is_found(
    tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(1000 + seed)
    rows = dwellings(rng)
    written = protect_source(DWELLINGS, rows).rows
    registers = registers_of(DWELLINGS, rng)
    few = with_few(written, registers, int(rng.integers(1, 11)))
    spec = changed(DWELLINGS, k_map=None)
    passed, details = found(spec, written, rows, few, tmp_path)["linkage"]
    assert not passed
    assert details[BDNB.id]["failing"] >= 1
    assert details[BDNB.id]["unique_share"] > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_population_that_is_too_small_is_found_where_it_is_asked_for(
    tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(2000 + seed)
    rows = dwellings(rng)
    written = protect_source(DWELLINGS, rows).rows
    size = int(rng.integers(11, 40))
    few = with_few(written, registers_of(DWELLINGS, rng), size)
    asked = {
        name: found(changed(DWELLINGS, k_map=k), written, rows, few, tmp_path)
        for name, k in (("not", None), ("less", size), ("more", size + 1))
    }
    assert {n: told["linkage"][0] for n, told in asked.items()} == {
        "not": True,
        "less": True,
        "more": False,
    }
    details = asked["less"]["linkage"][1][BDNB.id]
    assert details["k_map"] == size
    assert details["journalist_risk"] == round(1 / size, 6)


TEXTS: dict[str, tuple[SourceSpec, str, str]] = {
    "an address": (DWELLINGS, "main_heating_energy", "{n} rue de l'Église, 17000"),
    "an address in capitals": (BUILDINGS, "iris_code", "{n} BIS AVENUE INVENTEE"),
    "an address with a comma": (WASTE, "waste_code", "au {n}, bd Joffre"),
    "a name after a civility": (DWELLINGS, "energy_label", "Mme Marie Durand"),
    "an initial for a name": (TRIPS, "day_type", "M. DUPONT"),
    "a name beside an address": (DWELLINGS, "ghg_label", "Jean DUPONT {n} rue Thiers"),
    "a name beside a street": (DWELLINGS, "ghg_label", "Le GOFF Anne, quai Duperré"),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", TEXTS)
def test_an_address_or_a_name_in_a_text_is_found(
    tmp_path: Path, fault: str, seed: int
) -> None:
    spec, column, text = TEXTS[fault]
    rows = MADE[spec.id](np.random.default_rng(3000 + seed))
    written = protect_source(spec, rows).rows
    leak = with_first(column, text.format(n=seed + 1))(written, rows)
    passed, details = found(spec, leak, rows, {}, tmp_path)["no_pattern"]
    assert not passed
    assert column in str(details)
    assert "Thiers" not in str(details)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("address", "0 Rue Inventée"),
        ("address", "12-14, allée d’Aligre"),
        ("address", "12 cours des Dames"),
        ("address", "3 place de l'Église"),
        ("address", "2B RUE THIERS"),
        ("name after a civility", "MME DURAND"),
        ("name after a civility", "chez M. J. Martin"),
        ("name after a civility", "M DUPONT"),
        ("name after a civility", "Mme É. Zola"),
        ("name beside a street", "DUPONT Jean avenue Carnot"),
        ("name beside a street", "rue Thiers : Marie-Anne LE GOFF"),
    ],
)
def test_ways_to_write_a_person(label: str, text: str) -> None:
    assert matches(PERSON_PATTERNS[label], text)


@pytest.mark.parametrize(
    "text",
    [
        "Électricité d'origine renouvelable utilisée dans le bâtiment",
        "Bois – Plaquettes forestières",
        "Réseau de Chauffage urbain",
        "avant 1948",
        "1975-2000",
        "40-80",
        "(total)",
        "130205*",
        "Sans IRIS",
        "PAC air/eau",
        "12 M€",
        "12 M HABITANTS",
        "10 logements",
        "une rue calme",
        "Gaz GPL",
        "2 voies",
        "CRS3035RES200mN2625000E3462000",
    ],
)
def test_what_is_published_looks_like_no_person(text: str) -> None:
    assert not any(matches(pattern, text) for pattern in PATTERNS.values())


def matches(pattern: str, text: str) -> bool:
    row = duckdb.execute("select regexp_matches(?, ?)", [text, pattern]).fetchone()
    return bool(row and row[0])


def test_what_is_unknown_of_an_entry_excludes_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    rows = dwellings(rng)
    written = protect_source(DWELLINGS, rows).rows
    few = with_few(written, registers_of(DWELLINGS, rng), 1)
    told = first_class(written)
    unsaid = one_building(told, 40).with_columns(
        building_group_id=pl.lit("bdnb-bg-unsaid"),
        main_use=pl.lit(None, pl.String),
        construction_year=pl.lit(None, pl.Int64),
    )
    both = few | {BDNB.id: pl.concat([few[BDNB.id], unsaid])}
    assert not found(DWELLINGS, written, rows, few, tmp_path)["linkage"][0]
    assert found(DWELLINGS, written, rows, both, tmp_path)["linkage"][0]
    # Alone it could be anybody's: the class leads nowhere.
    alone = {BDNB.id: pl.concat([few[BDNB.id].filter(~fits(told)), unsaid])}
    assert found(DWELLINGS, written, rows, alone, tmp_path)["linkage"][0]


def test_cells_of_few_known_firms_are_told_and_block_where_that_is_asked(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(5)
    rows = MADE[WASTE.id](rng)
    written = protect_source(WASTE, rows).rows
    builder = (
        firms(rng)
        .head(1)
        .with_columns(naf_code=pl.lit("43.22A"), state_code=pl.lit("A"))
    )
    shown = pl.col("mass_tonnes_state") != "secret"
    of_building = pl.col("waste_code").str.starts_with("17")
    assert written.filter(shown & of_building).height
    few = {SIRENE.id: builder}
    passed, details = found(WASTE, written, rows, few, tmp_path)["linkage"]
    assert passed
    share = written.filter(shown).select(of_building.mean()).item()
    assert details[SIRENE.id]["few_share"] == round(share, 3)
    assert details[SIRENE.id]["unique_share"] == round(share, 3)
    assert WASTE.protection
    (link,) = WASTE.protection.linked_registers
    blocking = link.model_copy(update={"blocks": True})
    spec = changed(WASTE, linked_registers=(blocking,))
    assert not found(spec, written, rows, few, tmp_path)["linkage"][0]


def test_closed_firms_are_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    rows = MADE[WASTE.id](rng)
    closed = {SIRENE.id: firms(rng).with_columns(state_code=pl.lit("F"))}
    written = protect_source(WASTE, rows).rows
    details = found(WASTE, written, rows, closed, tmp_path)["linkage"][1]
    assert details[SIRENE.id]["matched_share"] == 0.0


def test_a_register_that_was_not_collected_is_said_to_be_absent(tmp_path: Path) -> None:
    rows = dwellings(np.random.default_rng(8))
    written = protect_source(DWELLINGS, rows).rows
    told = found(DWELLINGS, written, rows, {}, tmp_path)["linkage"]
    assert told == (True, {BDNB.id: {"register": "absent"}})


def test_an_audit_is_made_again_when_its_register_changes(tmp_path: Path) -> None:
    layout, rng = Layout(tmp_path), np.random.default_rng(9)
    hold(layout, DWELLINGS, dwellings(rng))
    write_anonymized(DWELLINGS, layout, run_id="r")
    state = read_state(ValidatedState, layout.validated(DWELLINGS.id))
    assert state
    assert is_anonymized(DWELLINGS, state, layout)
    report = read_json(layout.anonymized(DWELLINGS.id) / REPORT)
    assert report
    assert report["audit"]["linkage"] == {BDNB.id: {"register": "absent"}}

    hold(layout, BDNB, stock(rng))
    assert not is_anonymized(DWELLINGS, state, layout)
    write_anonymized(DWELLINGS, layout, run_id="r")
    assert is_anonymized(DWELLINGS, state, layout)
    report = read_json(layout.anonymized(DWELLINGS.id) / REPORT)
    assert report
    told = report["audit"]["linkage"][BDNB.id]
    assert told["k_map"] >= report["policy"]["k_map"] == 11


def test_what_leads_to_few_is_withdrawn(tmp_path: Path) -> None:
    layout, rng = Layout(tmp_path), np.random.default_rng(10)
    rows = dwellings(rng)
    hold(layout, DWELLINGS, rows)
    write_anonymized(DWELLINGS, layout, run_id="r")
    written = protect_source(DWELLINGS, rows).rows
    hold(layout, BDNB, one_building(first_class(written), 1))
    with pytest.raises(PrivacyError, match="linkage"):
        write_anonymized(DWELLINGS, layout, run_id="r")
    assert list(layout.anonymized(DWELLINGS.id).iterdir()) == []


def test_invented_registers_say_nothing_of_real_data(tmp_path: Path) -> None:
    layout, rng = Layout(tmp_path), np.random.default_rng(11)
    hold(layout, DWELLINGS, dwellings(rng))
    hold(layout, BDNB, stock(rng), origin="live")
    write_anonymized(DWELLINGS, layout, run_id="r")
    report = read_json(layout.anonymized(DWELLINGS.id) / REPORT)
    assert report
    assert report["audit"]["linkage"] == {BDNB.id: {"register": "absent"}}


def linked(**changes: Any) -> SourceSpec:
    assert DWELLINGS.protection
    (link,) = DWELLINGS.protection.linked_registers
    told = link.model_dump() | changes
    return changed(DWELLINGS, linked_registers=(type(link).model_validate(told),))


COMMUNE = {"column": "commune_code", "of": "commune_code"}
BAD_LINKS: dict[str, Callable[[], SourceSpec]] = {
    "nothing that goes on": lambda: linked(matches=[COMMUNE | {"column": "x"}]),
    "has no column x": lambda: linked(matches=[COMMUNE | {"of": "x"}]),
    "is no number": lambda: linked(units="main_use"),
    "by day": lambda: linked(source="linky_load_curves", units=None),
    "k_map": lambda: linked(population=False),
    "cells have none": lambda: changed(
        WASTE,
        linked_registers=linked(matches=[COMMUNE]).protection.linked_registers,
    ),
    "named twice": lambda: changed(
        DWELLINGS, linked_registers=linked().protection.linked_registers * 2
    ),
}


@pytest.mark.parametrize("problem", BAD_LINKS)
def test_a_register_that_does_not_fit_is_refused(problem: str) -> None:
    assert problem in "; ".join(register_problems(BAD_LINKS[problem](), SPECS))


def test_a_register_must_be_a_source_of_a_whole_catalogue() -> None:
    assert [*absent_registers(linked(source="x_y"), SPECS)] == [
        "linked_registers: x_y: is no source"
    ]
    for spec in SPECS.values():
        assert [*absent_registers(spec, SPECS), *register_problems(spec, SPECS)] == []


def test_registers_are_not_set_against_by_moments() -> None:
    with pytest.raises(ValueError, match="codes and numbers"):
        linked(matches=[COMMUNE | {"takes": ["1mo"]}])
