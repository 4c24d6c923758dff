"""Scenes over HTTP: STAC, DHuS and OData v4 in front of one list, and their files.

Files want a token, as the real service does. What can go wrong with a file is ordered
per request, so that a test knows which try fails in which way.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lrtzc_pipelines.sandbox.imagery import dhus_pages, odata_pages, stac_pages
from lrtzc_pipelines.sandbox.imagery.archive import Archive
from lrtzc_pipelines.sandbox.imagery.overpasses import Overpass

USER, PASSWORD = "habitant", "mot-de-passe-inventé"
_HANG_SECONDS = 30.0
_LIFE_SECONDS = 600


class FileFault(StrEnum):
    """What can go wrong with a file."""

    CORRUPT = "corrupt"
    CUT = "cut"
    IGNORE_RANGE = "ignore_range"
    HTTP_503 = "http_503"
    HANG = "hang"
    OFFLINE = "offline"
    EXPIRED = "expired_token"


_INSTEAD: dict[FileFault | None, tuple[int, tuple[tuple[str, str], ...]]] = {
    FileFault.HTTP_503: (HTTPStatus.SERVICE_UNAVAILABLE, (("Retry-After", "0"),)),
    FileFault.OFFLINE: (HTTPStatus.ACCEPTED, ()),
    FileFault.EXPIRED: (HTTPStatus.UNAUTHORIZED, ()),
}
"""Faults that are an answer of their own: a status and headers."""


@dataclass
class ImagerySandbox:
    """The state of the server.

    Attributes:
        archive: What it shows.
        faults: What the next files meet, in order; good ones after that.
        mislabelled: Whether checksums of metadata are labelled wrongly.
        sent: Bytes of files that were sent.
    """

    archive: Archive
    faults: list[FileFault] = field(default_factory=list)
    mislabelled: bool = False
    sent: int = 0
    _token: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/stac", self._landing),
                Route("/stac/", self._landing),
                Route("/stac/collections", self._collections),
                Route(f"/stac/collections/{stac_pages.COLLECTION}", self._collection),
                Route(
                    f"/stac/collections/{stac_pages.COLLECTION}/items/{{name}}",
                    self._item,
                ),
                Route("/stac/search", self._search, methods=["POST"]),
                Route("/token", self._grant, methods=["POST"]),
                Route("/odata/v1/DeletedProducts", self._deleted),
                Route("/odata/v1/Products", self._products),
                Route("/odata/v1/{path:path}", self._file),
                Route("/dhus/search", self._opensearch),
                Route("/dhus/odata/v1/{path:path}", self._hub),
            ]
        )

    async def _landing(self, request: Request) -> Response:
        return JSONResponse(stac_pages.landing(_root(request)))

    async def _collections(self, request: Request) -> Response:
        one = stac_pages.collection(_root(request))
        return JSONResponse({"collections": [one], "links": []})

    async def _collection(self, request: Request) -> Response:
        return JSONResponse(stac_pages.collection(_root(request)))

    async def _item(self, request: Request) -> Response:
        one = self.archive.by_name(request.path_params["name"])
        if one is None:
            return _missing("item")
        found = await run_in_threadpool(
            stac_pages.item,
            self.archive,
            one,
            _root(request),
            mislabelled=self.mislabelled,
        )
        return JSONResponse(found, media_type="application/geo+json")

    async def _search(self, request: Request) -> Response:
        asked = await request.json()
        found = await run_in_threadpool(
            stac_pages.search,
            self.archive,
            asked,
            _root(request),
            mislabelled=self.mislabelled,
        )
        return JSONResponse(found, media_type="application/geo+json")

    async def _grant(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return JSONResponse({"error": "invalid_grant"}, HTTPStatus.UNAUTHORIZED)
        with self._lock:
            self._token += 1
        return JSONResponse(
            {"access_token": f"jeton-{self._token}", "expires_in": _LIFE_SECONDS}
        )

    async def _products(self, request: Request) -> Response:
        told = request.query_params
        found = await run_in_threadpool(
            odata_pages.products,
            self.archive,
            told.get("$filter", ""),
            int(told.get("$skip", 0)),
            int(told["$top"]) if "$top" in told else None,
            f"{_root(request)}/odata/v1/Products",
        )
        return JSONResponse(found)

    async def _deleted(self, _: Request) -> Response:
        return JSONResponse(odata_pages.deleted(self.archive))

    async def _opensearch(self, request: Request) -> Response:
        told = request.query_params
        found = dhus_pages.opensearch(
            self.archive,
            told.get("q", ""),
            int(told.get("start", 0)),
            int(told.get("rows", 10)),
        )
        return JSONResponse(found)

    async def _hub(self, request: Request) -> Response:
        """A product of a hub: what is told of it, whether it is online, its bytes."""
        uuid, _, rest = request.path_params["path"].partition("/")
        one = self.archive.by_uuid(uuid.removeprefix("Products('").removesuffix("')"))
        if one is None:
            return _missing("key")
        if not rest:
            found = await run_in_threadpool(
                dhus_pages.product, self.archive, one, _root(request)
            )
            return JSONResponse(found)
        if rest == "Online/$value":
            return PlainTextResponse("true")
        content = await run_in_threadpool(self._content, one, rest)
        if content is None:
            return _missing("node")
        return await self._serve(request, content, f"{one.id}.zip")

    async def _file(self, request: Request) -> Response:
        """A file of the service proper, for whoever has a token."""
        uuid, _, rest = request.path_params["path"].partition("/")
        one = self.archive.by_uuid(uuid.removeprefix("Products(").removesuffix(")"))
        if one is None:
            return _missing("key")
        content = await run_in_threadpool(self._content, one, rest)
        if content is None:
            return _missing("node")
        if request.headers.get("authorization") != f"Bearer jeton-{self._token}":
            return JSONResponse({"detail": "Unauthorized"}, HTTPStatus.UNAUTHORIZED)
        return await self._serve(request, content, f"{one.id}.zip")

    def _content(self, one: Overpass, rest: str) -> bytes | None:
        if rest == "$value":
            return self.archive.products.archive(one)
        return self.archive.node(one, f"/{rest.removesuffix('/$value')}")

    async def _serve(self, request: Request, content: bytes, name: str) -> Response:
        fault = self._next() if request.method == "GET" else None
        if fault in _INSTEAD:
            status, headers = _INSTEAD[fault]
            return PlainTextResponse("", status, dict(headers))
        if fault is FileFault.HANG:
            await asyncio.sleep(_HANG_SECONDS)
        if fault is FileFault.CORRUPT:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = 0 if fault is FileFault.IGNORE_RANGE else _start(request)
        if start >= len(content) > 0:
            return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        told = {"Content-Disposition": f'attachment; filename="{name}"'}
        if start:
            told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        told["Content-Length"] = str(len(body))
        if fault is FileFault.CUT:
            body = body[: len(body) // 2]
        if request.method == "GET":
            self.sent += len(body)
        status = HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK
        return Response(body, status, told, "application/octet-stream")

    def _next(self) -> FileFault | None:
        with self._lock:
            return self.faults.pop(0) if self.faults else None


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _start(request: Request) -> int:
    """The byte from which a request wants a file."""
    asked = request.headers.get("range", "bytes=0-")
    return int(asked.removeprefix("bytes=").partition("-")[0] or 0)


def _missing(what: str) -> Response:
    told = f"Invalid {what} to access Products"
    return JSONResponse(
        {"error": {"message": {"value": told}}},
        HTTPStatus.NOT_FOUND,
        {"cause-message": told},
    )
