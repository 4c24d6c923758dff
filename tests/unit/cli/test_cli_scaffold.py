"""`lrtzc sources new`: files that load and pass at once, and hold nothing personal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lrtzc_pipelines.expectations.suites import load_suite
from lrtzc_pipelines.layout import Layout
from lrtzc_pipelines.sources.casefile import compare, load_expected, run_case
from lrtzc_pipelines.sources.checkout import Checkout
from lrtzc_pipelines.sources.registry import load_endpoints, load_source

SAMPLE = """\
N° dossier;Nom usager;Code INSEE;Surface m²;Date dépôt;Accord;order
D-001;Camille Inventé;17300;1 234,5;01/02/2024;oui;1
D-002;"Fictif; Dominique";01300;12;15/03/2024;non;2
D-003;Claude Imaginaire;;7,25;;;3
"""
URL = "https://data.example.org/files/dossiers.csv?annee=2024"
NEW = ("sources", "new", "cda_dossiers")


@pytest.fixture
def sample(tmp_path: Path) -> str:
    path = tmp_path / "sample.csv"
    path.write_bytes(SAMPLE.encode("cp1252"))
    return str(path)


def written_files(checkout: Checkout, source_id: str) -> list[Path]:
    return [
        checkout.spec(source_id),
        checkout.suite(source_id),
        *checkout.case(source_id).iterdir(),
        *(checkout.staging / source_id).iterdir(),
    ]


def tree(checkout: Checkout) -> dict[Path, bytes]:
    root = checkout.sources.parent.parent
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_what_is_written_checks_and_its_case_passes(
    lrtzc, checkout: Checkout, sample: str, tmp_path: Path
) -> None:
    assert lrtzc(*NEW, "--from-file", sample, "--url", URL).code == 0
    rows = lrtzc("sources", "check", "--json").rows
    states = {row["source"]: row["state"] for row in rows}
    assert states.pop("cda_dossiers") == "review"
    assert set(states.values()) == {"ok"}
    spec = load_source(checkout.spec("cda_dossiers"))
    case = checkout.case(spec.id)
    expected = load_expected(case)
    suite = load_suite(spec, checkout.suites)
    result = run_case(spec, suite, case, Layout(tmp_path / "case"))
    assert compare(expected, result) == []
    assert expected.rows


def test_the_format_columns_and_key_come_from_the_sample(
    lrtzc, checkout: Checkout, sample: str
) -> None:
    lrtzc(*NEW, "--from-file", sample, "--url", URL, "--title", "Dossiers d'essai")
    spec = load_source(checkout.spec("cda_dossiers"))
    assert spec.title == "Dossiers d'essai"
    assert spec.primary_key == ("n_dossier",)
    assert spec.format.model_dump(exclude={"kind", "quote"}) == {
        "encoding": "cp1252",
        "separator": ";",
        "decimal": ",",
        "thousands": " ",
        "compression": "none",
        "member": None,
        "occurrence_column": None,
    }
    assert [(c.name, str(c.type), c.privacy) for c in spec.columns] == [
        ("n_dossier", "text", "drop"),
        ("nom_usager", "text", "drop"),
        ("code_insee", "text", "keep"),
        ("surface_m2", "number", "keep"),
        ("date_depot", "date", "keep"),
        ("accord", "boolean", "keep"),
        ("order_value", "integer", "keep"),
    ]


def test_nothing_of_the_sample_is_copied(
    lrtzc, checkout: Checkout, sample: str
) -> None:
    said = lrtzc(*NEW, "--from-file", sample, "--url", URL)
    texts = [path.read_bytes() for path in written_files(checkout, "cda_dossiers")]
    for value in ("Camille", "Fictif", "Imaginaire", "D-001", "17300", "1 234,5"):
        assert not any(value.encode("cp1252") in text for text in texts)
        assert value not in said.out + said.err


def test_what_to_review_is_told(lrtzc, checkout: Checkout, sample: str) -> None:
    said = lrtzc(*NEW, "--from-file", sample, "--url", URL)
    assert "the name suggests a person or a home (usager)" in said.out
    assert "tells rows apart that look like persons" in said.out
    assert "Sample: 3 rows, 3 readable, 0 repeats, 0 refused" in said.err
    assert "The key (n_dossier) is not published." in said.err
    assert "lrtzc refresh --source cda_dossiers" in said.err


def test_a_new_endpoint_is_added_and_the_others_stay(
    lrtzc, checkout: Checkout, sample: str
) -> None:
    before = checkout.endpoints.read_text("utf-8")
    lrtzc(*NEW, "--from-file", sample, "--url", URL)
    assert checkout.endpoints.read_text("utf-8").startswith(before)
    endpoint = load_endpoints(checkout.sources)["cda"]
    assert endpoint.base_url == "https://data.example.org/"
    connector = load_source(checkout.spec("cda_dossiers")).connector.model_dump()
    assert connector["path"] == "files/dossiers.csv"
    assert connector["query"] == {"annee": "2024"}


@pytest.mark.parametrize("named", [(), ("--endpoint", "agence_ore")])
def test_a_declared_endpoint_is_used_again(
    lrtzc, checkout: Checkout, sample: str, named: tuple[str, ...]
) -> None:
    before = checkout.endpoints.read_text("utf-8")
    url = "https://opendata.agenceore.fr/a/b.csv"
    assert lrtzc(*NEW, "--from-file", sample, "--url", url, *named).code == 0
    spec = load_source(checkout.spec("cda_dossiers"))
    assert (spec.endpoint, spec.connector.path) == ("agence_ore", "a/b.csv")
    assert checkout.endpoints.read_text("utf-8") == before


def test_a_released_table_says_so(lrtzc, checkout: Checkout, sample: str) -> None:
    lrtzc(*NEW, "--from-file", sample, "--url", URL)
    models = checkout.staging / "cda_dossiers" / "_cda_dossiers__models.yml"
    (model,) = yaml.safe_load(models.read_text("utf-8"))["models"]
    assert model["config"]["meta"]["release"] is True
    # The key is dropped, so it can neither be tested nor leak by its test.
    assert "n_dossier" not in models.read_text("utf-8")


def test_an_unreleased_table_is_a_plain_model(
    lrtzc, checkout: Checkout, sample: str
) -> None:
    lrtzc(*NEW, "--from-file", sample, "--url", URL, "--no-released")
    models = checkout.staging / "cda_dossiers" / "_cda_dossiers__models.yml"
    (model,) = yaml.safe_load(models.read_text("utf-8"))["models"]
    assert "config" not in model


def test_a_chosen_key_and_a_chosen_column_are_followed(
    lrtzc, checkout: Checkout, sample: str
) -> None:
    chosen = ("--key", "order", "--keep", "Nom usager")
    lrtzc(*NEW, "--from-file", sample, "--url", URL, *chosen)
    spec = load_source(checkout.spec("cda_dossiers"))
    assert spec.primary_key == ("order_value",)
    assert spec.column("nom_usager").privacy == "keep"
    assert spec.column("order_value").privacy == "drop"


def test_geojson_becomes_a_source(lrtzc, checkout: Checkout, tmp_path: Path) -> None:
    path = tmp_path / "bancs.geojson"
    point = {"type": "Point", "coordinates": [-1.1, 46.1]}
    features = [
        {"type": "Feature", "geometry": point, "properties": {"id": n, "h": n / 2}}
        for n in (1, 2)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    url = "https://data.example.org/bancs.geojson"
    new = ("sources", "new", "cda_bancs", "--from-file", str(path), "--url", url)
    assert lrtzc(*new).code == 0
    spec = load_source(checkout.spec("cda_bancs"))
    assert spec.format.kind == "geojson"
    assert spec.column("geometry").privacy == "drop"
    assert lrtzc("sources", "check", "cda_bancs").code == 0


def test_without_a_sample_the_columns_are_placeholders(
    lrtzc, checkout: Checkout
) -> None:
    said = lrtzc(*NEW, "--endpoint", "dgcl_banatic")
    assert said.code == 0
    assert "placeholders" in said.err
    assert lrtzc("sources", "check", "cda_dossiers").code == 0


REFUSED = {
    "bad id": (("cda-dossiers", "--url", URL), "id 'cda-dossiers'"),
    "id without producer": (("dossiers", "--url", URL), "id 'dossiers'"),
    "existing id": (("yelo_bike_stations", "--url", URL), "already exists"),
    "no address": (("cda_dossiers",), "give the file's address with --url"),
    "no http": (("cda_dossiers", "--url", "ftp://a/b.csv"), "not an http(s) address"),
    "key in the address": (
        ("cda_dossiers", "--url", "https://a.example/b.csv?apikey=s3cret"),
        "LRTZC_SECRET__",
    ),
    "password in the address": (
        ("cda_dossiers", "--url", "https://me:s3cret@a.example/b.csv"),
        "LRTZC_SECRET__",
    ),
    "other address of an endpoint": (
        ("cda_dossiers", "--url", URL, "--endpoint", "agence_ore"),
        "does not lie below",
    ),
    "bad endpoint": (
        ("cda_dossiers", "--url", URL, "--endpoint", "Ville!"),
        "--endpoint 'Ville!'",
    ),
    "unknown key": (
        ("cda_dossiers", "--url", URL, "--key", "numéro"),
        "no column 'numéro'",
    ),
    "key with blanks": (
        ("cda_dossiers", "--url", URL, "--key", "Code INSEE"),
        "1 rows without a value",
    ),
}


@pytest.mark.parametrize("order", REFUSED)
def test_an_order_that_cannot_be_followed_writes_nothing(
    lrtzc, checkout: Checkout, sample: str, order: str
) -> None:
    arguments, told = REFUSED[order]
    before = tree(checkout)
    said = lrtzc("sources", "new", *arguments, "--from-file", sample)
    assert said.code == 2
    assert told in said.err
    assert "s3cret" not in said.err
    assert tree(checkout) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "the file is empty"),
        (b"id;nom\n", "no row"),
        (b"Titre du fichier\nid;nom\n1;a\n", "no separator"),
        (b"id;id\n1;2\n", "stands twice"),
        (b"id;;x\n1;2;3\n", "column 2 has no name"),
        (b"id;nom\n\x81;b\n", "neither UTF-8 nor cp1252"),
    ],
)
def test_a_sample_that_cannot_be_read_is_explained(
    lrtzc, checkout: Checkout, tmp_path: Path, text: bytes, told: str
) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(text)
    before = tree(checkout)
    said = lrtzc(*NEW, "--from-file", str(path), "--url", URL)
    assert said.code == 1
    assert told in said.err
    assert tree(checkout) == before


def test_a_table_of_nothing_but_persons_waits_for_a_decision(
    lrtzc, checkout: Checkout, tmp_path: Path
) -> None:
    path = tmp_path / "agents.csv"
    path.write_text("matricule;nom;prenom\n1;A;B\n2;C;D\n", "utf-8")
    said = lrtzc(*NEW, "--from-file", str(path), "--url", URL)
    assert said.code == 2
    assert "--keep COLUMN" in said.err


def test_a_source_is_started_in_a_clone_only(
    lrtzc, checkout: Checkout, sample: str
) -> None:
    for path in sorted(checkout.cases.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    checkout.cases.rmdir()
    said = lrtzc(*NEW, "--from-file", sample, "--url", URL)
    assert said.code == 2
    assert "in a clone of the project" in said.err


def test_a_write_that_fails_leaves_nothing_behind(
    lrtzc, checkout: Checkout, sample: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(checkout)
    from lrtzc_pipelines.cli import scaffold

    write = scaffold.write_bytes
    calls = []

    def full_disk(path: Path, content: bytes, *, mode: int) -> None:
        calls.append(path)
        if len(calls) == 6:
            raise OSError(28, "No space left on device")
        write(path, content, mode=mode)

    monkeypatch.setattr(scaffold, "write_bytes", full_disk)
    said = lrtzc(*NEW, "--from-file", sample, "--url", URL)
    assert said.code == 1
    assert "No space left" in said.err
    assert tree(checkout) == before
    assert not checkout.case("cda_dossiers").exists()
