"""Atmo France's API: a login, then a dataset in one answer.

Neither the password nor the token may be seen: the login's answer is forgotten at
once, and no message carries a header or a body.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from lrtzc_pipelines.connectors.answers import Answer
from lrtzc_pipelines.connectors.base import Known, Page, Pages, at, incomplete_json
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.connectors.paging import Progress, refused
from lrtzc_pipelines.sources.protocols import AtmoConnector

_REFUSED = httpx.codes.UNAUTHORIZED
_LOGIN = "api/login"
_NAME = "page-1"


def pages(connector: AtmoConnector, client: HttpClient, known: Known) -> Pages:
    """The dataset, as one page.

    Raises:
        FetchError: user or password refused, a token refused twice, or something
            else than features.
    """
    label = f"data {connector.path}"
    answer = _get(connector, client, known, _token(client))
    if answer.status == _REFUSED:
        # A token may expire between two requests; one that was just given may not.
        answer = _get(connector, client, known, _token(client))
    if answer.status == _REFUSED:
        raise refused(client, label, "the service refuses the token it gave")
    progress = Progress(client, label)
    if answer.not_modified:
        progress.held(known[_NAME])
    else:
        features, total = _features(client, label, answer.body)
        progress.add(features, total=total)
    yield Page(
        _NAME, "json", answer, items=progress.received, announced_total=progress.total
    )
    progress.check()


def _token(client: HttpClient) -> str:
    user, _, password = client.target.key.partition(":")
    try:
        answer = client.post(
            at(client.target.base_url, _LOGIN),
            {"username": user, "password": password},
            fault=incomplete_json,
            accept=(httpx.codes.OK, _REFUSED),
        )
    finally:
        # Bytes of a refused collection are set aside for people to look at.
        client.last_body = b""
    if answer.status == _REFUSED:
        raise refused(client, _LOGIN, "the service refuses the user or the password")
    found = json.loads(answer.body)
    token = found.get("token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise refused(client, _LOGIN, "the answer has no token")
    return token


def _get(
    connector: AtmoConnector, client: HttpClient, known: Known, token: str
) -> Answer:
    return client.get(
        at(client.target.base_url, connector.path),
        connector.query,
        known=known.get(_NAME),
        fault=incomplete_json,
        headers={"Authorization": f"Bearer {token}"},
        accept=(httpx.codes.OK, _REFUSED),
    )


def _features(client: HttpClient, label: str, body: bytes) -> tuple[list[Any], object]:
    """The features of an answer, and their announced number if there is one."""
    found = json.loads(body)
    if isinstance(found, dict):
        features = found.get("features")
        total = found.get("numberMatched", found.get("totalFeatures"))
        reason = found.get("message")
    else:
        features, total, reason = found, None, None
    if not isinstance(features, list) or not all(
        isinstance(feature, dict) for feature in features
    ):
        raise refused(client, label, "the answer has no features", reason)
    return features, total
