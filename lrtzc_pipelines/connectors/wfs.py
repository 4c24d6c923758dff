"""OGC WFS 2.0 `GetFeature`, as GeoServer answers it in GeoJSON.

The order of a bounding box's axes follows the spelling of the reference system, and
servers get it wrong in both directions; GeoJSON itself is longitude, latitude. So what
comes back is compared with what was asked before it is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lrtzc_pipelines.connectors.base import (
    Known,
    Page,
    Pages,
    incomplete_json,
    json_object,
)
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import WfsConnector
from lrtzc_pipelines.sources.reference_systems import Box, axes, is_box

_REPORT = re.compile(
    rb"^\s*(?:<\?xml[^>]*\?>\s*)?<(?:\w+:)?(?:Service)?ExceptionReport\b"
)
_CODE = re.compile(rb"exceptionCode=[\"'](\w{1,60})[\"']")
_TEXT = re.compile(rb"<(?:\w+:)?ExceptionText>(.{0,1000}?)</", re.DOTALL)
_WRONG_QUESTION = re.compile(r"Invalid|Missing|NotSupported")
_MARGIN_DEGREES = 0.5
"""How far from the asked box a feature may lie: servers widen boxes, none by 50 km."""

_POSITION_DEPTH = 5
"""Lists inside a MultiPolygon, down to a position and its numbers."""


def pages(connector: WfsConnector, client: HttpClient, known: Known) -> Pages:
    """Every page of a feature type, ordered by the declared attribute.

    Raises:
        FetchError: an exception report, something else than a FeatureCollection,
            another number of features than announced, or features that are not where
            they were asked for.
    """
    label = f"type {connector.type_name}"
    progress = Progress(client, label)
    while True:
        name = f"offset-{progress.received}"
        answer = client.get(
            client.target.base_url,
            _query(connector, progress.received),
            known=known.get(name),
            fault=_incomplete,
        )
        before = progress.received
        if answer.not_modified:
            progress.held(known[name])
        else:
            collection = _collection(client, label, answer.body)
            features = collection["features"]
            _check_places(connector, client, label, features)
            progress.add(
                features,
                ids=(feature.get("id") for feature in features),
                total=collection.get("numberMatched", collection.get("totalFeatures")),
            )
        items = progress.received - before
        if items or before == 0:
            yield Page(
                name, "json", answer, items=items, announced_total=progress.total
            )
        # The service may cut `count` down, so a short page proves nothing.
        if items == 0 or progress.is_complete:
            break
    progress.check()


def _query(connector: WfsConnector, offset: int) -> dict[str, str | int]:
    query: dict[str, str | int] = {
        "service": "WFS",
        "version": "2.0.0",
        "request": "GetFeature",
        "typeNames": connector.type_name,
        "outputFormat": "application/json",
        "srsName": connector.srs,
        "sortBy": connector.sort_by,
        "count": connector.page_size,
        "startIndex": offset,
    }
    if connector.cql_filter:
        query["cql_filter"] = connector.cql_filter
    if connector.bbox:
        west, south, east, north = connector.bbox
        latitude_first = axes(connector.srs) == "lat,lon"
        sides = (south, west, north, east) if latitude_first else connector.bbox
        query["bbox"] = ",".join([*map(repr, sides), connector.srs])
    return query


def _incomplete(body: bytes) -> str | None:
    """As for any JSON; an exception report is whole, and refused as such."""
    return None if _REPORT.match(body) else incomplete_json(body)


def _collection(client: HttpClient, label: str, body: bytes) -> dict[str, Any]:
    if _REPORT.match(body):
        code = _CODE.search(body)
        text = _TEXT.search(body)
        named = code[1].decode() if code else "no code"
        raise refused(
            client,
            label,
            f"the service reports {named}",
            text[1].decode("utf-8", "replace") if text else "",
            permanent=bool(_WRONG_QUESTION.search(named)),
        )
    found = json_object(client, label, body)
    features = found.get("features")
    if (
        found.get("type") != "FeatureCollection"
        or not isinstance(features, list)
        or not all(isinstance(feature, dict) for feature in features)
    ):
        raise refused(client, label, "the answer is no GeoJSON FeatureCollection")
    returned = found.get("numberReturned")
    if isinstance(returned, int) and returned != len(features):
        reason = f"{len(features)} features in a page of {returned}"
        raise refused(client, label, reason, permanent=False)
    return found


def _check_places(
    connector: WfsConnector, client: HttpClient, label: str, features: list[Any]
) -> None:
    """Raises FetchError if a feature is not in degrees, or far from the asked box."""
    if axes(connector.srs) is None:
        return
    for number, feature in enumerate(features, start=1):
        place = _extent(feature.get("geometry"))
        if place is None:
            continue
        if not is_box(place):
            reason = f"feature {number} of a page is not in degrees"
        elif connector.bbox and not _meets(place, connector.bbox, _MARGIN_DEGREES):
            reason = f"feature {number} of a page is far outside the asked box"
            if _meets(_turned(place), connector.bbox, _MARGIN_DEGREES):
                reason += ": its axes are latitude, longitude"
        else:
            continue
        raise refused(client, label, reason)


def _meets(place: Box, box: Box, margin: float) -> bool:
    """Whether two boxes, one of them widened, have a point in common."""
    west, south, east, north = box
    return (
        place[0] <= east + margin
        and place[2] >= west - margin
        and place[1] <= north + margin
        and place[3] >= south - margin
    )


def _turned(place: Box) -> Box:
    return place[1], place[0], place[3], place[2]


def _extent(geometry: object) -> Box | None:
    """The box around a geometry; None around nothing."""
    positions = list(_positions(geometry))
    if not positions:
        return None
    eastings = [position[0] for position in positions]
    northings = [position[1] for position in positions]
    return min(eastings), min(northings), max(eastings), max(northings)


def _positions(geometry: object) -> Iterator[tuple[float, float]]:
    if not isinstance(geometry, dict):
        return
    parts = geometry.get("geometries")
    for part in parts if isinstance(parts, list) else ():
        # One level: collections inside collections are not for exchange (RFC 7946).
        if isinstance(part, dict) and "geometries" not in part:
            yield from _positions(part)
    yield from _numbers(geometry.get("coordinates"), _POSITION_DEPTH)


def _numbers(coordinates: object, depth: int) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list) or depth == 0:
        return
    match coordinates:
        case [int() | float() as first, int() | float() as second, *_]:
            yield first, second
        case _:
            for inner in coordinates:
                yield from _numbers(inner, depth - 1)
