"""Canaries end to end: planted in every personal source, found in no public place.

The platform collects, validates, anonymizes and publishes a sandbox full of invented
persons; then everything that is not private is looked through for them, in every
spelling, and everything that is private for the proof that they were there.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import shutil
import sqlite3
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import polars as pl
import pytest
import yaml

from lrtzc_pipelines.canaries.invented import PLANTED, Canary
from lrtzc_pipelines.canaries.scanning import Scanner, files_at, public_files
from lrtzc_pipelines.cli.output import Exit
from lrtzc_pipelines.instance import write_instance_config
from lrtzc_pipelines.layout import PRIVATE_ZONE, Layout
from lrtzc_pipelines.sandbox.consents import write_consents
from lrtzc_pipelines.sandbox.deposits import write_inbox
from lrtzc_pipelines.sandbox.faults import Fault
from lrtzc_pipelines.sandbox.planted import planted_canaries
from lrtzc_pipelines.sandbox.server import (
    RunningSandbox,
    create_app,
    endpoint_overrides,
)
from lrtzc_pipelines.sandbox.uplinks import write_spool
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.registry import load_sources

from .conftest import SEED, Platform, clean_environment

NOT_RECEIVED = {
    # The connector selects other columns.
    ("ademe_dpe_dwellings", "adresse_ban"): PLANTED,
    # It asks for one department, and some rows are of another.
    ("odre_production_register", "energieannuelleglissanteinjectee"): 1,
}
"""How many canaries, by source and column, the platform does not even ask for."""

SAYING = (
    ("quarantine", "list"),
    ("doctor",),
    ("retention",),
    ("privacy", "register"),
)
"""Commands that speak of personal sources."""

FEWER_PERSONS = {"larochelle_agglomeration_communes": 28}
"""Sources whose suite allows fewer rows than there are canaries."""


@dataclass
class Flown:
    """A platform that went through a night with canaries, and what it said."""

    platform: Platform
    canaries: tuple[Canary, ...]
    scanner: Scanner
    outcome: dict[str, Any]
    told: Path

    @property
    def layout(self) -> Layout:
        return Layout(self.platform.data_dir)

    def found(self, paths: Iterable[Path]) -> set[Canary]:
        return {leak.canary for leak in self.scanner.scan(paths)}

    def in_zone(self, *parts: str) -> set[Canary]:
        return self.found(files_at([self.platform.data_dir.joinpath(*parts)]))


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    folder = tmp_path_factory.mktemp("canaries")
    data_dir, told = folder / "data", folder / "told"
    told.mkdir()
    for leave in (write_consents, write_spool, write_inbox):
        leave(data_dir, SEED, canaries=True)
    log_everything(Layout(data_dir))
    app = create_app(World(SEED, canaries=True))
    with RunningSandbox(app) as url:
        environment = clean_environment(data_dir, endpoint_overrides(url))
        platform = Platform(data_dir, environment)
        done = platform.run("refresh", "--json")
        # Meters are in the addresses that are asked, which a failure speaks of.
        app.state.faults.plan("linky", Fault.TRUNCATE, 1000)
        failed = platform.run("refresh", "--source=linky_load_curves", "--json")
    assert done.returncode == 0, done.stderr
    assert failed.returncode == Exit.SOURCE_FAILED, failed.stderr
    (told / "refresh.txt").write_text(done.stdout + done.stderr)
    (told / "failed.txt").write_text(failed.stdout + failed.stderr)
    for command in SAYING:
        said = platform.run(*command)
        (told / f"{' '.join(command)}.txt").write_text(said.stdout + said.stderr)
    canaries = planted_canaries(SEED)
    return Flown(platform, canaries, Scanner(canaries), json.loads(done.stdout), told)


def by_column(canaries: Iterable[Canary]) -> dict[tuple[str, str], int]:
    return Counter((canary.source_id, canary.column) for canary in canaries)


def log_everything(layout: Layout) -> None:
    """Has Dagster keep every line that any library logs, down to the details."""
    path = write_instance_config(layout) / "dagster.yaml"
    config = yaml.safe_load(path.read_text())
    config["python_logs"] = {
        "python_log_level": "DEBUG",
        "managed_python_loggers": ["root"],
    }
    path.write_text(yaml.safe_dump(config))


def test_every_personal_source_has_its_canaries(flown: Flown) -> None:
    personal = {
        name
        for name, spec in load_sources().items()
        if any(column.is_personal for column in spec.columns)
    }
    persons = Counter(
        source_id for source_id, _ in {(c.source_id, c.number) for c in flown.canaries}
    )
    assert set(persons) == personal
    expected = {name: FEWER_PERSONS.get(name, PLANTED) for name in personal}
    assert dict(persons) == expected


def test_every_source_went_through(flown: Flown) -> None:
    states = {entry["source"]: entry["state"] for entry in flown.outcome["sources"]}
    assert set(states.values()) == {"changed"}, states
    assert flown.outcome["published"]


def test_every_canary_came_in(flown: Flown) -> None:
    received = flown.in_zone("raw") | flown.in_zone("deposits")
    assert by_column(set(flown.canaries) - received) == NOT_RECEIVED


def test_consents_name_the_invented_meters(flown: Flown) -> None:
    meters = {c for c in flown.canaries if c.column == "usage_point_id"}
    assert len(meters) == PLANTED
    assert flown.in_zone("consents") == meters


def test_canaries_went_through_the_validation_or_were_refused(flown: Flown) -> None:
    declared = {
        (name, column.source)
        for name, spec in load_sources().items()
        for column in spec.columns
    }
    known = {c for c in flown.canaries if (c.source_id, c.column) in declared}
    fine = {canary for canary in known if not canary.is_refused}
    validated, set_aside = flown.in_zone("validated"), flown.in_zone("quarantine")
    # The sandbox's own disorder takes a row or two of a source.
    lost = by_column(fine - validated)
    assert max(lost.values(), default=0) <= 2, lost
    assert not (known - fine) & validated
    # A file that a partner must correct is not taken in, so that nothing is set aside.
    refused = known - fine - flown.in_zone("deposits")
    assert refused
    assert not by_column(refused - set_aside)


def test_the_ledger_of_releases_names_nobody(flown: Flown) -> None:
    assert list(flown.layout.data_dir.glob("ledger/**/persons.parquet"))
    # It holds what firms handed over, and what buildings took, under hashes that have a
    # key.
    amounts = {
        ("valorisation_company_waste", "tonnes"),
        (
            "enedis_address_consumption",
            "consommation_annuelle_totale_de_ladresse_mwh",
        ),
    }
    assert set(by_column(flown.in_zone("ledger"))) <= amounts


def test_no_canary_is_outside_of_the_private_zone(flown: Flown) -> None:
    looked = ["privacy", "canaries", f"--seed={SEED}", "--check", "--json"]
    done = flown.platform.run(*looked, f"--also={flown.told}")
    leaks = json.loads(done.stdout)
    places = Counter((k["file"], k["where"], k["source"], k["column"]) for k in leaks)
    assert not places
    assert done.returncode == 0


def test_what_is_looked_through_is_all_that_there_is(flown: Flown) -> None:
    looked = {
        path.relative_to(flown.layout.data_dir) for path in public_files(flown.layout)
    }
    assert {path.parts[0] for path in looked} == {
        "anonymized",
        "dagster",
        "dbt",
        "logs",
        "releases",
    }
    release = Path("releases") / flown.outcome["release"]
    for name in ("lrtzc.duckdb", "manifest.json", "privacy.json", "site/index.html"):
        assert release / name in looked
    assert any(p.parts[:2] == ("dagster", "history") for p in looked)
    assert Path("logs/refresh.log") in looked


def test_private_folders_are_for_the_platform_alone(flown: Flown) -> None:
    # Partners reach their inbox.
    there = {path for path in flown.layout.data_dir.iterdir() if path.name != "inbox"}
    private = {path for path in there if path.name in PRIVATE_ZONE}
    assert {"raw", "validated", "quarantine", "ledger"} < {p.name for p in private}
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def append(path: Path, text: str) -> Path:
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(f"\n{text}\n".encode())
    return path


def insert(path: Path, expression: str, value: Any) -> Path:
    path.chmod(0o600)
    with duckdb.connect(path) as connection:
        connection.execute(f"create table leak as select {expression} as data", [value])
    return path


def into_page(release: Path, value: str) -> Path:
    return append(release / "site/index.html", f"<p>{html.escape(value)}</p>")


def into_link(release: Path, value: str) -> Path:
    return append(release / "site/index.html", f"<a href='?q={quote(value)}'>")


def into_manifest(release: Path, value: str) -> Path:
    return append(release / "manifest.json", json.dumps({"who": value.upper()}))


def into_warehouse(release: Path, value: str) -> Path:
    return insert(release / "lrtzc.duckdb", "{'who': [?]}", value)


def into_blob(release: Path, value: str) -> Path:
    packed = gzip.compress(value.encode("utf-16"))
    return insert(release / "lrtzc.duckdb", "?::blob", packed)


def into_parquet(release: Path, value: str) -> Path:
    path = release / "parquet" / "leak.parquet"
    digest = hashlib.sha256(value.encode()).hexdigest()
    pl.DataFrame({"key": [f"p_{digest}"] * 1000}).write_parquet(path)
    return path


def into_log(release: Path, value: str) -> Path:
    path = release / "refresh.log"
    line = base64.b64encode(f"GET /x?who={value} HTTP/1.1".encode()).decode()
    path.write_text(line)
    return path


def into_hexadecimal(release: Path, value: str) -> Path:
    path = release / "refresh.log"
    path.write_text(value.encode().hex().upper())
    return path


def into_events(release: Path, value: str) -> Path:
    path = release / "index.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table event_logs (event text)")
        event = json.dumps(json.dumps({"label": f"failed at {value}"}))
        connection.execute("insert into event_logs values (?)", [event])
        connection.commit()
    return path


def into_archive(release: Path, value: str) -> Path:
    path = release / "all.zip"
    digest = hashlib.md5(value.encode(), usedforsecurity=False).digest()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", base64.b64encode(digest).decode())
    return path


@pytest.mark.parametrize(
    ("plant", "column"),
    [
        (into_page, "gerant"),
        (into_link, "adressesOperateurs.lieu"),
        (into_manifest, "observations"),
        (into_warehouse, "surface_habitable_logement"),
        (into_blob, "usage_point_id"),
        (into_parquet, "id_usager"),
        (into_log, "gerant"),
        (into_hexadecimal, "trip_id"),
        (into_events, "raisonSociale"),
        (into_archive, "num_pdl"),
    ],
)
def test_a_leak_on_purpose_is_found(
    flown: Flown, tmp_path: Path, plant: Callable[[Path, str], Path], column: str
) -> None:
    release = tmp_path / "release"
    shutil.copytree(flown.layout.current_release, release)
    canary = next(c for c in flown.canaries if c.column == column)
    assert flown.found([plant(release, canary.value)]) == {canary}


def test_who_is_alone_in_its_area_is_found_in_a_table(
    flown: Flown, tmp_path: Path
) -> None:
    lonely = [canary for canary in flown.canaries if canary.is_cell]
    assert len(lonely) > 1
    pl.DataFrame({"commune": [lonely[0].value]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text(f"commune;trips\n{lonely[1].value};3\n")
    assert flown.found(files_at([tmp_path])) == set(lonely[:2])
