"""A protocol of the sandbox behind a local HTTP server, for its connector's tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from lrtzc_pipelines.connectors.addresses import Target
from lrtzc_pipelines.connectors.answers import Limits
from lrtzc_pipelines.connectors.http import HttpClient
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.spec import SourceSpec

Answering = Callable[[Mapping[str, Table], Question], Answer | None]


def table_of(
    rows: list[dict[str, Any]],
    connector: Mapping[str, Any],
    form: Mapping[str, Any],
    **changes: Any,
) -> Table:
    """An invented table; every column of `rows` is kept as text."""
    frame = pl.DataFrame(rows, infer_schema_length=None)
    columns = [
        {
            "name": f"column_{number}",
            "source": name,
            "type": "text",
            "required": number == 0,
            "description": "Colonne.",
            "privacy": "keep",
        }
        for number, name in enumerate(frame.columns or ["id"])
    ]
    values = {
        "id": "town_things",
        "title": "Des choses inventées",
        "description": "Des choses inventées pour les essais.",
        "producer": "Mairie",
        "homepage": "https://example.org/",
        "licence": "etalab-2.0",
        "tier": "open",
        "axis": 3,
        "theme": "energy",
        "owner": "team:donnees",
        "endpoint": "town_hall",
        "connector": connector,
        "format": form,
        "cadence": "daily",
        "primary_key": ["column_0"],
        "freshness_days": 2,
        "raw_retention_days": 90,
        "columns": columns,
    }
    return Table(SourceSpec.model_validate(values | changes), frame)


@dataclass
class Mounted:
    """A protocol under `/service/`, with the questions it was asked."""

    server: HTTPServer
    tables: Mapping[str, Table]
    answering: Answering
    questions: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        pattern = re.compile(r"^/service/")
        self.server.expect_request(pattern).respond_with_handler(self._respond)

    @property
    def base_url(self) -> str:
        return self.server.url_for("/service/")

    def _respond(self, request: Request) -> Response:
        question = Question(
            method=request.method,
            path=request.path.removeprefix("/service/"),
            query=request.args.to_dict(),
            headers={name.lower(): value for name, value in request.headers},
            body=request.get_data(),
            base_url=self.base_url,
        )
        self.questions.append(question)
        answer = self.answering(self.tables, question)
        if answer is None:
            return Response(status=404)
        return Response(
            answer.body,
            answer.status,
            dict(answer.headers),
            content_type=answer.media_type,
        )


def client_of(base_url: str, **changes: Any) -> HttpClient:
    """A client of an endpoint at this address, that never sleeps."""
    values = {
        "endpoint_id": "town_hall",
        "base_url": base_url,
        "declared_url": base_url,
        "requests_per_second": 2.0,
    }
    target = Target(**(values | changes))
    return HttpClient(target, Limits(attempts=2), sleep=lambda _: None)
