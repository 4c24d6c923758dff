"""The sandbox's web application: which question an address asks.

One path prefix per endpoint id, then the real service's own paths. What is answered
comes from a `Service`; how it may fail on demand is `faults`' work.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lrtzc_pipelines.sandbox.faults import Fault, FaultBoard, FaultMiddleware
from lrtzc_pipelines.sandbox.service import Answer, Service, endpoints, response
from lrtzc_pipelines.sandbox.tables import Question

HEADER = "X-LRTZC-Sandbox"
FAULTS_PATH = "/__faults"


def endpoint_overrides(base_url: str) -> dict[str, str]:
    """Base address of every endpoint on a sandbox running at `base_url`."""
    root = base_url.rstrip("/")
    return {name: f"{root}/{name}/{rest}" for name, rest in endpoints().items()}


def application(service: Service) -> Starlette:
    """The application in front of an origin; `app.state.faults` is its fault board."""
    board = FaultBoard()
    routes = [
        Route("/", _index(service)),
        Route(FAULTS_PATH, _faults(board), methods=["GET", "POST", "DELETE"]),
        *(
            Route(
                f"/{name}/{{path:path}}",
                _route(service, name),
                methods=["GET", "POST"],
            )
            for name in endpoints()
        ),
    ]
    layers = [
        Middleware(_Stamp, origin=service.origin),
        Middleware(FaultMiddleware, board=board),
    ]
    app = Starlette(routes=routes, middleware=layers)
    app.state.faults = board
    return app


@dataclass(frozen=True)
class _Stamp:
    """ASGI layer that marks every answer, faults included, as the sandbox's."""

    app: ASGIApp
    origin: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = self.origin
            await send(message)

        await self.app(scope, receive, stamped)


def _route(
    service: Service, endpoint_id: str
) -> Callable[[Request], Awaitable[Response]]:
    own = _OWN.get(endpoint_id, _nothing)

    def ask(request: Request, body: bytes) -> Response:
        answer = own(service, request) if request.method != "POST" else None
        if answer is None:
            answer = service.ask(endpoint_id, _question(request, endpoint_id, body))
        if answer is None:
            fault = f"{request.url.path}: nothing is served at this address"
            hint = "the front page (/) tells what is, and what a source lacks to be"
            return JSONResponse({"error": fault, "hint": hint}, 404)
        return response(answer, request.headers)

    async def endpoint(request: Request) -> Response:
        # In a thread: rendering takes milliseconds that would hold up the others.
        return await run_in_threadpool(ask, request, await request.body())

    return endpoint


def _question(request: Request, endpoint_id: str, body: bytes) -> Question:
    return Question(
        method="POST" if request.method == "POST" else "GET",
        path=request.path_params["path"],
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=body,
        base_url=f"{request.base_url}{endpoint_id}/",
    )


def _nothing(_: Service, __: Request) -> Answer | None:
    return None


def _webservice(service: Service, request: Request) -> Answer | None:
    if request.path_params["path"].strip("/") not in {"", "webservice"}:
        return None
    return service.webservice(request.url.query)


def _ckan(service: Service, request: Request) -> Answer | None:
    if not request.path_params["path"].endswith("datastore_search"):
        return None
    return service.ckan(request.query_params)


def _gbfs(service: Service, request: Request) -> Answer | None:
    feed = request.path_params["path"].removesuffix(".json")
    return service.gbfs(feed, f"{request.base_url}yelo_gbfs")


def _file(service: Service, request: Request) -> Answer | None:
    endpoint = request.url.path.split("/")[1]
    return service.file(endpoint, request.path_params["path"])


def _contours(service: Service, request: Request) -> Answer | None:
    """The outlines; any other shape of them than the platform asks is refused."""
    if not request.path_params["path"].rstrip("/").endswith("/communes"):
        return None
    wanted = {"format": "geojson", "geometry": "contour"}
    if any(request.query_params.get(name) != value for name, value in wanted.items()):
        error = {"code": 400, "message": "served here: format=geojson&geometry=contour"}
        return Answer(json.dumps(error).encode(), "application/json", 400)
    return _file(service, request)


_OWN: dict[str, Callable[[Service, Request], Answer | None]] = {
    "larochelle_webservice": _webservice,
    "larochelle_d4c": _ckan,
    "yelo_gbfs": _gbfs,
    "dgcl_banatic": _file,
    "agence_ore": _file,
    "geo_api_gouv": _contours,
}
"""Endpoints with sources that have modules of their own in the sandbox."""


def _index(service: Service) -> Callable[[Request], Response]:
    def index(request: Request) -> Response:
        content = {
            "sandbox": service.origin,
            "endpoints": endpoint_overrides(str(request.base_url)),
            **service.summary(),
        }
        return JSONResponse(content)

    return index


class _FaultOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    endpoint: str
    fault: Fault
    times: int = 1


def _faults(board: FaultBoard) -> Callable[[Request], object]:
    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            board.clear()
        if request.method == "POST":
            try:
                order = _FaultOrder.model_validate_json(await request.body())
                board.plan(order.endpoint, order.fault, order.times)
            except ValidationError as error:
                return _refused(*(problem["msg"] for problem in error.errors()))
            except ValueError as error:
                return _refused(str(error))
        return JSONResponse({"faults": board.listed()})

    return faults


def _refused(*reasons: str) -> Response:
    return JSONResponse({"error": "; ".join(reasons)}, 400)
