"""Readings of consenting meters: windows, refusals, and what may never be told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import ScriptedServer, reply, running

from lrtzc_pipelines.collecting import collect
from lrtzc_pipelines.connectors.addresses import Target, resolve
from lrtzc_pipelines.connectors.answers import KnownPage, Limits
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.linky import pages
from lrtzc_pipelines.errors import FetchError, SettingsError
from lrtzc_pipelines.raw_store import RawStore
from lrtzc_pipelines.sandbox.protocols.linky import answer
from lrtzc_pipelines.sandbox.tables import Table
from lrtzc_pipelines.settings import Settings
from lrtzc_pipelines.sources.protocols import LinkyConnector
from lrtzc_pipelines.sources.registry import load_endpoints

METERS = ("00000000000017", "00000000000018", "00000000000019")
SECRET = "0000-invented-token"


def connector(**changes: Any) -> LinkyConnector:
    values = {
        "kind": "linky",
        "measure": "consumption_load_curve",
        "start": "2026-03-01",
        "end": "2026-03-11",
    }
    return LinkyConnector.model_validate(values | changes)


def consents(folder: Path, *entries: tuple[str, str, str]) -> Path:
    path = folder / "linky.yaml"
    lines = [
        f'- {{usage_point_id: "{meter}", consented_from: {first}, '
        f"consented_until: {last}}}"
        for meter, first, last in entries
    ]
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def everyone(folder: Path) -> Path:
    return consents(folder, *((m, "2026-01-01", "2026-12-31") for m in METERS))


def load_curve(meter: str, days: int) -> list[dict[str, str]]:
    """Half hours of March by their beginnings, as the sandbox's tables hold them."""
    steps = [f"{h:02}:{m:02}:00" for h in range(24) for m in (0, 30)]
    return [
        {"usage_point_id": meter, "date": f"2026-03-{day:02} {step}", "value": "400"}
        for day in range(1, days + 1)
        for step in steps
    ]


def table(*meters: str, days: int = 10) -> Table:
    return table_of(
        [row for meter in meters for row in load_curve(meter, days)],
        connector().model_dump(),
        {
            "kind": "json",
            "records": "meter_reading.interval_reading",
            "parents": {"usage_point_id": "meter_reading.usage_point_id"},
        },
    )


def read(client: HttpClient, **changes: Any) -> list[Page]:
    return list(pages(connector(**changes), client, {}))


@pytest.fixture
def service(httpserver: HTTPServer) -> Mounted:
    return Mounted(httpserver, {"town_things": table(*METERS)}, answer)


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    with running() as script:
        yield script


def scripted(script: ScriptedServer, path: Path, attempts: int = 2) -> HttpClient:
    target = script.target(consents=path)
    return HttpClient(target, Limits(attempts=attempts), sleep=script.naps.append)


def reading(meter: str = METERS[0], **changes: Any) -> bytes:
    found = {
        "usage_point_id": meter,
        "interval_reading": [{"value": "7", "date": "2026-03-01 00:30:00"}],
    }
    return json.dumps({"meter_reading": found | changes}).encode()


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged here; the service on the other side logs what it is asked."""
    ours = [r for r in caplog.records if not r.name.startswith("werkzeug")]
    return "\n".join(record.getMessage() for record in ours)


def one(folder: Path, last: str = "2026-03-07") -> Path:
    return consents(folder, (METERS[0], "2026-03-01", last))


def test_each_meter_is_read_in_windows_of_a_week(
    service: Mounted, tmp_path: Path
) -> None:
    with client_of(service.base_url, consents=everyone(tmp_path)) as client:
        found = read(client)
    assert [(page.name, page.items) for page in found] == [
        ("meter-1-2026-03-01", 336),
        ("meter-1-2026-03-08", 144),
        ("meter-2-2026-03-01", 336),
        ("meter-2-2026-03-08", 144),
        ("meter-3-2026-03-01", 336),
        ("meter-3-2026-03-08", 144),
    ]
    assert service.questions[0].path == (
        f"consumption_load_curve/{METERS[0]}/start/2026-03-01/end/2026-03-08"
    )
    moments = [
        r["date"]
        for page in found[:2]
        for r in json.loads(page.answer.body)["meter_reading"]["interval_reading"]
    ]
    assert len(set(moments)) == len(moments) == 480
    assert (moments[0], moments[-1]) == ("2026-03-01 00:30:00", "2026-03-11 00:00:00")


def test_nobody_is_asked_about_outside_their_consent(
    service: Mounted, tmp_path: Path
) -> None:
    path = consents(
        tmp_path,
        (METERS[0], "2026-01-01", "2026-02-28"),
        (METERS[1], "2026-03-04", "2026-03-05"),
        (METERS[2], "2026-03-11", "2027-01-01"),
    )
    with client_of(service.base_url, consents=path) as client:
        (only,) = read(client)
    assert (only.name, only.items) == ("meter-2-2026-03-04", 96)
    (asked,) = service.questions
    assert asked.path.endswith(f"{METERS[1]}/start/2026-03-04/end/2026-03-06")


def test_the_key_travels_in_its_header(service: Mounted, tmp_path: Path) -> None:
    path = one(tmp_path)
    with client_of(service.base_url, consents=path, key=SECRET) as client:
        read(client)
    assert {q.headers["authorization"] for q in service.questions} == {SECRET}


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    "refusal", [b'{"detail": "withdrawn"}', b"<html>no</html>", b""]
)
def test_a_withdrawn_consent_is_told_and_stops_nobody_else(
    script: ScriptedServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
    refusal: bytes,
) -> None:
    path = consents(
        tmp_path,
        (METERS[0], "2026-03-01", "2026-03-07"),
        (METERS[1], "2026-03-01", "2026-03-07"),
    )
    script.plays(reply(status, refusal), reply(200, reading(METERS[1])))
    with scripted(script, path) as client:
        (only,) = read(client)
    assert only.name == "meter-2-2026-03-01"
    (told,) = caplog.messages
    assert told == (
        f"town_hall: meter-1-2026-03-01: HTTP {status}: refused; nothing of it is kept"
    )


def test_a_consent_withdrawn_half_way_leaves_nothing(
    script: ScriptedServer, tmp_path: Path
) -> None:
    path = everyone(tmp_path)
    empty = {"interval_reading": []}
    script.plays(
        reply(200, reading(METERS[0])),
        reply(403, b"{}"),
        *(reply(200, reading(meter, **empty)) for meter in METERS[1:] for _ in "12"),
    )
    with scripted(script, path) as client:
        found = read(client)
    assert {page.name.split("-")[1] for page in found} == {"2", "3"}
    assert {page.items for page in found} == {0}


def test_a_collection_where_everyone_is_refused_fails(
    script: ScriptedServer, tmp_path: Path
) -> None:
    script.plays(reply(403, b"{}"))
    with (
        scripted(script, everyone(tmp_path)) as client,
        pytest.raises(FetchError, match="town_hall: all of 3 meters were refused"),
    ):
        read(client)
    assert len(script.requests) == 3


def test_without_a_consent_in_force_nobody_is_asked(
    script: ScriptedServer, tmp_path: Path
) -> None:
    path = consents(tmp_path, (METERS[0], "2020-01-01", "2020-12-31"))
    script.plays(reply(200, b"{}"))
    with (
        scripted(script, path) as client,
        pytest.raises(FetchError, match="no consent is in force from 2026-03-01 to"),
    ):
        read(client)
    assert not script.requests


def test_without_a_file_of_consents_nobody_is_asked(
    script: ScriptedServer, tmp_path: Path
) -> None:
    script.plays(reply(200, b"{}"))
    for path in (None, tmp_path / "linky.yaml"):
        client = HttpClient(script.target(consents=path))
        with client, pytest.raises(SettingsError, match="consents"):
            read(client)
    assert not script.requests


@pytest.mark.parametrize(
    ("sent", "reason", "permanent"),
    [
        (b'{"quota_reached": true}', "daily quota is used up", False),
        (b'{"error": "ADAM-ERR0069"}', "no meter_reading.interval_reading", True),
        (b'{"meter_reading": []}', "no meter_reading.interval_reading", True),
        (reading(interval_reading={}), "no meter_reading.interval_reading", True),
        (reading(METERS[1]), "the readings are of another meter", True),
        (b"[]", "expected a JSON object", True),
        (b"<!DOCTYPE html>", "an HTML page instead of JSON", False),
        (b'{"meter_reading', "not a JSON document", False),
        (b'{"\xff": 1}', "not a JSON document", False),
    ],
)
def test_what_are_no_readings_of_the_meter_is_refused(
    script: ScriptedServer, tmp_path: Path, sent: bytes, reason: str, *, permanent: bool
) -> None:
    script.plays(reply(200, sent))
    with (
        scripted(script, one(tmp_path)) as client,
        pytest.raises(FetchError, match=reason) as error,
    ):
        read(client)
    assert error.value.permanent is permanent
    assert not any(meter in str(error.value) for meter in METERS)


def test_a_maintenance_page_costs_no_reading(
    script: ScriptedServer, tmp_path: Path
) -> None:
    script.plays(reply(200, b"<html></html>"), reply(200, reading()))
    with scripted(script, one(tmp_path)) as client:
        assert len(read(client)) == 1


@pytest.mark.parametrize(
    "stamp", ["2026-02-28 23:30:00", "2026-03-09 00:00:00", "", None, 7]
)
def test_days_that_were_not_asked_for_are_refused(
    script: ScriptedServer, tmp_path: Path, stamp: object
) -> None:
    script.plays(reply(200, reading(interval_reading=[{"value": "1", "date": stamp}])))
    with (
        scripted(script, one(tmp_path)) as client,
        pytest.raises(FetchError, match="reading 1 has no date among those asked for"),
    ):
        read(client)


def test_a_curve_that_ends_early_is_kept_as_it_is(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    short = Mounted(httpserver, {"town_things": table(METERS[0], days=3)}, answer)
    with client_of(short.base_url, consents=one(tmp_path)) as client:
        (only,) = read(client)
    body = json.loads(only.answer.body)["meter_reading"]
    assert (body["end"], only.items) == ("2026-03-08", 144)


def test_a_busy_gateway_is_waited_for(script: ScriptedServer, tmp_path: Path) -> None:
    script.plays(reply(429, b"", Retry_After="9"), reply(200, reading()))
    with scripted(script, one(tmp_path)) as client:
        assert len(read(client)) == 1
    assert script.naps == [9.0]


def test_held_pages_are_asked_for_in_full(
    script: ScriptedServer, tmp_path: Path
) -> None:
    script.plays(reply(200, reading(), ETag='"1"'))
    known = {"meter-1-2026-03-01": KnownPage("0", 1, '"1"')}
    with scripted(script, one(tmp_path)) as client:
        assert len(list(pages(connector(), client, known))) == 1
    assert "if-none-match" not in script.requests[0].headers


@pytest.mark.parametrize(
    "sent",
    [
        reply(500, b"{}"),
        reply(400, b"{}"),
        reply(302, b"", Location="http://[" + METERS[0]),
        reply(302, b"", Location=f"http://10.0.0.1/{METERS[0]}"),
        reply(302, b"", Location=f"https://10.0.0.1/{METERS[0]}"),
        reply(200, b"x" * 20, Content_Encoding="br"),
        reply(200, b"{", Content_Length="99"),
    ],
)
def test_no_message_has_a_meter_in_it(
    script: ScriptedServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    sent: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    script.plays(sent)
    with (
        scripted(script, one(tmp_path)) as client,
        pytest.raises(FetchError) as error,
    ):
        read(client)
    assert METERS[0] not in str(error.value)
    assert error.value.__suppress_context__
    assert METERS[0] not in logged(caplog)


def test_nothing_stored_but_bodies_has_a_meter_in_it(
    service: Mounted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "raw" / "town_things"
    folder.mkdir(parents=True)
    target = Target(
        "town_hall",
        service.base_url,
        service.base_url,
        1.0,
        consents=everyone(tmp_path),
    )
    spec = table(*METERS).spec
    found = collect(spec, target, RawStore(folder), run_id="one")
    assert len(found.snapshot.pages) == 6
    written = [
        path.read_bytes() for path in folder.rglob("*") if path.suffix == ".jsonl"
    ]
    assert len(written) == 2
    names = " ".join(path.name for path in folder.rglob("*"))
    for meter in METERS:
        assert not any(meter.encode() in text for text in written)
        assert meter not in names
        assert meter not in logged(caplog)


def test_the_file_of_consents_is_in_the_data_directory(tmp_path: Path) -> None:
    endpoint = next(iter(load_endpoints().values()))
    endpoint = endpoint.model_copy(update={"id": "linky", "key_required": False})
    target = resolve(endpoint, Settings(data_dir=tmp_path))
    assert target.consents == tmp_path / "consents" / "linky.yaml"
    assert not (tmp_path / "consents").exists()
