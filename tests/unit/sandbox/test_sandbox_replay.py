"""Recorded answers come back byte for byte, and gaps are told from ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from lrtzc_pipelines.errors import SettingsError
from lrtzc_pipelines.sandbox.server import RunningSandbox, create_replay_app

REAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "real"
HISTORY = "stationnement-disponibilite_parking_historique"
RESOURCE = "11111111-2222-3333-4444-555555555555"


def record(tmp_path: Path) -> Path:
    """A small directory of recorded answers, with a hole in one table."""
    pages = tmp_path / "recorded" / "xml"
    pages.mkdir(parents=True)
    for offset in (1, 5001, 15001):
        (pages / f"{HISTORY}-{offset}.xml").write_bytes(b"<page>%d</page>" % offset)
    (pages / "patrimoine-pat_bati.xml").write_bytes(b"<buildings/>")
    ckan = {
        "success": True,
        "result": {"resource_id": RESOURCE, "records": [{"_id": 1}], "total": 1},
    }
    (tmp_path / "calendar.json").write_text(json.dumps(ckan, indent=1))
    (tmp_path / "unrelated.json").write_text('{"result": [')
    (tmp_path / "perimetre-epci-a-fp.csv").write_bytes(b"dept;siren\r\n17;\xc9\r\n")
    (tmp_path / "communes-17_2018.geojson").write_bytes(b'{"whole": "department"}')
    (tmp_path / "communes-ca-28_2018.geojson").write_bytes(b'{"features": []}')
    feeds = tmp_path / "gbfs"
    feeds.mkdir()
    discovery = {
        "version": "3.0",
        "data": {
            "feeds": [{"name": "station_status", "url": "https://real.example/s"}]
        },
    }
    (feeds / "gbfs.json").write_text(json.dumps(discovery))
    (feeds / "station_status.json").write_bytes(b'{"data": {"stations": []}}')
    return tmp_path


@contextmanager
def replaying(directory: Path) -> Iterator[httpx.Client]:
    with (
        RunningSandbox(create_replay_app(directory)) as base_url,
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def client(directory: Path) -> Iterator[httpx.Client]:
    with replaying(directory) as client:
        yield client


def page(
    client: httpx.Client,
    offset: int,
    table: str = "disponibilite_parking_historique",
    database: str = "stationnement",
) -> httpx.Response:
    return client.get(
        "/larochelle_webservice/webservice/",
        params={
            "service": "getData",
            "key": "k",
            "db": database,
            "table": table,
            "format": "xml",
            "offset": offset,
            "limit": 5000,
        },
    )


@pytest.mark.parametrize("offset", [1, 5001, 15001])
def test_a_page_is_the_file_with_its_offset(client: httpx.Client, offset: int) -> None:
    assert page(client, offset).content == b"<page>%d</page>" % offset


def test_a_table_in_one_file_is_its_first_page(client: httpx.Client) -> None:
    assert page(client, 1, "pat_bati", "patrimoine").content == b"<buildings/>"


@pytest.mark.parametrize(
    ("database", "table", "offset"),
    [
        ("stationnement", "disponibilite_parking_historique", 20001),
        ("patrimoine", "pat_bati", 5001),
    ],
)
def test_after_the_last_recorded_page_is_success_with_empty_data(
    client: httpx.Client, database: str, table: str, offset: int
) -> None:
    body = page(client, offset, table, database).content
    assert b"code=0 message=Success</status>\t\t<data>\t\t</data>" in body


def test_a_hole_between_recorded_pages_is_no_end(client: httpx.Client) -> None:
    body = page(client, 10001).content
    assert b"code=7 message=Offset 10001 was not recorded." in body
    assert b"<data>" not in body


def test_a_table_never_recorded_is_code_7(client: httpx.Client) -> None:
    answer = page(client, 1, "agenda", "agenda")
    assert answer.status_code == 200
    assert b"<status>code=7 " in answer.content


def test_answers_are_marked_as_replayed(client: httpx.Client) -> None:
    assert page(client, 1).headers["x-lrtzc-sandbox"] == "replay"


def test_a_held_page_is_not_sent_again(client: httpx.Client) -> None:
    first = page(client, 1)
    again = client.get(
        str(first.request.url), headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert "last-modified" in first.headers


def test_a_changed_file_is_sent_with_another_etag(tmp_path: Path) -> None:
    first_page = record(tmp_path) / "recorded" / "xml" / f"{HISTORY}-1.xml"
    with replaying(tmp_path) as client:
        before = page(client, 1).headers["etag"]
        first_page.write_bytes(b"<corrected/>")
        after = page(client, 1)
    assert after.content == b"<corrected/>"
    assert after.headers["etag"] != before


def test_ckan_answers_by_its_resource_id(client: httpx.Client, directory: Path) -> None:
    answer = client.get(
        "/larochelle_d4c/api/action/datastore_search", params={"resource_id": RESOURCE}
    )
    assert answer.content == (directory / "calendar.json").read_bytes()


def test_ckan_after_the_recorded_records_is_empty(client: httpx.Client) -> None:
    answer = client.get(
        "/larochelle_d4c/api/action/datastore_search",
        params={"resource_id": RESOURCE, "offset": 1},
    )
    assert answer.json()["result"] == {
        "resource_id": RESOURCE,
        "records": [],
        "total": 1,
    }


def test_a_resource_never_recorded_is_not_found(client: httpx.Client) -> None:
    answer = client.get(
        "/larochelle_d4c/api/action/datastore_search", params={"resource_id": "x"}
    )
    assert answer.status_code == 404
    assert answer.json()["success"] is False


def test_a_csv_file_keeps_its_bytes(client: httpx.Client) -> None:
    answer = client.get("/dgcl_banatic/perimetre-epci-a-fp.csv")
    assert answer.content == b"dept;siren\r\n17;\xc9\r\n"


def test_outlines_are_the_file_of_the_28_communes(client: httpx.Client) -> None:
    answer = client.get(
        "/geo_api_gouv/epcis/241700434/communes?format=geojson&geometry=contour"
    )
    assert answer.content == b'{"features": []}'


def test_a_geojson_file_is_also_served_under_its_own_name(client: httpx.Client) -> None:
    answer = client.get(
        "/geo_api_gouv/communes-17_2018.geojson?format=geojson&geometry=contour"
    )
    assert answer.content == b'{"whole": "department"}'


def test_discovery_leads_to_the_sandbox(client: httpx.Client) -> None:
    (feed,) = client.get("/yelo_gbfs/gbfs.json").json()["data"]["feeds"]
    assert feed["url"] == str(client.base_url.join("/yelo_gbfs/station_status.json"))


def test_discovery_of_version_2_is_rewritten_in_every_language(
    tmp_path: Path,
) -> None:
    feed = {"name": "station_status", "url": "https://real.example/s"}
    discovery = {"version": "2.2", "data": {"fr": {"feeds": [feed]}}}
    (tmp_path / "gbfs.json").write_text(json.dumps(discovery))
    with replaying(tmp_path) as client:
        answer = client.get("/yelo_gbfs/gbfs.json")
        expected = str(client.base_url.join("/yelo_gbfs/station_status.json"))
    (served,) = answer.json()["data"]["fr"]["feeds"]
    assert served["url"] == expected


def test_a_recorded_feed_keeps_its_bytes(client: httpx.Client) -> None:
    answer = client.get("/yelo_gbfs/station_status.json")
    assert answer.content == b'{"data": {"stations": []}}'


def test_a_feed_never_recorded_is_not_found(client: httpx.Client) -> None:
    assert client.get("/yelo_gbfs/station_information.json").status_code == 404


@pytest.mark.parametrize(
    "path", ["../secret.csv", "..%2Fsecret.csv", "%2Fetc%2Fpasswd"]
)
def test_nothing_outside_the_directory_is_served(
    client: httpx.Client, directory: Path, path: str
) -> None:
    (directory.parent / "secret.csv").write_text("secret")
    assert client.get(f"/agence_ore/{path}").status_code == 404


def test_the_front_page_lists_what_was_found(client: httpx.Client) -> None:
    recorded = client.get("/").json()["recorded"]
    assert recorded["tables"] == {
        "patrimoine.pat_bati": 1,
        "stationnement.disponibilite_parking_historique": 3,
    }
    assert recorded["contours"] == "communes-ca-28_2018.geojson"


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere: no such directory"):
        create_replay_app(tmp_path / "nowhere")


def test_a_directory_without_recordings_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(SettingsError, match=r"no recorded answer here"):
        create_replay_app(tmp_path)


@pytest.mark.real_data
def test_real_recordings_come_back_byte_for_byte() -> None:
    if not REAL.is_dir():
        pytest.skip("no recorded answers beside the repository")
    recorded = REAL / "larochelle_webservice_xml"
    with replaying(REAL) as client:
        for offset in (1, 5001, 10001, 15001):
            expected = (recorded / f"{HISTORY}-{offset}.xml").read_bytes()
            assert page(client, offset).content == expected
        assert page(client, 20001).content.count(b"<row>") == 0
