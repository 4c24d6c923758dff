"""WFS 2.0 as GeoServer answers it: GeoJSON, or an exception report with HTTP 200.

Boxes are read in the axis order of the system they name; what comes out is always
longitude, latitude. No page is given without an order, none is larger than the cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from shapely.geometry import box, shape

from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.records import features, json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.protocols import WfsConnector
from lrtzc_pipelines.sources.reference_systems import Box, axes

CAP = 1000
"""Most features in one answer, whatever is asked."""

_BOX_NUMBERS = 4

_INVALID, _MISSING = "InvalidParameterValue", "MissingParameterValue"
_UNSUPPORTED, _NO_CODE = "OperationNotSupported", "NoApplicableCode"


class _Refused(Exception):
    """An exception report: its code, the parameter, and a text."""

    def __init__(self, code: str, locator: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.locator = locator


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The answer to a GetFeature request; None at another path."""
    if question.path.strip("/"):
        return None
    query = {name.lower(): value for name, value in question.query.items()}
    try:
        return _features(tables, query)
    except _Refused as refused:
        return _report(refused)


def _features(tables: Mapping[str, Table], query: Mapping[str, str]) -> Answer:
    _check_operation(query)
    table = _table(tables, query)
    type_name = query["typenames"]
    found = [
        feature | {"id": f"{type_name.rpartition(':')[2]}.{n}"}
        for n, feature in enumerate(features(table), start=1)
    ]
    found = _inside(found, query.get("bbox"))
    order = query.get("sortby")
    if order:
        found = _sorted(table, found, order)
    start = number(query.get("startindex"), 0)
    count = number(query.get("count"), CAP)
    if start is None or count is None:
        raise _Refused(_INVALID, "count", "not a number")
    if start and not order:
        text = "Cannot do natural order without a primary key, please add it"
        raise _Refused(_NO_CODE, "", text)
    page = found[start : start + min(count, CAP)]
    return json_answer(
        {
            "type": "FeatureCollection",
            "features": page,
            "totalFeatures": len(found),
            "numberMatched": len(found),
            "numberReturned": len(page),
            "timeStamp": AS_OF.isoformat().replace("+00:00", "Z"),
            "crs": {
                "type": "name",
                "properties": {"name": "urn:ogc:def:crs:EPSG::4326"},
            }
            if page
            else None,
        }
    )


def _check_operation(query: Mapping[str, str]) -> None:
    for name, wanted in (("service", "WFS"), ("request", "GetFeature")):
        if name not in query:
            raise _Refused(_MISSING, name, f"Could not find {name}")
        if query[name].lower() != wanted.lower():
            raise _Refused(_UNSUPPORTED, name, f"No such {name}")
    if query.get("outputformat") not in {"application/json", "json"}:
        text = "Only GeoJSON is served here"
        raise _Refused(_INVALID, "outputFormat", text)


def _table(tables: Mapping[str, Table], query: Mapping[str, str]) -> Table:
    wanted = query.get("typenames"), query.get("cql_filter")
    if query.get("bbox") and wanted[1]:
        text = "bbox and cql_filter both specified but are mutually exclusive"
        raise _Refused(_NO_CODE, "", text)
    same_type = None
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, WfsConnector) and connector.type_name == wanted[0]:
            if connector.cql_filter == wanted[1]:
                return table
            same_type = table
    if same_type is None:
        text = f"Feature type {wanted[0]} unknown"
        raise _Refused(_INVALID, "typeName", text)
    if wanted[1]:
        text = "Could not parse CQL filter list"
        raise _Refused(_INVALID, "cql_filter", text)
    return same_type


def _inside(found: list[dict[str, Any]], asked: str | None) -> list[dict[str, Any]]:
    if not asked:
        return found
    area = box(*_box(asked))
    return [
        feature
        for feature in found
        if feature["geometry"] and shape(feature["geometry"]).intersects(area)
    ]


def _box(asked: str) -> Box:
    """West, south, east, north of a `bbox` parameter."""
    *numbers, srs = asked.split(",")
    order = axes(srs)
    try:
        sides = [float(text) for text in numbers]
    except ValueError:
        sides = []
    if order is None or len(sides) != _BOX_NUMBERS:
        raise _Refused(_INVALID, "bbox", "Could not read the bbox")
    a, b, c, d = sides
    return (b, a, d, c) if order == "lat,lon" else (a, b, c, d)


def _sorted(
    table: Table, found: list[dict[str, Any]], order: str
) -> list[dict[str, Any]]:
    name, _, direction = order.partition(" ")
    if name not in table.frame.columns:
        text = f"Illegal property name: {name}"
        raise _Refused(_INVALID, "sortBy", text)
    return sorted(
        found,
        key=lambda feature: (
            feature["properties"][name] is None,
            feature["properties"][name],
        ),
        reverse=direction.upper() in {"D", "DESC"},
    )


def _report(refused: _Refused) -> Answer:
    locator = f" locator={quoteattr(refused.locator)}" if refused.locator else ""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" '
        f'version="2.0.0"><ows:Exception exceptionCode="{refused.code}"{locator}>'
        f"<ows:ExceptionText>{escape(str(refused))}</ows:ExceptionText>"
        "</ows:Exception></ows:ExceptionReport>"
    )
    return Answer(text.encode(), "application/xml")
