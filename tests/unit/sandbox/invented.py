"""Invented tables and questions, for the tests of the sandbox's protocols."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.spec import SourceSpec

BASE = "http://127.0.0.1:9/town_hall/"
Answering = Callable[[Mapping[str, Table], Question], Answer | None]


def invented(
    rows: list[dict[str, Any]], connector: Mapping[str, Any], **form: Any
) -> Table:
    """A table of one source that flattens its records; columns are kept as text."""
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
        for number, name in enumerate(frame.columns)
    ]
    spec = SourceSpec.model_validate(
        {
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
            "format": {"kind": "json", "flatten": True} | form,
            "cadence": "daily",
            "primary_key": ["column_0"],
            "freshness_days": 2,
            "raw_retention_days": 90,
            "columns": columns,
        }
    )
    return Table(spec, frame)


def ask(
    answering: Answering,
    table: Table,
    path: str,
    headers: Mapping[str, str] | None = None,
    **query: str,
) -> Answer | None:
    """What a protocol answers to a GET."""
    question = Question("GET", path, query, headers or {}, base_url=BASE)
    return answering({table.spec.id: table}, question)


def body_of(answer: Answer | None) -> Any:
    """The JSON of an answer that there is."""
    assert answer is not None
    return json.loads(answer.body)
