"""How services of many pages are asked for one of them, and how they write it.

Just enough of each envelope for a connector to believe it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services import Asked, answer

PAGE_SIZE = 2
Record = Any
"""An object mostly; something else where that is the attack."""


@dataclass(frozen=True)
class Sheet:
    """What one page holds.

    Attributes:
        number: Place of the page, from 0.
        records: Its records.
        total: Number of records announced; None if none is.
        following: What leads to the next page, in the protocol's own terms; None on
            the last one.
    """

    number: int
    records: list[Record]
    total: Any = None
    following: Any = None


def document(value: Any, status: str = "200 OK", **headers: str) -> bytes:
    """A JSON answer."""
    return answer(json.dumps(value).encode(), status, **headers)


def told(**values: Any) -> dict[str, Any]:
    """An object without the fields that are None."""
    return {name: value for name, value in values.items() if value is not None}


def offset(name: str, first: int = 0) -> Callable[[Asked], int | None]:
    """Pages told by the number of records before them."""

    def place(asked: Asked) -> int | None:
        told = asked.query.get(name)
        return None if told is None else (int(told) - first) // PAGE_SIZE

    return place


def page(asked: Asked) -> int:
    """Pages told by their number, from 1; the first one may go without."""
    return int(asked.query.get("page", "1")) - 1


def address(path: str) -> Callable[[str, int], str]:
    """Pages told by an address that the page before them gives."""
    return lambda url, place: f"{url}{path}?page={place + 1}"


def in_path(pattern: str, first: int = 0) -> Callable[[Asked], int | None]:
    """Pages told by a number in the path."""

    def place(asked: Asked) -> int | None:
        found = re.search(pattern, asked.path)
        return int(found[1]) - first if found else None

    return place


def webservice(sheet: Sheet) -> bytes:
    cells = [
        [f'<{name}>"{value}"</{name}>' for name, value in record.items()]
        for record in sheet.records
    ]
    rows = "".join(f"<row>{''.join(row)}</row>" for row in cells)
    body = (
        f"<opendata><request>http://a/?page={sheet.number}</request><answer><status>"
        f"code=0 message=Success</status><data>{rows}</data></answer></opendata>"
    )
    return answer(body.encode())


def ckan(sheet: Sheet) -> bytes:
    records = [{"_id": record.get("row_id"), **record} for record in sheet.records]
    return document(
        {"success": True, "result": told(records=records, total=sheet.total)}
    )


def data_gouv(sheet: Sheet) -> bytes:
    numbers = [record.get("row_id") for record in sheet.records]
    datasets = [
        {"id": n, "resources": [told(id=n and f"r{n}", schema={"name": "s"})]}
        for n in numbers
    ]
    return document(
        {"data": datasets, "total": sheet.total, "next_page": sheet.following}
    )


def file(asked: Asked, _: Sheet) -> bytes:
    number = asked.path.rpartition("/r")[2]
    return answer(f"row_id;value\n{number};v\n".encode())


def csv(sheet: Sheet) -> bytes:
    names = ";".join(sheet.records[0])
    rows = [";".join(map(str, record.values())) for record in sheet.records]
    return answer("\n".join([names, *rows, ""]).encode())


def wfs(sheet: Sheet) -> bytes:
    features = [
        {"type": "Feature", "id": r.get("row_id"), "properties": r}
        for r in sheet.records
    ]
    return document(
        told(type="FeatureCollection", features=features, numberMatched=sheet.total)
    )


def arcgis(sheet: Sheet) -> bytes:
    return document(
        {
            "objectIdFieldName": "row_id",
            "features": [{"attributes": record} for record in sheet.records],
            "exceededTransferLimit": sheet.following is not None,
        }
    )


def sensorthings(sheet: Sheet) -> bytes:
    values = [{"@iot.id": record.get("row_id"), **record} for record in sheet.records]
    links = {"@iot.count": sheet.total, "@iot.nextLink": sheet.following}
    return document(told(value=values, **links))


def sensorthings_place(asked: Asked) -> int | None:
    return page(asked) if "page" in asked.query else offset("$skip")(asked)


def kuzzle(sheet: Sheet) -> bytes:
    hits = [{"_id": record.get("row_id"), **record} for record in sheet.records]
    result = told(hits=hits, total=sheet.total, scrollId=sheet.following)
    return document({"status": 200, "error": None, "result": result})


def hubeau(sheet: Sheet) -> bytes:
    status = "206 Partial Content" if sheet.following is not None else "200 OK"
    found = told(count=sheet.total, data=sheet.records, next=sheet.following)
    return document(found, status)


def sirene(sheet: Sheet) -> bytes:
    following = (
        sheet.following if sheet.following is not None else cursor("", sheet.number)
    )
    header = told(statut=200, total=sheet.total, curseurSuivant=following)
    return document({"header": header, "etablissements": sheet.records})


def cursor(_: str, place: int) -> str:
    return f"c{place}" if place else "*"


def sirene_place(asked: Asked) -> int | None:
    told = asked.query.get("curseur")
    return None if told is None else int(told.replace("*", "c0")[1:])


def postgrest(sheet: Sheet) -> bytes:
    first = sheet.number * PAGE_SIZE
    reach = f"{first}-{first + len(sheet.records) - 1}" if sheet.records else "*"
    total = "*" if sheet.total is None else sheet.total
    return document(
        sheet.records, "206 Partial Content", Content_Range=f"{reach}/{total}"
    )


def gbfs_feed(sheet: Sheet) -> bytes:
    stations = sheet.records
    if sheet.number == 0:
        stations = [{"station_id": station["station_id"]} for station in stations]
    return document({"data": {"stations": stations}})


def gbfs(_: Asked, sheet: Sheet) -> bytes:
    feeds = [
        {"name": "station_information", "url": "station_information"},
        {"name": "station_status", "url": sheet.following},
    ]
    return document({"version": "3.0", "data": {"feeds": feeds}})
