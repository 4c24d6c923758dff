"""data.gouv.fr: its catalogue of datasets, and stable addresses that redirect.

A source that asks for a schema finds several producers, each with a file of its own.
Charging points are written as badly as they come: separators, letters, packing, axes,
booleans and dates differ, and a point stands in two files.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import polars as pl

from lrtzc_pipelines.connectors.base import at
from lrtzc_pipelines.sandbox.draws import AS_OF
from lrtzc_pipelines.sandbox.encoders import encoder
from lrtzc_pipelines.sandbox.irve_files import producer_files
from lrtzc_pipelines.sandbox.records import json_answer, number
from lrtzc_pipelines.sandbox.service import Answer
from lrtzc_pipelines.sandbox.tables import Question, Table
from lrtzc_pipelines.sources.formats import IrveFormat
from lrtzc_pipelines.sources.protocols import DataGouvConnector

MAX_PAGE_SIZE = 100
_DEFAULT_PAGE_SIZE = 20
_FOUND = 302

_SAMPLES = (
    (re.compile(r"\(\?\w+\)|[\^$]"), ""),
    (re.compile(r"\[([^\]])[^\]]*\]"), r"\1"),
    (re.compile(r"\((?:\?:)?([^|()]*)[^()]*\)"), r"\1"),
    (re.compile(r"\\d(?:[+*]|\{\d+\})?"), "1"),
    (re.compile(r"\.[*+]"), "x"),
    (re.compile(r"\\(.)|[?+*]"), r"\1"),
)
"""What stands for the parts of a regular expression in a text that it matches."""


@dataclass(frozen=True)
class _File:
    """One resource: its id, its place in its source, its bytes."""

    id: str
    number: int
    title: str
    extension: str
    body: bytes
    schema: str | None


def answer(tables: Mapping[str, Table], question: Question) -> Answer | None:
    """A page of the catalogue, a dataset, a resource, a redirect or a file."""
    found = [
        table
        for table in tables.values()
        if isinstance(table.spec.connector, DataGouvConnector)
    ]
    match question.path.strip("/").split("/"):
        case ["api", "1", "datasets"]:
            return _catalogue(found, question)
        case ["api", "1", "datasets", dataset]:
            return _dataset_answer(found, dataset, question)
        case ["api", "2", "datasets", "resources", resource]:
            return _resource_answer(found, resource, question)
        case ["fr", "datasets", "r", resource]:
            return _redirect(found, resource, question)
        case ["resources", resource, _]:
            file = _file(found, resource)
            return Answer(file.body, "application/octet-stream") if file else None
    return None


def _catalogue(tables: list[Table], question: Question) -> Answer:
    size = number(question.query.get("page_size"), _DEFAULT_PAGE_SIZE)
    page = number(question.query.get("page"), 1)
    if not size or not page:
        return json_answer({"message": "page and page_size are whole numbers"}, 400)
    size = min(size, MAX_PAGE_SIZE)
    schema = question.query.get("schema")
    datasets = [
        dataset
        for table in tables
        if not schema or _connector(table).schema_name == schema
        for dataset in _datasets(table, question)
    ]
    last = page * size
    here = at(question.base_url, "api/1/datasets/")
    following = urlencode({**question.query, "page": str(page + 1)})
    return json_answer(
        {
            "data": datasets[last - size : last],
            "page": page,
            "page_size": size,
            "total": len(datasets),
            "next_page": f"{here}?{following}" if last < len(datasets) else None,
            "previous_page": None,
        }
    )


def _datasets(table: Table, question: Question) -> list[dict[str, Any]]:
    """The datasets of a source: the one it asks for, or one per producer."""
    wanted, files = _connector(table).dataset, _files(table)
    groups = [files] if wanted else [[file] for file in files]
    return [
        {
            "id": wanted or f"{table.spec.id}-{number}",
            "title": f"{table.spec.title} ({number})",
            "organization": {"name": f"Producteur inventé {number}"},
            "resources": [_described(file, question) for file in group],
        }
        for number, group in enumerate(groups, start=1)
    ]


def _dataset_answer(
    tables: list[Table], wanted: str, question: Question
) -> Answer | None:
    for table in tables:
        for dataset in _datasets(table, question):
            if dataset["id"] == wanted:
                return json_answer(dataset)
    return json_answer({"message": "Dataset not found"}, 404)


def _resource_answer(tables: list[Table], wanted: str, question: Question) -> Answer:
    file = _file(tables, wanted)
    if file is None:
        return json_answer({"message": "Resource does not exist"}, 404)
    return json_answer(
        {"resource": _described(file, question), "dataset_id": f"dataset-{file.number}"}
    )


def _redirect(tables: list[Table], wanted: str, question: Question) -> Answer | None:
    file = _file(tables, wanted)
    if file is None:
        return None
    location = {"Location": _place(file, question)}
    return Answer(b"", "text/html; charset=utf-8", _FOUND, headers=location)


def _described(file: _File, question: Question) -> dict[str, Any]:
    modified = AS_OF - timedelta(days=file.number)
    digest = hashlib.sha1(file.body, usedforsecurity=False).hexdigest()
    return {
        "id": file.id,
        "title": file.title,
        "format": file.extension,
        "filetype": "file",
        "filesize": len(file.body),
        "checksum": {"type": "sha1", "value": digest},
        "last_modified": modified.isoformat(),
        "schema": {"name": file.schema, "version": None, "url": None},
        "url": _place(file, question),
        "latest": at(question.base_url, f"fr/datasets/r/{file.id}"),
    }


def _place(file: _File, question: Question) -> str:
    name = f"fichier-{file.number}.{file.extension}"
    return at(question.base_url, f"resources/{file.id}/{name}")


def _file(tables: list[Table], wanted: str) -> _File | None:
    files = (file for table in tables for file in _files(table))
    return next((file for file in files if file.id == wanted), None)


def _files(table: Table) -> list[_File]:
    connector, form = _connector(table), table.spec.format
    if isinstance(form, IrveFormat):
        bodies, extension = producer_files(table.frame, form), "csv"
    else:
        encode, extension = encoder(form.kind), form.kind
        bodies = [encode(part, form) for part in _parts(table)]
    return [
        _File(
            id=connector.resource or _id(table, n),
            number=n,
            title=_title(table, n),
            extension=extension,
            body=body,
            schema=connector.schema_name,
        )
        for n, body in enumerate(bodies, start=1)
    ]


def _parts(table: Table) -> list[pl.DataFrame]:
    """The rows of each file, one after the other."""
    rows, files = table.frame.height, table.files
    bounds = [rows * place // files for place in range(files + 1)]
    return [table.frame[start:end] for start, end in pairwise(bounds)]


def _title(table: Table, place: int) -> str:
    """A title that the source's pattern matches, if it has a simple one."""
    title = _connector(table).title_pattern or f"{table.spec.title} {place}"
    for pattern, text in _SAMPLES:
        title = pattern.sub(text, title)
    return title


def _id(table: Table, place: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{table.spec.id}/{place}"))


def _connector(table: Table) -> DataGouvConnector:
    connector = table.spec.connector
    assert isinstance(connector, DataGouvConnector)  # noqa: S101 - filtered before
    return connector
