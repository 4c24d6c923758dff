"""CKAN, GBFS and file answers, and what every answer has in common."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lrtzc_pipelines.sandbox import bus_calendar, electricity, perimeter
from lrtzc_pipelines.sandbox.server import RunningSandbox, create_app
from lrtzc_pipelines.sandbox.world import World
from lrtzc_pipelines.sources.registry import load_endpoints

REAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "real"
SEARCH = "/larochelle_d4c/api/action/datastore_search"
PERIMETER = "/dgcl_banatic/perimetre-epci-a-fp.csv"
ELECTRICITY = "/agence_ore/logement_conso2023.csv"
CONTOURS = (
    "/geo_api_gouv/epcis/241700434/communes"
    "?fields=code,nom&format=geojson&geometry=contour"
)
COMMUNE_LIST = (
    "/larochelle_webservice/webservice/?service=getData&key=k&db=decoupadmin"
    "&table=decoupage_cda_liste&format=xml&offset=1&limit=5000"
)
EVERY_ADDRESS = [
    f"{SEARCH}?resource_id={bus_calendar.RESOURCE_ID}&limit=10&offset=0&sort=_id",
    "/yelo_gbfs/gbfs.json",
    "/yelo_gbfs/station_information.json",
    "/yelo_gbfs/station_status.json",
    PERIMETER,
    ELECTRICITY,
    CONTOURS,
    COMMUNE_LIST,
]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[httpx.Client]:
    with (
        RunningSandbox(create_app(world)) as base_url,
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        yield client


def search(client: httpx.Client, **changes: str | int) -> dict[str, Any]:
    query = {"resource_id": bus_calendar.RESOURCE_ID, "sort": "_id", **changes}
    answer = client.get(SEARCH, params=query)
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()["result"]
    return result


def perimeter_rows(client: httpx.Client) -> list[list[str]]:
    text = client.get(PERIMETER).content.decode("cp1252")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def electricity_rows(client: httpx.Client) -> list[dict[str, str]]:
    text = client.get(ELECTRICITY).content.decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("address", EVERY_ADDRESS)
def test_an_answer_is_marked_synthetic(client: httpx.Client, address: str) -> None:
    assert client.get(address).headers["x-lrtzc-sandbox"] == "synthetic"


@pytest.mark.parametrize("address", EVERY_ADDRESS)
def test_an_answer_has_its_length_and_a_strong_etag(
    client: httpx.Client, address: str
) -> None:
    answer = client.get(address)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["etag"].startswith('"')


@pytest.mark.parametrize("address", EVERY_ADDRESS)
def test_a_held_answer_is_not_sent_again(client: httpx.Client, address: str) -> None:
    etag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == etag


@pytest.mark.parametrize("address", EVERY_ADDRESS)
def test_an_outdated_answer_is_sent_again(client: httpx.Client, address: str) -> None:
    answer = client.get(address, headers={"If-None-Match": '"something else"'})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/dgcl_banatic/nothing.csv",
        "/agence_ore/perimetre-epci-a-fp.csv",
        "/yelo_gbfs/vehicle_status.json",
        "/geo_api_gouv/epcis/200000000/communes?format=geojson&geometry=contour",
    ],
)
def test_an_unknown_address_is_not_found(client: httpx.Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.headers["x-lrtzc-sandbox"] == "synthetic"


def test_the_front_page_counts_rows(client: httpx.Client, world: World) -> None:
    index = client.get("/").json()
    assert index["rows"] == world.row_counts()
    assert set(index["endpoints"]) == {
        name
        for name, endpoint in load_endpoints().items()
        if endpoint.base_url.startswith("http")
    }


def test_ckan_gives_the_asked_records_and_the_total(
    client: httpx.Client, world: World
) -> None:
    result = search(client, limit=5, offset=10)
    assert result["records"] == world.calendar_dates[10:15]
    assert result["total"] == len(world.calendar_dates)
    assert result["total_was_estimated"] is False


def test_ckan_records_have_the_declared_fields(client: httpx.Client) -> None:
    result = search(client, limit=1)
    assert [field["id"] for field in result["fields"]] == list(result["records"][0])


def test_ckan_offers_a_next_page_even_after_the_last(client: httpx.Client) -> None:
    result = search(client, limit=100, offset=100_000)
    assert result["records"] == []
    assert "offset=100100" in result["_links"]["next"]


def test_ckan_limits_to_100_records_unless_asked(client: httpx.Client) -> None:
    assert len(search(client)["records"]) == 100


def test_ckan_refuses_an_unknown_resource(client: httpx.Client) -> None:
    answer = client.get(SEARCH, params={"resource_id": "nothing"})
    assert answer.status_code == 404
    assert answer.json()["success"] is False


def test_ckan_refuses_a_limit_that_is_no_number(client: httpx.Client) -> None:
    query = {"resource_id": bus_calendar.RESOURCE_ID, "limit": "x"}
    assert client.get(SEARCH, params=query).status_code == 409


def test_gbfs_discovery_leads_to_the_sandboxs_own_feeds(client: httpx.Client) -> None:
    discovery = client.get("/yelo_gbfs/gbfs.json").json()
    assert discovery["version"] == "3.0"
    urls = {feed["name"]: feed["url"] for feed in discovery["data"]["feeds"]}
    assert urls == {
        name: f"{str(client.base_url).rstrip('/')}/yelo_gbfs/{name}.json"
        for name in ("station_information", "station_status")
    }


def test_gbfs_feeds_describe_the_same_stations(client: httpx.Client) -> None:
    ids = [
        [
            s["station_id"]
            for s in client.get(f"/yelo_gbfs/{name}.json").json()["data"]["stations"]
        ]
        for name in ("station_information", "station_status")
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 60


def test_gbfs_names_are_texts_with_a_language(client: httpx.Client) -> None:
    feed = client.get("/yelo_gbfs/station_information.json").json()
    assert all(
        name["language"] == "fr" and name["text"]
        for station in feed["data"]["stations"]
        for name in station["name"]
    )


def test_gbfs_counts_add_up_to_the_capacity(client: httpx.Client) -> None:
    stations = client.get("/yelo_gbfs/station_information.json").json()["data"][
        "stations"
    ]
    capacity = {station["station_id"]: station["capacity"] for station in stations}
    status = client.get("/yelo_gbfs/station_status.json").json()["data"]["stations"]
    counted = {
        s["station_id"]: s["num_vehicles_available"]
        + s["num_vehicles_disabled"]
        + s["num_docks_available"]
        for s in status
    }
    assert counted == capacity


def test_gbfs_moments_carry_their_offset(client: httpx.Client) -> None:
    feed = client.get("/yelo_gbfs/station_status.json").json()
    assert feed["last_updated"] == "2026-11-15T21:55:00+01:00"


def test_the_perimeter_is_windows_1252_with_crlf(client: httpx.Client) -> None:
    body = client.get(PERIMETER).content
    assert "Œillets" in body.decode("cp1252")
    assert body.count(b"\n") == body.count(b"\r\n")
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")


def test_the_perimeter_holds_la_rochelles_true_lines(client: httpx.Client) -> None:
    ours = [row for row in perimeter_rows(client) if row[1] == "241700434"]
    assert len(ours) == 28
    assert ";".join(ours[0]) == (
        "17;241700434;CA de La Rochelle;CA;FPU;28;185 015;181 057;"
        "17;17300;211703004;La Rochelle;81 986;79 961"
    )


def test_the_other_epcis_say_that_they_are_fictive(client: httpx.Client) -> None:
    others = [row for row in perimeter_rows(client)[1:-1] if row[1] != "241700434"]
    assert len({row[1] for row in others}) == perimeter.FICTIVE_EPCIS
    assert all("Fictive" in row[2] and "Fictive" in row[11] for row in others)


def test_fictive_communes_have_codes_no_commune_has(client: httpx.Client) -> None:
    others = [row for row in perimeter_rows(client)[1:-1] if row[1] != "241700434"]
    assert len({row[9] for row in others}) == len(others)
    assert all(int(row[9][2:]) >= 950 for row in others)


def test_members_add_up_to_their_epci(client: httpx.Client) -> None:
    totals: dict[str, int] = {}
    announced = {}
    for row in perimeter_rows(client)[1:-1]:
        totals[row[1]] = totals.get(row[1], 0) + int(row[13].replace(" ", ""))
        announced[row[1]] = int(row[7].replace(" ", ""))
    assert totals == announced


def test_the_perimeter_ends_with_an_empty_line_of_separators(
    client: httpx.Client,
) -> None:
    assert client.get(PERIMETER).content.endswith(b"\r\n;;;;;;;;;;;;;\r\n")


def test_electricity_texts_are_quoted_and_numbers_are_not(client: httpx.Client) -> None:
    header, first = client.get(ELECTRICITY).content.decode().split("\n")[:2]
    assert header.startswith('"Id","OPERATEUR","Code.EPCI"')
    assert first.startswith('43532,"Régie Fictive d\'électricité n° 1","2999')


def test_an_epci_may_have_several_operators(client: httpx.Client) -> None:
    sirens = [row["Code.EPCI"] for row in electricity_rows(client)]
    assert max(sirens.count(siren) for siren in set(sirens)) == 3


def test_la_rochelles_consumption_is_plausible_but_not_the_real_one(
    client: httpx.Client,
) -> None:
    (ours,) = [r for r in electricity_rows(client) if r["Code.EPCI"] == "241700434"]
    total, sites = float(ours["Conso.totale..MWh."]), int(ours["Nb.sites"])
    assert total != 441_735.519
    assert sites != 108_817
    assert 250_000 < total < 600_000


def test_heat_dependent_use_is_in_kwh_under_a_header_that_says_mwh(
    client: httpx.Client,
) -> None:
    (ours,) = [r for r in electricity_rows(client) if r["Code.EPCI"] == "241700434"]
    heat = float(ours["Conso.totale.à.usages.thermosensibles..MWh."])
    assert heat > 100 * float(ours["Conso.totale..MWh."])
    assert float(ours["Part.thermosensible...."]) > 100


def test_electricity_row_ids_are_unique(client: httpx.Client) -> None:
    ids = [row["Id"] for row in electricity_rows(client)]
    assert len(set(ids)) == len(ids)


def test_outlines_are_served_as_geojson(client: httpx.Client) -> None:
    answer = client.get(CONTOURS)
    assert answer.headers["content-type"] == "application/geo+json"
    assert len(answer.json()["features"]) == 28


def test_outlines_are_refused_without_the_geojson_format(client: httpx.Client) -> None:
    assert client.get("/geo_api_gouv/epcis/241700434/communes").status_code == 400


@pytest.mark.real_data
def test_files_have_the_headers_of_the_recorded_ones() -> None:
    if not REAL.is_dir():
        pytest.skip("no recorded answers beside the repository")
    recorded = (REAL / "epci_perimeter/perimetre-epci-a-fp.csv").read_bytes()
    assert recorded.startswith(";".join(perimeter.HEADER).encode() + b"\r\n")
    with (REAL / "energy_ore/logement_conso2023.csv").open(encoding="utf-8") as file:
        assert tuple(next(csv.reader(file))) == electricity.HEADER


@pytest.mark.real_data
def test_ckan_envelope_has_the_keys_of_the_recorded_one(client: httpx.Client) -> None:
    recorded = REAL / "larochelle_d4c_ckan/datastore_search_empty_with_next.json"
    if not recorded.is_file():
        pytest.skip("no recorded answers beside the repository")
    keys = set(json.loads(recorded.read_bytes())["result"]) - {"q"}
    assert keys <= set(search(client))
