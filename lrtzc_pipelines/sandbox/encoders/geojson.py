"""A FeatureCollection whose geometries stand in the column `geometry`."""

from __future__ import annotations

import json

import polars as pl

from lrtzc_pipelines.sandbox.encoders.json import read_nested
from lrtzc_pipelines.sources.formats import GeojsonFormat

GEOMETRY = "geometry"


def encode(frame: pl.DataFrame, form: GeojsonFormat) -> bytes:  # noqa: ARG001 - every encoder's signature
    """The rows as features, other columns than `geometry` as their properties."""
    features = []
    for row in frame.iter_rows(named=True):
        geometry = read_nested(row.pop(GEOMETRY, None))
        properties = {name: read_nested(value) for name, value in row.items()}
        features.append(
            {"type": "Feature", "properties": properties, "geometry": geometry}
        )
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()
