"""What a protocol of the sandbox is given to answer with: tables and a question.

A module of `protocols/`, named like the kind of connector it faces, has a function
`answer(tables, question)`. The tables are those of the sources that ask an endpoint
through that kind; where they are served (dataset id, path, page size) is read from the
arguments of each one's connector, so that a new source needs no new code here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from lrtzc_pipelines.sources.spec import SourceSpec


@dataclass(frozen=True)
class Table:
    """Invented rows of one source, as its producer would hold them.

    Attributes:
        spec: The source; its connector says where the rows are served, its format
            how they are written.
        frame: The rows, in the producer's column names and in a fixed order. Values
            are text, integers, floats or booleans; null is a value that is absent.
        files: In how many files they stand, one part after the other, where the
            service has several.
    """

    spec: SourceSpec
    frame: pl.DataFrame
    files: int = 1


@dataclass(frozen=True)
class Question:
    """One request to an endpoint.

    Attributes:
        method: `GET` or `POST`.
        path: What follows the endpoint's prefix, without a leading slash, decoded.
        query: Query parameters, decoded; the last of repeated ones.
        headers: Headers by lower-case name.
        body: Body of a POST.
        base_url: Address of the endpoint on this sandbox, ending in a slash: what
            links in answers are built on.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = "http://127.0.0.1/"
