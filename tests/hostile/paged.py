"""Paged protocols as a small server speaks them, and a source of each.

What services make of it is in `plays.py` and in the modules of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import envelopes
from envelopes import PAGE_SIZE, Record, Sheet
from services import Asked, spec_of

from lrtzc_pipelines.sources.spec import SourceSpec


def _record(number: int) -> Record:
    return {"row_id": number, "value": "v"}


def nothing_else(_: Asked, __: Sheet) -> bytes:
    return envelopes.document({})


@dataclass(frozen=True)
class Protocol:
    """A protocol, with a source that is asked for two records a page.

    Attributes:
        connector: Arguments of the source.
        form: Its format.
        place: Place of the page that a request is about; None for other requests.
        write: A page as an answer.
        failure: An error as the service reports it with HTTP 200, with `{}` for words.
        other: The answer to other requests, given what the first page announces.
        record: A record with a number.
        follow: What leads to the page with a place, given the address of the server.
        is_link: Whether that is an address.
        has_total: Whether pages announce how many records there are.
        is_list: Whether a list comes first, and then each of its things on its own.
        sources: The producer's names of the two columns.
    """

    connector: dict[str, Any]
    form: dict[str, Any]
    place: Callable[[Asked], int | None]
    write: Callable[[Sheet], bytes]
    failure: str = '{{"error": "{}", "message": "{}"}}'
    other: Callable[[Asked, Sheet], bytes] = nothing_else
    record: Callable[[int], Record] = _record
    follow: Callable[[str, int], Any] | None = None
    is_link: bool = False
    has_total: bool = True
    is_list: bool = False
    sources: tuple[str, str] = ("row_id", "value")

    @property
    def is_led(self) -> bool:
        """Whether only a page tells how to ask for the next one."""
        return self.is_link or self.connector["kind"] in {"kuzzle", "sirene"}

    @property
    def spec(self) -> SourceSpec:
        """The source."""
        key, value = self.sources
        return spec_of(
            self.connector,
            self.form,
            columns=[
                {"name": "row_id", "source": key, "type": "integer"},
                {"name": "value", "source": value, "required": True},
            ],
        )


PROTOCOLS = {
    "larochelle_webservice": Protocol(
        {"kind": "larochelle_webservice", "database": "d", "table": "t"}
        | {"page_size": PAGE_SIZE},
        {"kind": "larochelle_xml"},
        envelopes.offset("offset", first=1),
        envelopes.webservice,
        failure="<opendata><status>code=9 message={} {}</status></opendata>",
        has_total=False,
    ),
    "ckan": Protocol(
        {"kind": "ckan", "resource_id": "r", "page_size": PAGE_SIZE},
        {"kind": "ckan_records"},
        envelopes.offset("offset"),
        envelopes.ckan,
        failure='{{"success": false, "error": {{"message": ["{}", "{}"]}}}}',
    ),
    "ods_v1": Protocol(
        {"kind": "ods_v1", "dataset": "d", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "records"},
        lambda asked: int(re.findall(r"start=(\d+)", asked.path)[0]) // PAGE_SIZE,
        lambda sheet: envelopes.document(
            envelopes.told(nhits=sheet.total, records=sheet.records)
        ),
    ),
    "data_fair": Protocol(
        {"kind": "data_fair", "dataset": "d(r)"},
        {"kind": "json", "records": "results"},
        lambda asked: envelopes.page(asked) if "lines" in asked.path else None,
        lambda sheet: envelopes.document(
            envelopes.told(
                total=sheet.total, results=sheet.records, next=sheet.following
            )
        ),
        follow=envelopes.address("data-fair/lines"),
        is_link=True,
    ),
    "data_gouv": Protocol(
        {"kind": "data_gouv", "schema_name": "s"},
        {"kind": "csv"},
        lambda asked: (
            envelopes.page(asked) if "datasets/r/" not in asked.path else None
        ),
        envelopes.data_gouv,
        other=envelopes.file,
        follow=envelopes.address("datasets/"),
        is_link=True,
    ),
    "wfs": Protocol(
        {"kind": "wfs", "type_name": "t", "sort_by": "id", "page_size": PAGE_SIZE},
        {"kind": "geojson"},
        envelopes.offset("startIndex"),
        envelopes.wfs,
        failure='<ExceptionReport><Exception exceptionCode="NoApplicableCode">'
        "<ExceptionText>{} {}</ExceptionText></Exception></ExceptionReport>",
    ),
    "arcgis": Protocol(
        {"kind": "arcgis", "path": "0", "order_by": "x", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "features", "flatten": True},
        envelopes.offset("resultOffset"),
        envelopes.arcgis,
        failure='{{"error": {{"code": ["{}"], "message": "{}"}}}}',
        other=lambda _, sheet: envelopes.document(envelopes.told(count=sheet.total)),
        follow=lambda _, place: place,
        sources=("attributes.row_id", "attributes.value"),
    ),
    "sensorthings": Protocol(
        {"kind": "sensorthings", "path": "Things", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "value"},
        envelopes.sensorthings_place,
        envelopes.sensorthings,
        follow=envelopes.address("Things"),
        is_link=True,
    ),
    "kuzzle": Protocol(
        {"kind": "kuzzle", "index": "i", "collection": "c", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "result.hits"},
        lambda asked: envelopes.in_path(r"_scroll/s(\d+)$")(asked) or 0,
        envelopes.kuzzle,
        failure='{{"status": 500, "error": {{"id": "{}", "message": "{}"}}}}',
        follow=lambda _, place: f"s{place}",
    ),
    "hubeau": Protocol(
        {"kind": "hubeau", "path": "v2/x", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "data"},
        envelopes.page,
        envelopes.hubeau,
        follow=envelopes.address("v2/x"),
        is_link=True,
    ),
    "sirene": Protocol(
        {"kind": "sirene", "query": "x", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "etablissements"},
        envelopes.sirene_place,
        envelopes.sirene,
        failure='{{"header": {{"statut": "{}", "message": "{}"}}}}',
        follow=envelopes.cursor,
        other=lambda _, __: envelopes.document({"header": {"statut": 200}}),
    ),
    "agence_bio": Protocol(
        {"kind": "agence_bio", "department": "17"},
        {"kind": "json", "records": "items"},
        envelopes.page,
        lambda sheet: envelopes.document(
            {
                "items": sheet.records,
                "pagination": envelopes.told(
                    page=sheet.number + 1, totalCount=sheet.total
                ),
            }
        ),
    ),
    "datatourisme": Protocol(
        {"kind": "datatourisme", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "objects"},
        envelopes.page,
        lambda sheet: envelopes.document(
            {"objects": sheet.records, "meta": envelopes.told(total=sheet.total)}
        ),
    ),
    "postgrest": Protocol(
        {"kind": "postgrest", "path": "t", "order": "id", "page_size": PAGE_SIZE},
        {"kind": "json"},
        envelopes.offset("offset"),
        envelopes.postgrest,
        failure='{{"code": "{}", "message": "{}"}}',
    ),
    "rnb": Protocol(
        {"kind": "rnb", "page_size": PAGE_SIZE},
        {"kind": "json", "records": "results"},
        envelopes.page,
        lambda sheet: envelopes.document(
            envelopes.told(
                count=sheet.total, results=sheet.records, next=sheet.following
            )
        ),
        follow=envelopes.address("buildings/"),
        is_link=True,
    ),
    "eco_counter": Protocol(
        {"kind": "eco_counter", "domain": "1"}
        | {"start": "2026-01-01", "end": "2026-01-02"},
        {"kind": "json", "positional": True},
        envelopes.in_path(r"/data/(\d+)$", first=1),
        lambda sheet: envelopes.document(sheet.records),
        other=lambda _, sheet: envelopes.document(
            [{"idPdc": number + 1} for number in range(sheet.total)]
        ),
        record=lambda number: [str(number), "v"],
        has_total=False,
        is_list=True,
        sources=("0", "1"),
    ),
    "gbfs": Protocol(
        {"kind": "gbfs", "feeds": ["station_information", "station_status"]},
        {"kind": "gbfs_stations"},
        lambda asked: {"information": 0, "status": 1}.get(asked.path.partition("_")[2]),
        envelopes.gbfs_feed,
        other=envelopes.gbfs,
        record=lambda number: {"station_id": (number - 1) % 2 + 1, "value": "v"},
        follow=lambda url, _: f"{url}station_status",
        is_link=True,
        has_total=False,
        is_list=True,
        sources=("station_id", "value"),
    ),
    "data_gouv files": Protocol(
        {"kind": "data_gouv", "dataset": "d"},
        {"kind": "csv"},
        envelopes.in_path(r"datasets/r/(\d+)$"),
        envelopes.csv,
        other=lambda _, sheet: envelopes.document(
            {"resources": [{"id": str(number)} for number in range(sheet.total)]}
        ),
        has_total=False,
        is_list=True,
    ),
}
"""Every protocol whose data come in more than one answer."""
