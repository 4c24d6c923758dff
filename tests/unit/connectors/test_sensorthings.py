"""Pages of a SensorThings collection: next links, counts, repeated times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer

from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.sensorthings import pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.parsers.json_records import parse_json
from lrtzc_pipelines.sandbox.protocols import sensorthings as sandbox
from lrtzc_pipelines.sources.formats import JsonFormat
from lrtzc_pipelines.sources.protocols import SensorThingsConnector

REAL = Path(__file__).parents[4] / "shared" / "real"
PATH = "Datastreams(7)/Observations"
COLLECTION = {"kind": "sensorthings", "path": PATH}
FORM = {"kind": "json", "records": "value", "flatten": True}
NOON = "2026-06-08T12:00:00Z"


def rows(count: int) -> list[dict[str, Any]]:
    """Observations, two at each moment, the newest first."""
    return [
        {
            "@iot.id": 1000 - n,
            "phenomenonTime": f"2026-06-{1 + n // 2 % 28:02}T12:00:00Z",
            "result": n / 2,
            "parameters.battery": 3.6,
        }
        for n in range(count)
    ]


def mounted(httpserver: HTTPServer, count: int) -> Mounted:
    table = table_of(rows(count), COLLECTION, FORM)
    return Mounted(httpserver, {"observations": table}, sandbox.answer)


def read(client: HttpClient, **changes: Any) -> list[Page]:
    connector = SensorThingsConnector.model_validate(COLLECTION | changes)
    with client:
        return list(pages(connector, client, {}))


def entities(found: list[Page]) -> list[dict[str, Any]]:
    return [
        entity for page in found for entity in json.loads(page.answer.body)["value"]
    ]


@pytest.fixture
def service(httpserver: HTTPServer) -> HttpClient:
    return client_of(httpserver.url_for("/v1.1/"))


def answers(httpserver: HTTPServer, *documents: object) -> None:
    for document in documents[:-1]:
        httpserver.expect_ordered_request(f"/v1.1/{PATH}").respond_with_json(document)
    httpserver.expect_request(f"/v1.1/{PATH}").respond_with_json(documents[-1])


def value(*ids: int, **envelope: Any) -> dict[str, Any]:
    found = [{"@iot.id": n, "phenomenonTime": NOON} for n in ids]
    return {
        "value": found,
        **{k.replace("iot_", "@iot."): v for k, v in envelope.items()},
    }


def test_next_links_lead_through_every_observation(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 250)
    found = read(client_of(service.base_url))
    ids = [entity["@iot.id"] for entity in entities(found)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 250
    assert [page.name for page in found] == ["page-1", "page-2", "page-3"]
    assert [page.items for page in found] == [100, 100, 50]
    assert {page.announced_total for page in found} == {250}
    # What only the service understands is given back as it came.
    assert "gt 850" in service.questions[1].query["$skipFilter"]


def test_two_results_at_one_moment_are_two_observations(
    httpserver: HTTPServer,
) -> None:
    (page,) = read(client_of(mounted(httpserver, 2).base_url))
    frame = parse_json(page.answer.body, "frost", JsonFormat.model_validate(FORM))
    assert frame["phenomenonTime"].n_unique() == 1
    assert sorted(frame["result"].to_list()) == ["0.0", "0.5"]
    assert frame["parameters.battery"].to_list() == ["3.6", "3.6"]


def test_what_the_source_asks_is_kept_with_an_order_and_a_count(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver, 3)
    read(client_of(service.base_url), query={"$orderby": "result desc"}, page_size=50)
    assert service.questions[0].query == {
        "$orderby": "result desc",
        "$top": "50",
        "$skip": "0",
        "$count": "true",
    }


def test_without_next_links_the_count_leads_on(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, value(1, 2, iot_count=3), value(3, iot_count=3))
    assert [page.items for page in read(service)] == [2, 1]


def test_without_count_and_link_one_page_is_all(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, value(1, 2))
    (only,) = read(service)
    assert (only.items, only.announced_total) == (2, None)


def test_an_empty_collection_is_one_page(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, value(iot_count=0))
    (only,) = read(service)
    assert (only.name, only.items) == ("page-1", 0)


def test_a_key_goes_in_a_header(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    read(client_of(service.base_url, key="s3cret"))
    assert service.questions[0].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("link", ["http://10.0.0.1/v1.1/x", "https://example.org/x"])
def test_a_next_page_of_another_service_is_refused(
    httpserver: HTTPServer, service: HttpClient, link: str
) -> None:
    answers(httpserver, value(1, iot_count=2, iot_nextLink=link))
    with pytest.raises(FetchError, match="another service"):
        read(service)
    assert service.requests == 1


def test_a_next_page_that_is_no_address_is_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, value(1, iot_nextLink=7))
    with pytest.raises(FetchError, match="no address"):
        read(service)


def test_links_in_circles_are_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, value(1, iot_nextLink=httpserver.url_for(f"/v1.1/{PATH}")))
    with pytest.raises(FetchError, match="has the records of page 1"):
        read(service)


def test_links_over_pages_without_entities_end(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    link = httpserver.url_for(f"/v1.1/{PATH}")
    answers(httpserver, value(1, iot_nextLink=link), value(iot_nextLink=link))
    assert [page.items for page in read(service)] == [1]


def test_pages_that_overlap_are_refused(
    httpserver: HTTPServer, service: HttpClient
) -> None:
    answers(httpserver, value(1, 2, iot_count=4), value(2, 3, iot_count=4))
    with pytest.raises(FetchError, match="overlap"):
        read(service)


@pytest.mark.parametrize("total", [1, 3])
def test_another_number_of_entities_than_counted_may_pass(
    httpserver: HTTPServer, service: HttpClient, total: int
) -> None:
    answers(httpserver, value(1, 2, iot_count=total), value(iot_count=total))
    with pytest.raises(FetchError, match=rf"2 .*{total} announced") as error:
        read(service)
    assert not error.value.permanent


@pytest.mark.parametrize(
    "answer", [{}, {"value": {}}, {"value": [1]}, {"code": 404, "message": "Nothing"}]
)
def test_what_is_no_collection_is_refused(
    httpserver: HTTPServer, service: HttpClient, answer: object
) -> None:
    answers(httpserver, answer)
    with pytest.raises(FetchError, match="no list of values"):
        read(service)


def test_a_refused_question_is_told(httpserver: HTTPServer) -> None:
    service = mounted(httpserver, 3)
    with pytest.raises(FetchError, match="HTTP 400"):
        read(client_of(service.base_url), query={"$orderby": "nonsense"})


@not_json
def test_what_is_no_json_is_asked_again_then_refused(
    httpserver: HTTPServer, service: HttpClient, body: bytes, reason: str
) -> None:
    httpserver.expect_request(f"/v1.1/{PATH}").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(service)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_a_real_page_of_frost_keeps_both_results_of_one_moment(
    httpserver: HTTPServer,
) -> None:
    body = (REAL / "sensorthings_lorawan" / "frost_observations_page.json").read_text()
    path = "Things(529)/Datastreams(1440)/Observations"
    httpserver.expect_ordered_request(f"/frost/v1.1/{path}").respond_with_data(body)
    # Its next link names the real service, which the local one stands for.
    httpserver.expect_ordered_request(f"/frost/v1.1/{path}").respond_with_json(value())
    client = client_of(
        httpserver.url_for("/frost/v1.1/"),
        declared_url="https://gi3.gis.lrg.tum.de/frost/v1.1/",
    )
    (page,) = read(client, path=path)
    frame = parse_json(page.answer.body, "frost", JsonFormat.model_validate(FORM))
    assert frame["result"].to_list() == ["33.0", "31.5"]
    assert frame["phenomenonTime"].n_unique() == 1
    assert frame["@iot.id"].n_unique() == 2
