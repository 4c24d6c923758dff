"""Every mistake in a specification is told with its file and its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtzc_pipelines.errors import SpecError
from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.sources.formats import FORMATS_OF
from lrtzc_pipelines.sources.registry import (
    ENDPOINTS_FILE,
    SOURCES_DIR,
    SUITES_DIR,
    load_endpoints,
    load_source,
    load_sources,
    read_yaml,
)

SOURCE = """\
id: town_counts
title: Comptages
description: Comptages inventés pour un test.
producer: Ville
homepage: https://ville.example/
licence: etalab-2.0
tier: open
axis: 5
theme: mobility
owner: team:donnees
endpoint: town_hall
connector:
  kind: http_file
  path: counts.csv
format:
  kind: csv
cadence: daily
primary_key: [row_id]
freshness_days: 2
raw_retention_days: 30
columns:
  - name: row_id
    source: id
    type: integer
    required: true
    description: Identifiant.
    privacy: keep
  - name: visitor_name
    source: nom
    type: text
    description: Nom du visiteur.
    privacy: drop
"""
ENDPOINTS = """\
town_hall:
  title: Mairie
  base_url: https://ville.example/
  requests_per_second: 2
  contact: https://ville.example/
"""
PACKAGED = sorted(
    p.stem for p in SOURCES_DIR.glob("*.yaml") if p.name != ENDPOINTS_FILE
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "town_counts.yaml").write_text(SOURCE, "utf-8")
    (tmp_path / ENDPOINTS_FILE).write_text(ENDPOINTS, "utf-8")
    return tmp_path


def changed(folder: Path, old: str, new: str) -> Path:
    """The source's file with one thing changed."""
    assert SOURCE.count(old) == 1
    path = folder / "town_counts.yaml"
    path.write_text(SOURCE.replace(old, new), "utf-8")
    return path


# What is packaged


def test_there_are_packaged_sources() -> None:
    assert list(load_sources()) == PACKAGED
    assert len(PACKAGED) >= 8


@pytest.mark.parametrize("source_id", PACKAGED)
class TestAPackagedSource:
    def test_loads(self, source_id: str) -> None:
        assert load_source(SOURCES_DIR / f"{source_id}.yaml").id == source_id

    def test_has_an_endpoint_and_a_suite(self, source_id: str) -> None:
        spec = load_source(SOURCES_DIR / f"{source_id}.yaml")
        assert spec.endpoint in load_endpoints()
        assert load_suite(spec).name == source_id

    def test_has_a_connector_that_suits_its_format(self, source_id: str) -> None:
        spec = load_source(SOURCES_DIR / f"{source_id}.yaml")
        assert spec.format.kind in FORMATS_OF[spec.connector.kind]


def test_every_suite_belongs_to_a_source() -> None:
    assert sorted(path.stem for path in SUITES_DIR.glob("*.json")) == PACKAGED


def test_every_endpoint_is_used() -> None:
    used = {spec.endpoint for spec in load_sources().values()}
    assert set(load_endpoints()) == used


# A folder of one's own


def test_a_folder_of_specifications_loads(folder: Path) -> None:
    (spec,) = load_sources(folder).values()
    assert spec.id == "town_counts"
    assert load_endpoints(folder)["town_hall"].base_url == "https://ville.example/"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "privacy: drop",
            "unit: nom",
            "town_counts.yaml: columns[visitor_name].privacy: Field required",
        ),
        (
            "privacy: drop",
            "privacy: drop\n    privcy: keep",
            "town_counts.yaml: columns[visitor_name].privcy: unknown key",
        ),
        ("tier: open", "tier: open\ntiers: x", "town_counts.yaml: tiers: unknown key"),
        (
            "path: counts.csv",
            "path: counts.csv\n  pth: x",
            "town_counts.yaml: connector.pth: unknown key",
        ),
        ("tier: open\n", "", "town_counts.yaml: tier: Field required"),
        (
            "licence: etalab-2.0",
            "licence: none",
            "town_counts.yaml: licence: 'none' is not one of",
        ),
        (
            "type: text",
            "type: string",
            "town_counts.yaml: columns[visitor_name].type: Input should be",
        ),
        (
            "primary_key: [row_id]",
            "primary_key: [id]",
            "town_counts.yaml: specification: primary_key names 'id', which is not",
        ),
        (
            "privacy: drop",
            "privacy: {generalize: {step: 5}}",
            "columns[visitor_name]: column visitor_name: ",
        ),
        (
            "source: nom",
            "source: id",
            "town_counts.yaml: specification: source column declared twice: id",
        ),
        (
            "kind: http_file",
            "kind: ftp",
            "town_counts.yaml: connector: Input tag 'ftp'",
        ),
        (
            "id: town_counts",
            "id: town_visits",
            "town_counts.yaml: id: is 'town_visits', the file name says 'town_counts'",
        ),
        ("- name: row_id", "- nam: row_id", "town_counts.yaml: columns[0].name: Field"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_field(
    folder: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(SpecError) as error:
        load_source(changed(folder, old, new))
    assert any(message in line for line in str(error.value).splitlines())


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    path = changed(folder, "axis: 5\n", "axis: 12\ncolour: blue\n")
    with pytest.raises(SpecError) as error:
        load_source(path)
    fields = [line.split(": ")[1] for line in str(error.value).splitlines()]
    assert sorted(fields) == ["axis", "colour"]


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("axis: 5", "axis: 5\naxis: 6", "axis", 1),
        ("privacy: drop", "privacy: drop\n    privacy: keep", "privacy", 28),
        ("kind: csv", "kind: csv\n  kind: geojson", "kind", 16),
    ],
)
def test_a_key_written_twice_is_refused(
    folder: Path, old: str, new: str, key: str, line: int
) -> None:
    with pytest.raises(
        SpecError,
        match=rf"town_counts.yaml: .*'{key}' is written twice .* line {line}\)",
    ):
        load_source(changed(folder, old, new))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "expected a mapping of fields"),
        (b"- a\n- b\n", "expected a mapping of fields"),
        (b"text", "expected a mapping of fields"),
        (b"a: [1", "not readable as YAML"),
        (b"a: b: c", "not readable as YAML"),
        (b"nom: \xe9t\xe9", "not readable as YAML"),
        (b"a: !!python/object/apply:os.system [ls]", "not readable as YAML"),
        (b"a: \x00", "not readable as YAML"),
    ],
)
def test_what_is_no_mapping_is_refused_by_its_file(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "town_counts.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=rf"^town_counts.yaml: {reason}"):
        read_yaml(path)


# Endpoints


def test_an_unknown_endpoint_is_refused_by_the_source_that_names_it(
    folder: Path,
) -> None:
    changed(folder, "endpoint: town_hall", "endpoint: city_hall")
    with pytest.raises(
        SpecError,
        match=r"^town_counts.yaml: endpoint: 'city_hall' is not in endpoints.yaml",
    ):
        load_sources(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            ENDPOINTS.replace("https://ville.example/\n  req", "ville.example\n  req"),
            "endpoints.yaml: town_hall.base_url: String should match",
        ),
        (
            ENDPOINTS.replace("title: Mairie", "titre: Mairie"),
            "endpoints.yaml: town_hall.title: Field required",
        ),
        (
            ENDPOINTS + "  rate: 1\n",
            "endpoints.yaml: town_hall.rate: unknown key",
        ),
        ("town_hall:\n", "endpoints.yaml: town_hall: expected a mapping of fields"),
        ("town_hall: [1]\n", "endpoints.yaml: town_hall: expected a mapping"),
        (
            ENDPOINTS + ENDPOINTS,
            "endpoints.yaml: not readable as YAML: key 'town_hall'",
        ),
    ],
)
def test_a_mistake_in_an_endpoint_is_told_with_its_name(
    folder: Path, content: str, message: str
) -> None:
    (folder / ENDPOINTS_FILE).write_text(content, "utf-8")
    with pytest.raises(SpecError) as error:
        load_endpoints(folder)
    assert any(line.startswith(message) for line in str(error.value).splitlines())


def test_a_folder_without_endpoints_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^endpoints.yaml: "):
        load_sources(tmp_path)


# Suites


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "town_counts.json: every source needs a suite"),
        ("{", "town_counts.json: not JSON"),
        (
            '{"name": "town_counts", "expectations": []}',
            "town_counts.json: expectations",
        ),
        ('{"name": "town_counts"}', "town_counts.json: expectations: Field required"),
    ],
)
def test_a_mistake_in_a_suite_is_told_with_its_file(
    folder: Path, content: str | None, message: str
) -> None:
    (spec,) = load_sources(folder).values()
    if content is not None:
        (folder / "town_counts.json").write_text(content)
    with pytest.raises(SpecError) as error:
        load_suite(spec, folder)
    assert str(error.value).startswith(message)
