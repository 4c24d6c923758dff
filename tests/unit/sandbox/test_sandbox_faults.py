"""Faults on demand: what goes wrong, how often, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from lrtzc_pipelines.sandbox.faults import DRIP_BYTES, FaultBoard
from lrtzc_pipelines.sandbox.server import RunningSandbox, create_app
from lrtzc_pipelines.sandbox.world import World

PERIMETER = "/dgcl_banatic/perimetre-epci-a-fp.csv"
DISCOVERY = "/yelo_gbfs/gbfs.json"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with RunningSandbox(create_app(World())) as base_url:
        yield base_url


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        yield client
        client.delete("/__faults")


def plan(
    client: httpx.Client, fault: str, times: int = 1, endpoint: str = "dgcl_banatic"
) -> httpx.Response:
    order = {"endpoint": endpoint, "fault": fault, "times": times}
    return client.post("/__faults", json=order)


@pytest.mark.parametrize(("fault", "status"), [("http_503", 503), ("http_429", 429)])
def test_a_refusal_asks_to_come_back_later(
    client: httpx.Client, fault: str, status: int
) -> None:
    plan(client, fault)
    answer = client.get(PERIMETER)
    assert answer.status_code == status
    assert int(answer.headers["retry-after"]) >= 1


def test_a_maintenance_page_comes_with_http_200(client: httpx.Client) -> None:
    plan(client, "html_200")
    answer = client.get(PERIMETER)
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_truncated_answer_announces_more_than_it_sends(client: httpx.Client) -> None:
    whole = client.get(PERIMETER).content
    plan(client, "truncate")
    received: list[bytes] = []
    with client.stream("GET", PERIMETER) as answer:
        assert answer.headers["content-length"] == str(len(whole))
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(answer.iter_raw())
    assert b"".join(received) == whole[: len(whole) // 2]


def test_a_conditional_request_is_truncated_too(client: httpx.Client) -> None:
    etag = client.get(PERIMETER).headers["etag"]
    plan(client, "truncate")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(PERIMETER, headers={"If-None-Match": etag})


def test_a_reset_connection_gives_no_answer(client: httpx.Client) -> None:
    plan(client, "reset")
    with pytest.raises(httpx.ReadError):
        client.get(PERIMETER)


def test_a_slow_answer_comes_in_drops(client: httpx.Client) -> None:
    plan(client, "slow")
    with client.stream("GET", PERIMETER) as answer:
        first = next(answer.iter_raw())
    assert answer.status_code == 200
    assert len(first) == DRIP_BYTES


def test_a_slow_answer_can_be_read_to_its_end(client: httpx.Client) -> None:
    whole = client.get("/__faults").content
    plan(client, "slow", endpoint="larochelle_d4c")
    answer = client.get("/larochelle_d4c/nothing")
    assert answer.json()["error"].startswith("/larochelle_d4c/nothing")
    assert client.get("/__faults").content == whole


@pytest.mark.parametrize("fault", ["http_503", "html_200", "truncate", "reset"])
def test_the_next_request_is_answered_well(client: httpx.Client, fault: str) -> None:
    plan(client, fault)
    with suppress(httpx.TransportError):
        client.get(PERIMETER)
    assert client.get(PERIMETER).text.startswith("dept;siren;")


def test_a_fault_happens_as_often_as_planned(client: httpx.Client) -> None:
    plan(client, "http_503", times=2)
    statuses = [client.get(PERIMETER).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_a_fault_concerns_its_endpoint_only(client: httpx.Client) -> None:
    plan(client, "http_503")
    assert client.get(DISCOVERY).status_code == 200


def test_a_fault_may_concern_one_address_only(client: httpx.Client) -> None:
    plan(client, "http_503", endpoint="yelo_gbfs/station_status.json")
    assert client.get(DISCOVERY).status_code == 200
    assert client.get("/yelo_gbfs/station_status.json").status_code == 503


def test_faults_are_marked_as_the_sandboxs(client: httpx.Client) -> None:
    plan(client, "http_503")
    assert client.get(PERIMETER).headers["x-lrtzc-sandbox"] == "synthetic"


def test_plans_are_listed_with_the_times_left(client: httpx.Client) -> None:
    plan(client, "http_503", times=3)
    client.get(PERIMETER)
    assert client.get("/__faults").json() == {
        "faults": [{"endpoint": "dgcl_banatic", "fault": "http_503", "times": 2}]
    }


def test_plans_can_be_cleared(client: httpx.Client) -> None:
    plan(client, "http_503", times=5)
    assert client.delete("/__faults").json() == {"faults": []}
    assert client.get(PERIMETER).status_code == 200


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"endpoint": "nowhere", "fault": "reset"}, "unknown endpoint"),
        ({"endpoint": "yelo_gbfs", "fault": "fire"}, "Input should be 'http_503'"),
        ({"endpoint": "yelo_gbfs", "fault": "reset", "times": 0}, "at least 1"),
        ({"fault": "reset"}, "Field required"),
    ],
)
def test_a_wrong_order_is_refused_with_its_reason(
    client: httpx.Client, order: dict[str, str | int], reason: str
) -> None:
    answer = client.post("/__faults", json=order)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_a_prefix_matches_whole_path_segments() -> None:
    board = FaultBoard()
    board.plan("yelo_gbfs/station", "reset")
    assert board.take("/yelo_gbfs/station_status.json") is None
    assert board.take("/yelo_gbfs/station") == "reset"
