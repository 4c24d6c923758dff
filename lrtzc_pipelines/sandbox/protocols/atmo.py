"""Atmo France's API: a login for anyone, and data for whoever shows its token.

The sandbox has no accounts: it takes any user and password and gives one token, which
opens nothing but invented data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from lrtzc_pipelines.sandbox.records import features, json_answer, records
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.formats import GeojsonFormat, JsonFormat
from lrtzc_pipelines.sources.protocols import AtmoConnector

TOKEN = "sandbox.of.lrtzc"  # noqa: S105 - no secret


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """The token, or the data at this path; None if there are none."""
    path = question.path.strip("/")
    if path == "api/login":
        return _login(question)
    for table in tables.values():
        connector = table.spec.connector
        if isinstance(connector, AtmoConnector) and connector.path.strip("/") == path:
            return _data(table, question)
    return None


def _login(question: Question) -> Answer:
    if question.method != "POST":
        return _refused(405, "Method Not Allowed")
    try:
        account = json.loads(question.body)
    except ValueError:
        account = None
    if not isinstance(account, dict) or not {"username", "password"} <= account.keys():
        return _refused(400, "Invalid JSON.")
    return json_answer({"token": TOKEN})


def _data(table: Table, question: Question) -> Answer:
    shown = question.headers.get("authorization")
    if shown != f"Bearer {TOKEN}":
        return _refused(401, "Invalid JWT Token" if shown else "JWT Token not found")
    form = table.spec.format
    if isinstance(form, GeojsonFormat):
        found = list(features(table))
    elif isinstance(form, JsonFormat) and form.records:
        found = records(table)
    else:
        return json_answer(records(table))
    return json_answer(
        {
            "type": "FeatureCollection",
            "name": table.spec.id,
            "numberMatched": len(found),
            "features": found,
        }
    )


def _refused(status: int, message: str) -> Answer:
    return json_answer({"code": status, "message": message}, status)
