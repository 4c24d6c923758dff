"""Small invented tables and questions, for the tests of the sandbox's protocols."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.spec import SourceSpec

BASE_URL = "http://127.0.0.1:1/town_hall/"


def table(
    rows: list[dict[str, Any]],
    connector: Mapping[str, Any],
    form: Mapping[str, Any],
    source_id: str = "town_things",
) -> Table:
    """An invented table with a specification of one column."""
    spec = SourceSpec.model_validate(
        {
            "id": source_id,
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
            "primary_key": ["thing_id"],
            "freshness_days": 2,
            "raw_retention_days": 90,
            "columns": [
                {
                    "name": "thing_id",
                    "source": next(iter(rows[0])),
                    "type": "text",
                    "required": True,
                    "description": "Identifiant.",
                    "privacy": "keep",
                }
            ],
        }
    )
    return Table(spec, pl.DataFrame(rows, infer_schema_length=None))


def get(path: str, **query: str) -> Question:
    """A GET request."""
    return Question("GET", path, query, base_url=BASE_URL)


def document(answer: Answer | None) -> Any:
    """The JSON document of an answer."""
    assert answer is not None
    assert answer.media_type.startswith("application/json")
    return json.loads(answer.body)
