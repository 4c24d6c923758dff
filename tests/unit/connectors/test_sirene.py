"""Pages of Sirene: cursors, their end, empty results, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hostile import CUT_SHORT, not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import ScriptedServer, reply, running

from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.sirene import KEY_HEADER, mark, pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols.sirene import answer
from lrtzc_pipelines.sandbox.tables import Table
from lrtzc_pipelines.sources.protocols import SireneConnector

QUERY = "codeCommuneEtablissement:17300"
SECRET = "0000-invented-key"


def connector(**changes: Any) -> SireneConnector:
    values = {"kind": "sirene", "query": QUERY, "page_size": 3}
    return SireneConnector.model_validate(values | changes)


def table(rows: int) -> Table:
    return table_of(
        [{"siret": f"{n:014}", "etat": "A"} for n in range(rows)],
        connector().model_dump(),
        {"kind": "json", "records": "etablissements", "flatten": True},
    )


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    return Mounted(httpserver, {"town_things": table(7)}, answer)


@pytest.fixture
def client(service: Mounted) -> Iterator[HttpClient]:
    with client_of(service.base_url, key=SECRET) as client:
        yield client


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    with running() as script:
        yield script


def body(rows: int, cursor: str, following: object, total: object = 6) -> bytes:
    """A page that says of itself what it likes."""
    header = (
        f'"statut": 200, "total": {total}, "curseur": "{cursor}", '
        f'"curseurSuivant": {following}'
    )
    found = ", ".join(f'{{"siret": "{cursor}{n}"}}' for n in range(rows))
    return f'{{"header": {{{header}}}, "etablissements": [{found}]}}'.encode()


def test_the_cursor_is_followed_until_it_is_its_own_next(
    client: HttpClient, service: Mounted
) -> None:
    found = read(client)
    assert [page.name for page in found] == ["page-1", "page-2", "page-3"]
    assert [page.items for page in found] == [3, 3, 1]
    assert {page.announced_total for page in found} == {7}
    cursors = [question.query["curseur"] for question in service.questions]
    assert cursors[0] == "*"
    assert len(set(cursors)) == len(cursors) == 4


def test_the_key_travels_in_its_header_and_nowhere_else(
    client: HttpClient, service: Mounted
) -> None:
    found = read(client)
    assert {q.headers[KEY_HEADER.lower()] for q in service.questions} == {SECRET}
    assert not any(SECRET in page.answer.url for page in found)


def test_only_the_fields_of_the_source_are_asked_for(
    client: HttpClient, service: Mounted
) -> None:
    (page, *_) = read(client, fields=("siret",))
    assert service.questions[0].query["champs"] == "siret"
    assert b'"etat"' not in page.answer.body


def test_nothing_found_is_one_page_without_rows(client: HttpClient) -> None:
    (only,) = read(client, query="codeCommuneEtablissement:99999")
    assert (only.name, only.items, only.announced_total) == ("page-1", 0, 0)
    assert only.answer.status == 404


def test_too_many_requests_are_waited_out(script: ScriptedServer) -> None:
    busy = reply(429, b"", Retry_After="7")
    script.plays(busy, reply(200, body(6, "*", '"*"')))
    with script.client() as client:
        assert [page.items for page in read(client)] == [6]
    assert script.naps == [7.0]


@pytest.mark.parametrize("total", [5, 9])
def test_another_number_than_announced_is_an_error(
    script: ScriptedServer, total: int
) -> None:
    script.plays(reply(200, body(6, "*", '"*"', total)))
    with (
        script.client() as client,
        pytest.raises(FetchError, match=f"6 records received, {total} announced") as e,
    ):
        read(client)
    assert not e.value.permanent


def test_a_cursor_that_comes_again_ends_the_collection(script: ScriptedServer) -> None:
    script.plays(
        reply(200, body(2, "*", '"b"')),
        reply(200, body(2, "b", '"c"')),
        reply(200, body(2, "c", '"b"')),
    )
    with (
        script.client() as client,
        pytest.raises(FetchError, match="town_hall: siret: the cursor of page-3"),
    ):
        read(client)


def test_the_same_establishments_under_new_cursors_are_refused(
    script: ScriptedServer,
) -> None:
    script.plays(*(reply(200, body(2, "*", f'"{n}"', 100)) for n in range(9)))
    with (
        script.client() as client,
        pytest.raises(FetchError, match="page-2 has the records of page-1 again"),
    ):
        read(client)
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (reply(200, b'{"fault": {"code": 900901}}'), "HTTP 200 with no header"),
        (reply(404, b'{"message": "no such API"}'), "HTTP 404 with no header"),
        (reply(200, b'{"header": {"statut": 500}}'), "HTTP 200 with statut 500"),
        (reply(200, b'{"header": {"statut": 200}}'), "has no etablissements"),
        (
            reply(200, b'{"header": {"statut": "%s"}}' % (b"x" * 5000)),
            "statut x{100,}…",
        ),
        (reply(200, b"[]"), "expected a JSON object"),
        (reply(401, b"{}"), "HTTP 401"),
        (reply(400, b'{"header": {"statut": 400}}'), "HTTP 400"),
    ],
)
def test_an_error_is_one_whatever_its_status(
    script: ScriptedServer, sent: bytes, reason: str
) -> None:
    script.plays(sent)
    with script.client() as client, pytest.raises(FetchError, match=reason) as error:
        read(client)
    assert error.value.permanent
    assert "town_hall" in str(error.value)


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    script: ScriptedServer, body: bytes, reason: str
) -> None:
    script.plays(reply(200, body))
    with (
        script.client(attempts=2) as client,
        pytest.raises(FetchError, match=rf"{reason}.*gave up after 2") as error,
    ):
        read(client)
    assert not error.value.permanent


def test_a_body_cut_short_is_asked_again(script: ScriptedServer) -> None:
    script.plays(CUT_SHORT, reply(200, body(6, "*", '"*"')))
    with script.client() as client:
        assert len(read(client)) == 1
    assert len(script.requests) == 2


# When the service was last fed


def fed(**dates: Any) -> list[dict[str, Any]]:
    """What the service tells of its two collections."""
    told = {
        "dateDerniereMiseADisposition": "2026-08-05T07:20:43.000",
        "dateDernierTraitementMaximum": "2026-08-05T00:05:52.648",
        "dateDernierTraitementDeMasse": None,
    }
    return [
        {"collection": name, **told, **dates}
        for name in ("Unités Légales", "Établissements")
    ]


def marked(script: ScriptedServer, listed: Any, **changes: Any) -> str | None:
    document = {"datesDernieresMisesAJourDesDonnees": listed}
    with client_of(script.plays(reply(200, json.dumps(document).encode())).url) as one:
        return mark(connector(**changes), one)


def test_a_mark_follows_the_collections_and_the_question(
    script: ScriptedServer,
) -> None:
    first = marked(script, fed())
    links = {"collection": "Liens de succession", "dateDerniereMiseADisposition": "x"}
    assert first == marked(script, [links, *reversed(fed())])
    assert first is not None
    later = "2026-08-06T07:20:43.000"
    unit, establishment = fed()
    others = {
        marked(script, fed(dateDernierTraitementMaximum=later)),
        marked(script, fed(dateDernierTraitementDeMasse=later)),
        marked(script, [unit | {"dateDerniereMiseADisposition": later}, establishment]),
        marked(script, [unit, establishment | {"dateDerniereMiseADisposition": later}]),
        marked(script, fed(), fields=["siret"]),
    }
    assert len({first, *others}) == 6


@pytest.mark.parametrize(
    "listed",
    [
        None,
        {},
        ["x", None],
        fed()[:1],
        fed()[1:],
        fed(collection=42),
        fed(collection=["Établissements"]),
        fed(dateDerniereMiseADisposition=None),
    ],
)
def test_a_service_that_does_not_tell_has_no_mark(
    script: ScriptedServer, listed: Any
) -> None:
    assert marked(script, listed) is None


def test_the_mark_is_asked_for_with_the_key(
    client: HttpClient, service: Mounted
) -> None:
    assert mark(connector(), client) == mark(connector(), client) is not None
    (first, _) = service.questions
    assert (first.path, first.headers[KEY_HEADER.lower()]) == ("informations", SECRET)


@pytest.mark.parametrize("following", ["[1]", '{"a": 1}', "7"])
def test_a_cursor_that_is_no_text_ends_the_collection(
    script: ScriptedServer, following: str
) -> None:
    script.plays(reply(200, body(2, "*", following)))
    with script.client() as client, pytest.raises(FetchError, match="the cursor of"):
        read(client)


@pytest.mark.parametrize("following", ['"\\ud800"', f'"{"x" * 100_000}"'])
def test_a_cursor_that_no_address_can_carry_is_refused(
    script: ScriptedServer, following: str
) -> None:
    script.plays(reply(200, body(2, "*", following)))
    with script.client() as client, pytest.raises(FetchError, match="not an address"):
        read(client)
