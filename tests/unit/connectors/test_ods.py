"""Exports of Opendatasoft: whole, counted, and ended by no apology."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hostile import not_json
from protocol_service import Mounted, client_of, table_of
from pytest_httpserver import HTTPServer
from scripted_server import reply, running

from lrtzc_pipelines.connectors.answers import KnownPage
from lrtzc_pipelines.connectors.base import Page
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.ods import mark, pages
from lrtzc_pipelines.errors import FetchError
from lrtzc_pipelines.sandbox.protocols import ods as sandbox
from lrtzc_pipelines.sources.protocols import OdsConnector

REAL = Path(__file__).parents[4] / "shared" / "real" / "ods_odre"
DATASETS = "/api/explore/v2.1/catalog/datasets"
ASKED = {"kind": "ods", "dataset": "town-energy"}
FORMS = {
    "parquet": {"kind": "parquet"},
    "jsonl": {"kind": "json", "lines": True},
    "csv": {"kind": "csv"},
}
SENTENCE = "Streaming interrupted due to the following error: timeout on a shard"
ROWS = [
    {"code": f"170{n:02}", "name": f"Commune « {n} »\nen deux; lignes", "mwh": n * 1.5}
    for n in range(25)
]


def connector(**changes: Any) -> OdsConnector:
    return OdsConnector.model_validate(ASKED | changes)


def mounted(httpserver: HTTPServer, export: str = "parquet") -> Mounted:
    table = table_of(ROWS, ASKED | {"export": export}, FORMS[export])
    return Mounted(httpserver, {"energy": table}, sandbox.answer)


def read(
    client: HttpClient, known: Mapping[str, KnownPage] | None = None, **changes: Any
) -> list[Page]:
    with client:
        return list(pages(connector(**changes), client, known or {}))


def frame(export: str, body: bytes) -> pl.DataFrame:
    readers = {
        "parquet": pl.read_parquet,
        "jsonl": pl.read_ndjson,
        "csv": lambda source: pl.read_csv(
            source, separator=";", schema_overrides={"code": pl.String}
        ),
    }
    return readers[export](io.BytesIO(body))


def metadata(count: object = 2, **default: object) -> dict[str, Any]:
    return {
        "dataset_id": "town-energy",
        "metas": {"default": {"records_count": count, **default}},
    }


def portal(
    httpserver: HTTPServer, body: bytes, export: str, *counts: object
) -> HttpClient:
    """A client of a portal with one export, and a count for each time it is asked."""
    for count in counts[:-1]:
        httpserver.expect_ordered_request(f"{DATASETS}/town-energy").respond_with_json(
            metadata(count)
        )
    httpserver.expect_request(f"{DATASETS}/town-energy").respond_with_json(
        metadata(counts[-1])
    )
    httpserver.expect_request(
        f"{DATASETS}/town-energy/exports/{export}"
    ).respond_with_data(body)
    return client_of(httpserver.url_for("/"))


def parquet(count: int) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"a": list(range(count))}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("export", ["parquet", "jsonl", "csv"])
def test_a_dataset_comes_whole_in_every_format(
    httpserver: HTTPServer, export: str
) -> None:
    service = mounted(httpserver, export)
    (page,) = read(client_of(service.base_url), export=export)
    assert frame(export, page.answer.body).rows() == pl.DataFrame(ROWS).rows()
    assert (page.name, page.suffix) == ("export", export)
    assert (page.items, page.announced_total) == (25, 25)


def test_records_are_never_asked(httpserver: HTTPServer) -> None:
    service = mounted(httpserver)
    read(client_of(service.base_url))
    asked = [question.path for question in service.questions]
    address = f"{DATASETS}/town-energy".lstrip("/")
    assert asked == [address, f"{address}/exports/parquet"]


def test_a_filtered_export_is_whole_without_adding_up_to_the_dataset(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver)
    (page,) = read(
        client_of(service.base_url),
        where='code in ("17003", "17001")',
        order_by="code desc",
        select="code,mwh",
    )
    came = frame("parquet", page.answer.body)
    assert came.rows() == [("17003", 4.5), ("17001", 1.5)]
    assert (page.items, page.announced_total) == (2, None)


def test_a_table_asks_for_names_and_separators_that_do_not_vary(
    httpserver: HTTPServer,
) -> None:
    service = mounted(httpserver, "csv")
    read(client_of(service.base_url), export="csv")
    options = {"delimiter": ";", "use_labels": "false", "with_bom": "false"}
    assert service.questions[-1].query == options


def test_an_id_is_one_step_of_the_address(httpserver: HTTPServer) -> None:
    service = mounted(httpserver)
    with pytest.raises(FetchError, match="HTTP 404"):
        read(client_of(service.base_url), dataset="../../secret(r)")
    (question,) = service.questions
    assert question.path.endswith("datasets/../../secret(r)")


@pytest.mark.parametrize(
    ("export", "body", "rows"),
    [
        ("jsonl", b'{"a": 1}\n{"a": 2}\n\n', 2),
        ("jsonl", b"", 0),
        ("csv", b"a;b\r\n1;2\r\n", 1),
        ("csv", b'\xef\xbb\xbfa;b\n1;"x\ny"\n', 1),
        ("csv", b"a;b\n", 0),
        ("csv", b"a;b\n1;" + b"x" * 200_000 + b"\n", 1),
        ("parquet", parquet(0), 0),
        ("parquet", parquet(3), 3),
    ],
)
def test_rows_are_counted_in_the_bytes(
    httpserver: HTTPServer, export: str, body: bytes, rows: int
) -> None:
    (page,) = read(portal(httpserver, body, export, rows), export=export)
    assert page.items == page.announced_total == rows


@pytest.mark.parametrize(
    ("export", "body", "reason"),
    [
        ("parquet", parquet(2)[:-4] + SENTENCE.encode(), "timeout on a shard"),
        ("parquet", parquet(2)[:-4], "does not end as one"),
        ("parquet", b"PAR1" + b"\x00" * 40 + b"PAR1", "footer cannot be read"),
        ("parquet", b"PAR1", "footer cannot be read"),
        ("parquet", b"", "does not end as one"),
        ("jsonl", f'{{"a": 1}}\n{SENTENCE}'.encode(), "timeout on a shard"),
        ("jsonl", b'{"a": 1}\nAn unexpected error occurred.\n', "unexpected error"),
        ("jsonl", b'{"a": 1}\n{"a": "Dup', "line 2 is no whole record"),
        ("jsonl", b'{"a": 1}\n{"a": Dupont}', "record 2, the last one"),
        ("jsonl", b'[{"a": "Dupont"}]', "line 1 is no whole record"),
        ("csv", f"a;b\n1;2\n{SENTENCE}\n".encode(), "timeout on a shard"),
        ("csv", f"a;b\n1;2{SENTENCE}".encode(), "timeout on a shard"),
        ("csv", b"a;b\n1;2\nDupont", "row 2 has 1 values, the header 2"),
        ("csv", b'a;b\n1;"Dupont', "not a UTF-8 table"),
        ("csv", b"a;b\n1;\xff\xfe\n", "not a UTF-8 table"),
        ("csv", b"  \n", "an empty file"),
        (
            "jsonl",
            b'{"error_code": "ODSQLError", "message": "no such field"}',
            "reports a failure: 'no such field'",
        ),
        ("parquet", b'{"error_code": "X"}', "reports a failure: 'no reason given'"),
    ],
)
def test_an_export_that_broke_off_is_asked_again_then_refused(
    httpserver: HTTPServer, export: str, body: bytes, reason: str
) -> None:
    client = portal(httpserver, body, export, 2)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2") as error:
        read(client, export=export)
    assert not error.value.permanent
    assert "Dup" not in str(error.value)


@pytest.mark.parametrize("export", ["parquet", "jsonl", "csv"])
def test_a_web_page_is_no_export(httpserver: HTTPServer, export: str) -> None:
    client = portal(httpserver, b"<!DOCTYPE html><html></html>", export, 2)
    with pytest.raises(FetchError, match="an HTML page instead of the export"):
        read(client, export=export)


@pytest.mark.parametrize("export", ["parquet", "jsonl", "csv"])
def test_the_sentence_that_a_portal_streams_is_what_the_sandbox_streams(
    export: str,
) -> None:
    from lrtzc_pipelines.connectors.exports import FAULTS
    from lrtzc_pipelines.sandbox.tables import Question

    rows = [{"a": n} for n in range(sandbox.WINDOW + 5)]
    table = table_of(rows, ASKED, FORMS[export])
    path = f"{DATASETS}/town-energy/exports/{export}"
    answer = sandbox.answer({"t": table}, Question("GET", path, {"offset": "10"}))
    assert answer
    assert answer.status == 200
    assert "Streaming interrupted" in str(FAULTS[export](answer.body))


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_rows_than_the_metadata_tell_is_an_error(
    httpserver: HTTPServer, count: int
) -> None:
    client = portal(httpserver, parquet(2), "parquet", count)
    reason = f"dataset town-energy: 2 rows in the export, {count} in the metadata"
    with pytest.raises(FetchError, match=reason) as error:
        read(client)
    assert not error.value.permanent


def test_a_dataset_that_grew_between_the_requests_is_no_error(
    httpserver: HTTPServer,
) -> None:
    (page,) = read(portal(httpserver, parquet(2), "parquet", 1, 2))
    assert (page.items, page.announced_total) == (2, 2)


def test_a_filter_cannot_leave_more_rows_than_there_are(
    httpserver: HTTPServer,
) -> None:
    client = portal(httpserver, parquet(3), "parquet", 2)
    with pytest.raises(FetchError, match="3 rows in the export, 2 in the metadata"):
        read(client, where="a > 0")


def test_without_a_count_the_end_of_the_file_has_to_do(httpserver: HTTPServer) -> None:
    (page,) = read(portal(httpserver, parquet(3), "parquet", None))
    assert (page.items, page.announced_total) == (3, None)


@not_json
def test_metadata_that_are_no_json_are_refused(
    httpserver: HTTPServer, body: bytes, reason: str
) -> None:
    httpserver.expect_request(f"{DATASETS}/town-energy").respond_with_data(body)
    with pytest.raises(FetchError, match=rf"{reason}.*gave up after 2"):
        read(client_of(httpserver.url_for("/")))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"error_code": "Quota", "message": "Too much"}, "no metadata: Too much"),
        ({"metas": []}, "no metadata"),
        ({"metas": {"default": 3}}, "no metadata"),
        ([], "expected a JSON object"),
    ],
)
def test_an_answer_about_no_dataset_is_refused(
    httpserver: HTTPServer, document: object, reason: str
) -> None:
    httpserver.expect_request(f"{DATASETS}/town-energy").respond_with_json(document)
    with pytest.raises(FetchError, match=reason):
        read(client_of(httpserver.url_for("/")))


def test_a_held_export_is_not_sent_again() -> None:
    known = {"export": KnownPage("0", 2, '"a"')}
    with running() as server:
        server.plays(reply(200, json.dumps(metadata()).encode()), reply(304))
        (page,) = read(client_of(server.url), known)
        assert page.answer.not_modified


def marked(httpserver: HTTPServer, document: object, **changes: Any) -> str | None:
    httpserver.clear()
    httpserver.expect_request(f"{DATASETS}/town-energy").respond_with_json(document)
    with client_of(httpserver.url_for("/")) as client:
        return mark(connector(**changes), client)


def test_a_mark_follows_the_data_and_the_question(httpserver: HTTPServer) -> None:
    day = "2026-01-01T00:00:00Z"
    first = marked(httpserver, metadata(2, data_processed=day, title="A"))
    same = marked(httpserver, metadata(2, data_processed=day, title="B"))
    assert first == same
    assert first is not None
    later = metadata(2, data_processed="2026-01-02T00:00:00Z")
    more = metadata(3, data_processed=day)
    corrected = metadata(2, data_processed=day, modified="2026-01-03")
    others = {marked(httpserver, found) for found in (later, more, corrected)}
    filtered = marked(httpserver, metadata(2, data_processed=day), where="a = 1")
    assert len({first, *others, filtered}) == 5


def test_a_date_that_somebody_wrote_is_no_mark(httpserver: HTTPServer) -> None:
    assert marked(httpserver, metadata(2, modified="2026-01-01")) is None


def test_a_filter_that_counts_from_now_has_no_mark(httpserver: HTTPServer) -> None:
    found = metadata(2, data_processed="2026-01-01T00:00:00Z")
    assert marked(httpserver, found, where="day > NOW(days=-30)") is None


def test_mark_and_export_ask_for_the_metadata_once(httpserver: HTTPServer) -> None:
    with client_of(mounted(httpserver).base_url) as client:
        assert mark(connector(), client)
        assert list(pages(connector(), client, {}))
    assert client.requests == 2


def test_the_sandbox_has_a_mark(httpserver: HTTPServer) -> None:
    with client_of(mounted(httpserver).base_url) as client:
        assert mark(connector(), client) == mark(connector(), client) is not None


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
def test_real_records_come_through_as_an_export(httpserver: HTTPServer) -> None:
    (path,) = REAL.glob("eco2mix*.json")
    real = json.loads(path.read_text("utf-8"))["results"]
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in real).encode()
    (page,) = read(portal(httpserver, body, "jsonl", len(real)), export="jsonl")
    assert page.items == 4
