"""XML pages of the legacy web service, down to their quotes and double escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
from lxml import etree

from lrtzc_pipelines.sandbox import webservice
from lrtzc_pipelines.sandbox.server import RunningSandbox, create_app
from lrtzc_pipelines.sandbox.world import World

REAL = Path(__file__).resolve().parents[3] / ".." / "shared" / "real"
TABLES = {
    "communes": ("decoupadmin", "decoupage_cda_liste"),
    "buildings": ("patrimoine", "pat_bati"),
    "parking": ("stationnement", "disponibilite_parking_historique"),
}


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


def ask(client: httpx.Client, table: str = "communes", **changes: str | int) -> bytes:
    database, name = TABLES.get(table, ("stationnement", table))
    query: dict[str, str | int] = {
        "service": "getData",
        "key": "s3cret",
        "db": database,
        "table": name,
        "format": "xml",
        "offset": 1,
        "limit": 5000,
        **changes,
    }
    answer = client.get("/larochelle_webservice/webservice/", params=query)
    assert answer.status_code == 200
    return answer.content


def ask_world(world: World, table: str) -> bytes:
    with (
        RunningSandbox(create_app(world)) as base_url,
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        return ask(client, table)


def rows(body: bytes) -> list[dict[str, str | None]]:
    root = etree.fromstring(body)
    return [{cell.tag: cell.text for cell in row} for row in root.iter("row")]


def test_the_list_of_communes_uses_the_citys_spelling(client: httpx.Client) -> None:
    names = [row["nom_commune"] for row in rows(ask(client))]
    assert len(names) == 28
    assert {'"Chatelaillon-Plage"', '"Verines"', '"L&apos;Houmeau"'} <= set(names)


def test_apostrophes_are_escaped_twice(client: httpx.Client) -> None:
    assert b'<nom_commune>"L&amp;apos;Houmeau"</nom_commune>' in ask(client)


def test_ampersands_are_escaped_once_and_angle_brackets_twice(
    client: httpx.Client,
) -> None:
    body = ask(client, "buildings")
    assert b"tribunes &amp; vestiaires" in body
    assert b"&amp;lt; 301 personnes" in body


def test_values_are_padded_and_in_literal_quotes(client: httpx.Client) -> None:
    buildings = rows(ask(client, "buildings"))
    assert re.fullmatch(r'"\d{6}"', buildings[0]["eb_id"] or "")
    postcodes = {row["eb_localisation_code_postal"] for row in buildings}
    assert {'"17300     "', '""'} <= postcodes


def test_the_request_element_echoes_the_query_with_the_key(
    client: httpx.Client,
) -> None:
    request = etree.fromstring(ask(client)).findtext("request")
    assert request is not None
    assert request.endswith(
        "?service=getData&key=s3cret&db=decoupadmin&table=decoupage_cda_liste"
        "&format=xml&offset=1&limit=5000"
    )


def test_an_answer_is_one_line(client: httpx.Client) -> None:
    assert b"\n" not in ask(client, "parking", limit=50)


def test_offset_is_the_one_based_row(client: httpx.Client) -> None:
    whole = rows(ask(client, "parking", limit=20))
    assert rows(ask(client, "parking", offset=6, limit=5)) == whole[5:10]


def test_the_last_page_is_short(client: httpx.Client, world: World) -> None:
    last = world.parking.height // 5000 * 5000 + 1
    body = ask(client, "parking", offset=last)
    assert body.count(b"<row>") == world.parking.height % 5000


@pytest.mark.parametrize("offset", [500_001, 10**30])
def test_beyond_the_end_is_success_with_empty_data(
    client: httpx.Client, offset: int
) -> None:
    body = ask(client, "parking", offset=offset)
    assert b"<status>code=0 message=Success</status>\t\t<data>\t\t</data>" in body


@pytest.mark.parametrize(
    "changes",
    [
        {"table": "disponibilite_parking_jour"},
        {"service": "getNothing"},
        {"format": "json"},
        {"offset": 0},
        {"offset": "x"},
        {"offset": -1},
        {"limit": 0},
        {"limit": 5001},
        {"db": ""},
    ],
    ids=str,
)
def test_a_wrong_request_is_code_7_in_http_200(
    client: httpx.Client, changes: dict[str, str | int]
) -> None:
    body = ask(client, **changes)  # type: ignore[arg-type]
    assert b"<status>code=7 message=Une erreur s'est produite" in body
    assert b"<data>" not in body


def test_another_key_changes_nothing_but_the_echo(client: httpx.Client) -> None:
    one, other = ask(client, key="one"), ask(client, key="other")
    assert one.replace(b"key=one", b"key=other") == other


def test_two_worlds_of_a_seed_give_the_same_page(client: httpx.Client) -> None:
    assert ask_world(World(), "parking") == ask(client, "parking")


def test_another_seed_gives_another_page(client: httpx.Client) -> None:
    assert ask_world(World(seed=7), "parking") != ask(client, "parking")


def without_echo(body: bytes) -> bytes:
    return re.sub(rb"<request>.*?</request>", b"", body)


@pytest.mark.real_data
def test_the_list_of_communes_is_the_recorded_one_byte_for_byte(
    client: httpx.Client,
) -> None:
    recorded = REAL / "larochelle_webservice_xml/decoupadmin-decoupage_cda_liste.xml"
    if not recorded.is_file():
        pytest.skip("no recorded answers beside the repository")
    assert without_echo(ask(client)) == without_echo(recorded.read_bytes())


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "patrimoine-pat_bati.xml",
        "stationnement-disponibilite_parking_historique-1.xml",
        "stationnement-disponibilite_parking_mois.xml",
    ],
)
def test_recorded_values_are_written_as_they_were_recorded(name: str) -> None:
    recorded = REAL / "larochelle_webservice_xml" / name
    if not recorded.is_file():
        pytest.skip("no recorded answers beside the repository")
    body = recorded.read_bytes()
    values = [
        {tag: (text or "")[1:-1] for tag, text in row.items()} for row in rows(body)
    ]
    frame = pl.DataFrame(values).select(
        pl.all()
        .str.replace_all("&apos;", "'", literal=True)
        .str.replace_all("&lt;", "<", literal=True)
        .str.replace_all("&gt;", ">", literal=True)
    )
    rendered = webservice.success("", webservice.rows_xml(frame) if values else "")
    assert without_echo(rendered) == without_echo(body)
