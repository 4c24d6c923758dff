"""The real files of the services, through the real connectors and the real line.

They are served again on loopback from the folder beside the checkout, which is not
part of it. What is expected here was counted in the files by other means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lrtzc_pipelines.anonymizing import write_anonymized
from lrtzc_pipelines.checks import Check
from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.raw_store import RawStore
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_replay_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sources.protocols import WebserviceConnector
from lrtzc_pipelines.sources.registry import load_sources
from lrtzc_pipelines.sources.spec import SourceSpec
from lrtzc_pipelines.states import DATA
from lrtzc_pipelines.validating import Validated, validate

REAL = Path(__file__).parents[3] / "shared" / "real"
PARKING = "stationnement-disponibilite_parking_historique-{}.xml"
AGGLOMERATION = "241700434"
SPECS = load_sources()

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here"),
]

Collect = Callable[[SourceSpec], tuple[Validated, pl.DataFrame]]


@pytest.fixture(scope="module")
def endpoints() -> Iterator[dict[str, str]]:
    with RunningSandbox(create_replay_app(REAL)) as base_url:
        yield endpoint_overrides(base_url)


def target(endpoints: dict[str, str], spec: SourceSpec) -> Target:
    return Target(
        endpoint_id=spec.endpoint,
        base_url=endpoints[spec.endpoint],
        declared_url="https://service.invalid/",
        requests_per_second=1,
    )


@pytest.fixture
def collected(endpoints: dict[str, str], tmp_path: Path) -> Collect:
    """Collects, validates and anonymizes a source; its checks and its rows."""

    def run(spec: SourceSpec) -> tuple[Validated, pl.DataFrame]:
        layout = Layout(tmp_path)
        store = RawStore(layout.raw(spec.id))
        found = collect(spec, target(endpoints, spec), store, run_id="real")
        validated = validate(
            spec, load_suite(spec), found.snapshot, layout, run_id="real"
        )
        validated.require(spec)
        write_anonymized(spec, layout, run_id="real")
        return validated, pl.read_parquet(layout.anonymized(spec.id) / DATA)

    return run


def check(validated: Validated, name: str) -> Check:
    return next(item for item in validated.checks if item.name == name)


def source_of(database: str, table: str) -> SourceSpec:
    """A source that reads another table of the legacy web service."""
    spec = SPECS["larochelle_parking_history"]
    assert isinstance(spec.connector, WebserviceConnector)
    other = {"database": database, "table": table}
    return spec.model_copy(
        update={"connector": spec.connector.model_copy(update=other)}
    )


def test_the_28_communes_have_clean_names(collected: Collect) -> None:
    validated, rows = collected(SPECS["larochelle_agglomeration_communes"])
    assert rows.height == rows["commune_code"].n_unique() == 28
    assert {"L'Houmeau", "Saint-Medard-D'Aunis"} <= set(rows["commune_name"])
    assert not rows["commune_name"].str.contains(r'["&;<>]|^\s|\s$').any()
    assert validated.quarantined_count == 0


def test_blank_areas_of_the_471_buildings_are_null(collected: Collect) -> None:
    validated, rows = collected(SPECS["larochelle_public_buildings"])
    assert (rows.height, validated.quarantined_count) == (471, 0)
    assert rows["footprint_m2"].null_count() == 213
    texts = rows.select(pl.col(pl.String))
    assert not texts.select(pl.any_horizontal((pl.all() == "").any())).item()
    assert not texts.select(
        pl.any_horizontal(pl.all().str.contains(r"^\s|\s$|&\w+;").any())
    ).item()


def test_the_perimeter_has_the_populations_of_the_agglomeration(
    collected: Collect,
) -> None:
    _, rows = collected(SPECS["dgcl_epci_perimeter"])
    members = rows.filter(pl.col("epci_siren") == AGGLOMERATION)
    assert members.height == 28
    assert members["population_total"].sum() == 185_015
    assert members["population_municipal"].sum() == 181_057


def test_thermosensitive_electricity_is_withheld_and_the_rest_kept(
    collected: Collect,
) -> None:
    validated, rows = collected(SPECS["ore_residential_electricity"])
    (ours,) = (
        rows.filter(pl.col("epci_siren") == AGGLOMERATION)
        .select(pl.col("site_count", "consumption_mwh").sum())
        .to_dicts()
    )
    assert ours["site_count"] == 108_817
    assert ours["consumption_mwh"] == pytest.approx(441_735.519)
    caught = check(validated, "thermosensitive_within_total")
    assert (caught.passed, caught.blocking, caught.action) == (False, False, "withhold")
    for name in ("thermosensitive_consumption_mwh", "thermosensitive_share_percent"):
        assert rows[name].null_count() == rows.height > 100


def test_bus_exceptions_of_the_portal_come_through(collected: Collect) -> None:
    validated, rows = collected(SPECS["yelo_calendar_dates"])
    assert (rows.height, validated.quarantined_count) == (11, 0)


def parking_rows() -> list[dict[str, str]]:
    """The rows of the four recorded pages, read without the platform's parser."""
    found: list[dict[str, str]] = []
    for offset in (1, 5001, 10001, 15001):
        path = REAL / "larochelle_webservice_xml" / PARKING.format(offset)
        found += [
            dict(re.findall(r'<(\w+)>"(.*?)"</\1>', row))
            for row in re.findall(r"<row>(.*?)</row>", path.read_text("utf-8"))
        ]
    return found


def test_every_parking_measurement_is_kept_or_quarantined(collected: Collect) -> None:
    received = parking_rows()
    ids = {int(row["dp_id"]) for row in received}
    assert len(received) == 20_000
    assert len(ids) < len(received)
    validated, rows = collected(SPECS["larochelle_parking_history"])
    state = validated.require(SPECS["larochelle_parking_history"])
    assert rows.height + validated.quarantined_count == len(ids)
    assert set(rows["measurement_id"]) <= ids
    seen = state.continuity
    assert seen["received"] == len(received)
    assert seen["repeats"] == len(received) - len(ids)
    missing = sorted(set(range(min(ids), max(ids) + 1)) - ids)
    assert seen["missing_keys"] == len(missing)
    assert seen["holes"] == sum(before - 1 in ids for before in missing)
    assert seen["longest_gap_hours"] is not None


def test_measurements_are_those_of_the_files(collected: Collect) -> None:
    _, rows = collected(SPECS["larochelle_parking_history"])
    counts: dict[int, Any] = {
        int(row["dp_id"]): (int(row["dp_nb_places"]), int(row["dp_place_disponible"]))
        for row in parking_rows()
        if row["dp_place_disponible"].isdecimal()
    }
    found = rows.select("measurement_id", "space_count", "free_space_count").rows()
    assert {key: (spaces, free) for key, spaces, free in found}.items() <= (
        counts.items()
    )


def test_an_application_error_inside_http_200_is_an_error(collected: Collect) -> None:
    spec = source_of("stationnement", "disponibilite_parking_jour")
    with pytest.raises(FetchError, match="code=7") as caught:
        collected(spec)
    assert caught.value.permanent


def test_an_empty_table_is_refused_and_leaves_nothing(
    endpoints: dict[str, str], tmp_path: Path
) -> None:
    spec = source_of("agenda", "agenda")
    layout = Layout(tmp_path)
    store = RawStore(layout.raw(spec.id))
    found = collect(spec, target(endpoints, spec), store, run_id="real")
    validated = validate(spec, load_suite(spec), found.snapshot, layout, run_id="real")
    assert validated.state is None
    empty = check(validated, "not_empty")
    assert (empty.passed, empty.blocking) == (False, True)
    assert not (layout.validated(spec.id) / DATA).exists()


def test_collecting_the_same_files_again_finds_nothing_new(
    endpoints: dict[str, str], tmp_path: Path
) -> None:
    spec = SPECS["larochelle_agglomeration_communes"]
    store = RawStore(Layout(tmp_path).raw(spec.id))
    first = collect(spec, target(endpoints, spec), store, run_id="one")
    again = collect(spec, target(endpoints, spec), store, run_id="two")
    assert (str(first.outcome), str(again.outcome)) == ("changed", "unchanged")
    assert again.bytes_received == 0
    assert again.snapshot == first.snapshot
