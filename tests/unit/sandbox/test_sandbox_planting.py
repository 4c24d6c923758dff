"""Planting: each personal column is planted or has a reason, and the rest stays."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from lrtzc_pipelines.canaries.invented import PLANTED
from lrtzc_pipelines.connectors.consents import read_consents
from lrtzc_pipelines.deposits.depositors import receptions
from lrtzc_pipelines.deposits.forms import find_form, load_channel
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.parsers.uplinks import parse_uplinks
from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.deposits import write_inbox
from lrtzc_pipelines.sandbox.draws import TODAY
from lrtzc_pipelines.sandbox.planted import planted_canaries, planted_recipe
from lrtzc_pipelines.sandbox.planting import REFUSED, is_personal, plant
from lrtzc_pipelines.sandbox.recipe_sources import RecipeSources
from lrtzc_pipelines.sandbox.recipes import recipe_frame, recipe_ids
from lrtzc_pipelines.sandbox.uplinks import write_spool
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.registry import load_sources

SEED = 7
SPECS = load_sources()
PERSONAL = sorted(name for name in recipe_ids() if is_personal(SPECS[name]))
CLASS = "one of a few classes, which is what is released"
SMALL = "a small whole number, which many rows have"
PARSED = "made by the parser, of lines that it cannot read"
UNPLANTED = {
    ("ademe_dpe_dwellings", "code_insee_ban"): "the question asks for known communes",
    ("ademe_dpe_dwellings", "etiquette_ges"): CLASS,
    ("ademe_dpe_dwellings", "type_energie_principale_chauffage"): CLASS,
    ("enedis_address_consumption", "annee"): CLASS,
    ("enedis_address_consumption", "code_commune"): CLASS,
    ("enedis_address_consumption", "code_iris"): CLASS,
    ("enedis_address_consumption", "nombre_de_logements"): SMALL,
    ("enedis_address_consumption", "segment_de_client"): CLASS,
    ("irve_charging_points", "ligne_illisible"): PARSED,
    ("irve_charging_status", "ligne_illisible"): PARSED,
    ("linky_load_curves", "date"): "half-hours are released as they are",
    ("linky_load_curves", "quality"): "the gateway has one value for all",
    ("rpc_carpool_trips", "has_incentive"): CLASS,
    ("rpc_carpool_trips", "journey_distance"): SMALL,
    ("valorisation_company_waste", "code_naf"): CLASS,
    ("valorisation_company_waste", "code_dechet"): CLASS,
    ("valorisation_company_waste", "code_traitement"): CLASS,
    ("valorisation_company_waste", "mois"): "released as its year",
}
"""Personal columns without canaries, and why."""


@pytest.fixture(scope="module")
def canaries() -> Counter[tuple[str, str]]:
    return Counter((c.source_id, c.column) for c in planted_canaries(SEED))


def test_every_personal_column_is_planted_or_has_a_reason(
    canaries: Counter[tuple[str, str]],
) -> None:
    personal = {
        (name, str(column.source))
        for name, spec in SPECS.items()
        for column in spec.columns
        if column.is_personal
    }
    assert personal - set(canaries) == set(UNPLANTED)


@pytest.mark.parametrize("name", PERSONAL)
def test_sixty_four_rows_are_planted_and_the_others_stay(name: str) -> None:
    before = recipe_frame(name, SEED, TODAY)
    planted = planted_recipe(name, SEED, TODAY)
    assert planted.frame.columns == before.columns
    assert len({canary.number for canary in planted.canaries}) == PLANTED
    if name != "linky_load_curves":
        changed = pl.DataFrame(
            after.head(before.height).cast(was.dtype, strict=False).ne_missing(was)
            for was, after in zip(before, planted.frame, strict=True)
        )
        assert changed.select(pl.any_horizontal(pl.all()).sum()).item() <= PLANTED


@pytest.mark.parametrize("name", PERSONAL)
def test_a_planted_value_is_in_its_column(name: str) -> None:
    planted = planted_recipe(name, SEED, TODAY)
    texts = {
        column: "\n".join(planted.frame[column].drop_nulls().cast(pl.String)).lower()
        for column in {canary.column for canary in planted.canaries}
    }
    for canary in planted.canaries:
        assert any(part.lower() in texts[canary.column] for part in canary.parts)


@pytest.mark.parametrize("name", PERSONAL)
def test_the_last_ones_are_made_to_be_refused(name: str) -> None:
    planted = planted_recipe(name, SEED, TODAY)
    refused = {canary.number for canary in planted.canaries if canary.is_refused}
    assert refused == set(range(PLANTED - REFUSED, PLANTED))


def test_an_open_source_is_left_alone() -> None:
    frame = recipe_frame("insee_iris", SEED, TODAY)
    planted = plant(frame, SPECS["insee_iris"], SEED)
    assert planted.frame is frame
    assert planted.canaries == ()


def test_what_is_planted_does_not_follow_from_the_day() -> None:
    for name in PERSONAL:
        if SPECS[name].is_daily:
            one, other = (
                {(c.column, c.number): c.value for c in planted.canaries}
                for planted in (
                    planted_recipe(name, SEED, TODAY),
                    planted_recipe(name, SEED, TODAY.replace(day=3)),
                )
            )
            assert one == other


def test_without_canaries_the_world_is_as_it_was() -> None:
    plain = RecipeSources(SEED)
    for name in PERSONAL:
        frame = plain.table(SPECS[name]).frame
        assert frame.equals(recipe_frame(name, SEED, TODAY))


def test_a_world_with_canaries_counts_its_rows() -> None:
    world = World(SEED, canaries=True)
    counts = world.row_counts()
    assert counts["citiz_car_stations"] == PLANTED
    assert counts["insee_iris"] == World(SEED).row_counts()["insee_iris"]
    assert world.communes["id"].min() > 10**11
    assert world.communes.height == 28


def test_the_consents_are_those_of_the_planted_meters(tmp_path: Path) -> None:
    (path,) = write_consents(tmp_path, SEED, canaries=True)
    meters = {c.value for c in planted_canaries(SEED) if c.column == "usage_point_id"}
    assert {consent.usage_point_id for consent in read_consents(path)} == meters
    assert len(meters) == PLANTED


def test_planted_uplinks_are_read_but_for_those_to_be_refused(tmp_path: Path) -> None:
    path = write_spool(tmp_path, SEED, canaries=True)
    assert path is not None
    frame = parse_uplinks(path.read_bytes(), "x")
    planted = {c.value for c in planted_canaries(SEED) if c.column == "payload"}
    assert len(planted & set(frame["payload"])) == PLANTED
    texts = frame["object.temperature"].drop_nulls()
    assert texts.str.contains("Zoé").sum() >= REFUSED


def test_planted_deposits_are_taken_or_refused_as_a_whole(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_inbox(tmp_path, SEED, canaries=True)
    accepted = {}
    for name in ("mobility_trips", "valorisation_waste"):
        for reception in receptions(load_channel(find_form(name)), layout):
            assert reception.depositor.startswith("kanari_")
            for receipt in reception.sweep().receipts:
                accepted[receipt.name] = receipt.accepted
    refused = {name for name, taken in accepted.items() if not taken}
    assert refused == {"dechets-a-corriger.csv", "trajets-a-corriger.csv"}
    assert len(accepted) == 4
