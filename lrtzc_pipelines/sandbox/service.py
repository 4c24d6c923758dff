"""What the sandbox's two origins have in common: the questions and the answers.

`synthetic` answers from an invented world, `replay` from recorded files; `server` puts
either behind HTTP. Conditional requests are settled here, once for all.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from starlette.responses import Response

from lrtzc_pipelines.sandbox.tables import Question
from lrtzc_pipelines.sources.registry import load_endpoints

_OWN_ENDPOINTS = {
    "larochelle_webservice": "webservice/",
    "larochelle_d4c": "api/action/",
    "yelo_gbfs": "gbfs.json",
    "dgcl_banatic": "",
    "agence_ore": "",
    "geo_api_gouv": "",
}
"""What the base address of some endpoints has after `/<endpoint_id>/`."""

Origin = Literal["synthetic", "replay"]


@cache
def endpoints() -> dict[str, str]:
    """Endpoints that speak HTTP, with what follows `/<endpoint_id>/` in their address.

    Most have nothing there: what connectors ask for comes right after the id. Where
    the declared address names a file (GBFS), so does the sandbox's.
    """
    declared = load_endpoints()
    return {
        name: _OWN_ENDPOINTS.get(name, _file_name(endpoint.base_url))
        for name, endpoint in declared.items()
        if urlsplit(endpoint.base_url).scheme in {"http", "https"}
    }


def _file_name(url: str) -> str:
    path = PurePosixPath(urlsplit(url).path)
    return path.name if path.suffix == ".json" else ""


@dataclass(frozen=True)
class Answer:
    """A body and what HTTP has to say about it.

    Attributes:
        body: Complete body.
        media_type: Content-Type.
        status: HTTP status.
        sha256: Digest of the body if it is known already.
        last_modified: UTC moment, where the service would tell one.
        headers: What else the service says, such as `Content-Range`.
        has_etag: Whether the service names the versions of what it sends.
        is_packed: Whether the service compresses for clients that ask for it.
    """

    body: bytes
    media_type: str
    status: int = 200
    sha256: str | None = None
    last_modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    has_etag: bool = True
    is_packed: bool = False


class Service(Protocol):
    """An origin of answers; None means that there is nothing at that address."""

    @property
    def origin(self) -> Origin:
        """Value of the `X-LRTZC-Sandbox` header."""
        ...

    def webservice(self, query: str) -> Answer:
        """A page of the legacy web service, for a raw query string."""
        ...

    def ckan(self, query: Mapping[str, str]) -> Answer:
        """A page of a CKAN resource."""
        ...

    def gbfs(self, feed: str, base_url: str) -> Answer | None:
        """A GBFS feed; the discovery file names feeds below `base_url`."""
        ...

    def file(self, endpoint_id: str, path: str) -> Answer | None:
        """The file at `path` below an endpoint."""
        ...

    def ask(self, endpoint_id: str, question: Question) -> Answer | None:
        """The answer to any other question to an endpoint."""
        ...

    def summary(self) -> dict[str, Any]:
        """What is served, for the sandbox's front page."""
        ...


def response(answer: Answer, asked: Mapping[str, str]) -> Response:
    """The HTTP response: the answer, or 304 if the client holds it already.

    Args:
        answer: What the service has to say.
        asked: Headers of the request, by lower-case name.
    """
    # Content-Type as a header: Starlette would add a charset, which is wrong for one
    # of the files and unknown for the others.
    headers = {
        **answer.headers,
        **_validators(answer),
        "Content-Type": answer.media_type,
    }
    if answer.status == HTTPStatus.OK and _is_held(headers, asked):
        return Response(status_code=304, headers=headers)
    body = answer.body
    if answer.is_packed and "gzip" in asked.get("accept-encoding", ""):
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, answer.status, headers)


def _validators(answer: Answer) -> dict[str, str]:
    found = {}
    if answer.has_etag:
        digest = answer.sha256 or hashlib.sha256(answer.body).hexdigest()
        found["ETag"] = f'"{digest}"'
    if answer.last_modified:
        found["Last-Modified"] = format_datetime(answer.last_modified, usegmt=True)
    return found


def _is_held(validators: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    """Whether a request's condition holds; that of the ETag comes first."""
    tags = asked.get("if-none-match")
    if tags is not None:
        held = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return "ETag" in validators and (validators["ETag"] in held or "*" in held)
    since = asked.get("if-modified-since")
    return since is not None and since == validators.get("Last-Modified")
